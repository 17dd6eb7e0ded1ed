"""Maps of vectors against scikit-learn, plain torch, and what is known of them."""

import numpy as np
import pytest
import torch
from sklearn import decomposition
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

from llmlab.i18n import LearnerError
from llmlab.lens.faithfulness import faithfulness
from llmlab.lens.neighbours import nearest, similarity_matrix
from llmlab.lens.pca import fit_pca
from llmlab.lens.projections import Stopped, project


def cloud(n, d=24, groups=5):
    generator = torch.Generator().manual_seed(n)
    centres = torch.randn(groups, d, generator=generator) * 3
    return torch.randn(n, d, generator=generator) + centres[torch.arange(n) % groups]


@pytest.mark.parametrize(("n", "d", "dims"), [(200, 24, 2), (200, 24, 3), (7, 40, 3)])
def test_pca_is_that_of_scikit_learn(n, d, dims):
    points = cloud(n, d).double()
    ours, theirs = fit_pca(points, dims), decomposition.PCA(dims, svd_solver="full").fit(points.numpy())
    signs = np.sign((ours.components.numpy() * theirs.components_).sum(1, keepdims=True))
    np.testing.assert_allclose(ours.components.numpy(), theirs.components_ * signs, atol=1e-9)
    np.testing.assert_allclose(ours.explained.numpy(), theirs.explained_variance_ratio_, atol=1e-12)
    other = cloud(30, d).double()
    np.testing.assert_allclose(ours.project(other).numpy(), theirs.transform(other.numpy()) * signs.T, atol=1e-9)


def test_pca_of_fewer_points_than_dimensions_of_the_picture():
    places = project(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), "pca", dims=3)
    assert places.shape == (2, 3)
    assert torch.all(places[:, 1:].abs() < 1e-6)
    assert not torch.any(project(torch.ones(1, 5), "pca"))


def test_neighbours_are_those_of_plain_torch_and_of_scikit_learn():
    points = cloud(1500)
    ids, cosines = nearest(points, torch.arange(1500), 9)
    all_cosines = torch.nn.functional.cosine_similarity(points[:, None], points[None], dim=-1)
    torch.testing.assert_close(similarity_matrix(points), all_cosines)
    all_cosines.fill_diagonal_(-2)
    torch.testing.assert_close(cosines, all_cosines.topk(9).values)
    theirs = NearestNeighbors(n_neighbors=9, metric="cosine").fit(points.numpy()).kneighbors(return_distance=False)
    assert np.mean(ids.numpy() == theirs) > 0.999


def test_fewer_points_than_neighbours():
    ids, cosines = nearest(cloud(3), torch.tensor([1]), 10)
    assert sorted(ids[0].tolist()) == [0, 2]
    assert cosines[0, 0] >= cosines[0, 1]


def test_what_a_map_loses_is_what_scikit_learn_measures():
    points = cloud(180)
    picture = fit_pca(points, 2).project(points)
    found = faithfulness(points, picture, k=7)
    assert found.trustworthiness == pytest.approx(
        trustworthiness(points.numpy(), picture.numpy(), n_neighbors=7, metric="cosine"), abs=1e-6
    )
    truly = NearestNeighbors(n_neighbors=7, metric="cosine").fit(points.numpy()).kneighbors(return_distance=False)
    drawn = NearestNeighbors(n_neighbors=7).fit(picture.numpy()).kneighbors(return_distance=False)
    kept = np.mean([len(set(a) & set(b)) / 7 for a, b in zip(truly, drawn, strict=True)])
    assert found.kept == pytest.approx(kept, abs=1e-3)
    unchanged = faithfulness(points, torch.nn.functional.normalize(points, dim=1), k=7)
    assert unchanged.kept > 0.99
    assert unchanged.trustworthiness > 0.999


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_a_seed_gives_one_picture_in_which_groups_stand_apart_and_progress_is_told(method):
    points, told = cloud(90), []
    first = project(points, method, seed=3, told=lambda share, picture: told.append(share))
    assert torch.equal(first, project(points, method, seed=3))
    assert first.shape == (90, 2)
    assert told == sorted(told)
    assert 0.9 < told[-1] <= 1
    assert faithfulness(points, first).kept > faithfulness(points, torch.rand(90, 2)).kept + 0.3
    assert project(points, method, dims=3).shape == (90, 3)
    with pytest.raises(Stopped):
        project(points, method, told=lambda share, picture: share < 0.4)


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_too_few_points_and_numbers_that_are_none(method):
    with pytest.raises(LearnerError, match="at least 5"):
        project(cloud(4), method)
    assert torch.isfinite(project(cloud(5), method)).all()
    broken = cloud(20)
    broken[3, 1] = float("nan")
    with pytest.raises(LearnerError, match="1 of 20 vectors"):
        project(broken, method)
