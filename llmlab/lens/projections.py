"""Many dimensions drawn in two or three: PCA (written out in `pca`), t-SNE (van der Maaten & Hinton 2008) by openTSNE,
UMAP (McInnes, Healy & Melville 2018) by umap-learn.

t-SNE and UMAP both start from who is near whom in the space, by cosine, and move points about until the picture has
the same neighbours; what lies far apart in it, and how large a cluster is, then means little.
"""

import io
import warnings
from collections.abc import Callable
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from llmlab.i18n import LearnerError
from llmlab.lens.neighbours import nearest
from llmlab.lens.pca import fit_pca

Method = Literal["pca", "tsne", "umap"]
METHODS: tuple[Method, ...] = get_args(Method)

PERPLEXITY = 30
UMAP_NEIGHBOURS = 15
TSNE_STEPS = (250, 500)
FEWEST = 5
"""t-SNE and UMAP need neighbours to speak of."""

Told = Callable[[float, Tensor | None], bool | None]
"""Called with the share done and the picture so far, if there is one; returning False asks to stop."""


class Stopped(Exception):  # noqa: N818 - asked for, no error
    """The projection was asked to stop before its end."""


def project(
    points: Float[Tensor, "point d_model"],
    method: Method,
    *,
    dims: int = 2,
    seed: int = 0,
    told: Told = lambda share, picture: True,
) -> Float[Tensor, "point dims"]:
    """The picture of some points, float32; the same seed gives the same picture.

    Raises LearnerError for too few points (t-SNE, UMAP) or values that are not numbers, Stopped when `told` says so.
    """
    require_finite(points)
    n = len(points)
    if method == "pca":
        return fit_pca(points, dims).project(points).float()
    if n < FEWEST:
        raise LearnerError("embeddings.too_few", points=n, least=FEWEST)
    run = _tsne if method == "tsne" else _umap
    return run(points, dims, seed, told)


def require_finite(points: Tensor) -> None:
    """Raise LearnerError when some vector holds NaN or infinity."""
    bad = int((~torch.isfinite(points)).flatten(0, -2).any(-1).sum()) if points.numel() else 0
    if bad:
        raise LearnerError("embeddings.not_finite", bad=bad, all=points.shape[:-1].numel())


def _start(points: Tensor, dims: int) -> Tensor:
    """Both begin from PCA, made small, as Kobak & Linderman (2021) advise: then far clusters keep their order too."""
    begin = fit_pca(points, dims).project(points)
    return begin / begin[:, 0].std().clamp_min(1e-12)


def _tsne(points: Tensor, dims: int, seed: int, told: Told) -> Tensor:
    from openTSNE import TSNE
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    n = len(points)
    perplexity = min(PERPLEXITY, (n - 1) / 3)
    ids, cosines = nearest(points, torch.arange(n), min(n - 1, int(3 * perplexity)))
    _go_on(told, 0.02, None)
    known = PrecomputedNeighbors(ids.int().numpy(), (1 - cosines).clamp_min(0).double().numpy())
    affinities = PerplexityBasedNN(perplexity=perplexity, knn_index=known, n_jobs=1)
    early, steps = TSNE_STEPS
    done = 0

    def each(iteration: int, error: float, picture: Any) -> bool:
        nonlocal done
        done += 25
        return told(done / (early + steps), torch.from_numpy(picture.copy()).float()) is False

    made = TSNE(
        n_components=dims,
        early_exaggeration_iter=early,
        n_iter=steps,
        negative_gradient_method="fft" if dims == 2 and n > 2_000 else "bh",
        random_state=seed,
        n_jobs=1,  # with more, the sum's order and with it the picture would change from run to run
        callbacks=each,
        callbacks_every_iters=25,
    ).fit(affinities=affinities, initialization=(_start(points, dims) * 1e-4).numpy())
    if done < early + steps:
        raise Stopped
    return torch.from_numpy(made[:].copy()).float()


def _umap(points: Tensor, dims: int, seed: int, told: Told) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # umap advises about threads and about new points, which nobody asks for here
        from umap import UMAP

        n = len(points)
        k = min(UMAP_NEIGHBOURS, n - 1)
        ids, cosines = nearest(points, torch.arange(n), k - 1)
        itself = torch.arange(n)[:, None]
        ids = torch.cat([itself, ids], dim=1)  # umap counts a point among its own neighbours
        distances = torch.cat([torch.zeros(n, 1), (1 - cosines).clamp_min(0)], dim=1)
        _go_on(told, 0.05, None)
        made = UMAP(
            n_components=dims,
            n_neighbors=k,
            metric="cosine",
            precomputed_knn=(ids.int().numpy(), distances.numpy()),
            init=(_start(points, dims) * 5).float().numpy(),
            random_state=seed,
            n_jobs=1,
            tqdm_kwds={"file": _Bar(told), "bar_format": "{n_fmt}/{total_fmt}", "mininterval": 0.2, "disable": False},
        ).fit_transform(points.float().numpy())
    return torch.from_numpy(made).float()


class _Bar(io.StringIO):
    """Where umap draws its progress bar: reads "120/500" and passes the share on."""

    def __init__(self, told: Told) -> None:
        super().__init__()
        self._told = told

    def write(self, text: str) -> int:
        done, slash, total = text.strip().partition("/")
        if slash and done.isdigit() and total.isdigit():
            _go_on(self._told, 0.3 + 0.7 * int(done) / int(total), None)
        return len(text)


def _go_on(told: Told, share: float, picture: Tensor | None) -> None:
    if told(share, picture) is False:
        raise Stopped
