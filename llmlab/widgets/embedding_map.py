"""What the Embeddings widget shows: a map of vectors, the true neighbours behind it, and what the map loses.

The points and each picture travel once; afterwards the widget says what it has. It pulls: while t-SNE or UMAP is
computed it asks every half second how the picture stands.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from llmlab.i18n import Language, LearnerError
from llmlab.lens.faithfulness import faithfulness
from llmlab.lens.neighbours import nearest, similarity_matrix, unit
from llmlab.lens.pca import fit_pca
from llmlab.lens.points import Points, clusters
from llmlab.lens.projection_job import ProjectionJob, Standing
from llmlab.lens.projections import METHODS
from llmlab.widgets.payload import pack

K = 8
"""How many neighbours are listed."""
MATRIX = 40
"""The most points whose similarities are drawn all at once."""
PIECES = 12
"""The most pieces of a word that are named."""
TABLE = 20_000
"""The most points whose neighbours are written into a saved page."""


class EmbeddingMap:
    """Answers the `embedding_map` widget for some points."""

    def __init__(self, points: Points) -> None:
        self.points = points
        content = hashlib.sha256(points.vectors.contiguous().numpy().tobytes())
        content.update(repr((list(points.names), list(points.sentences))).encode())
        self.key = content.hexdigest()[:16]
        self._directions = points.directions()
        self._explained: list[float] = []
        self._pictures: dict[str, Tensor] = {}
        self._described: dict[str, dict[str, Any]] = {}
        self._jobs: dict[str, ProjectionJob] = {}
        self._keep_pca()

    def state(self, ask: Mapping[str, Any], language: Language = "en") -> dict[str, Any]:
        """All that changed for what the widget asks: `answer`, and `cloud` and `pictures` as far as it lacks them."""
        known = ask.get("have") == self.key
        answer = self.answer(ask, language)
        lacking = [name for name in self._pictures if not (known and name in (ask.get("pictures") or ()))]
        state: dict[str, Any] = {"answer": answer, "cloud_key": self.key, "live": True}
        if not known:
            state["cloud"] = self._cloud()
        if lacking:
            state["pictures"] = {"cloud": self.key, "found": {name: self._describe(name) for name in lacking}}
        return state

    def answer(self, ask: Mapping[str, Any], language: Language = "en") -> dict[str, Any]:
        """Neighbours of the `select`ed point in a `frame`, similarities of those `near` it in the picture, a matrix
        where one is wanted, what the vocabulary has to a word (`find`), and how the projection that was asked for
        (`project`, "tsne2") stands.
        """
        answer: dict[str, Any] = {"nonce": ask.get("nonce", 0), "cloud": self.key, "error": None}
        try:
            if ask.get("have") == self.key:
                frame = min(max(int(ask.get("frame") or 0), 0), len(self._directions) - 1)
                chosen = int(ask.get("select", -1))
                if 0 <= chosen < len(self.points.names):
                    answer["selected"] = self._neighbours(chosen, frame, ask.get("near") or (), bool(ask.get("matrix")))
                if ask.get("find") and self.points.vocabulary is not None:
                    answer["found"] = self._found(str(ask["find"]))
                if ask.get("stop"):
                    self._job(str(ask["stop"])).stop()
                if ask.get("project"):
                    answer["job"] = self._projected(str(ask["project"]), bool(ask.get("start")), language)
        except LearnerError as error:
            answer["error"] = error.say(language)
        return answer

    def including(self, token: int) -> "EmbeddingMap":
        """The map with one more token of the vocabulary; itself where there is none to add."""
        vocabulary = self.points.vocabulary
        if vocabulary is None or token in vocabulary.on_map or not 0 <= token < len(vocabulary.names):
            return self
        return EmbeddingMap(vocabulary.including([token]))

    def _found(self, text: str) -> dict[str, Any]:
        """What the vocabulary has to a word that is searched: tokens beside the map, or the pieces it is cut into."""
        vocabulary = self.points.vocabulary
        assert vocabulary is not None
        place = {token: at for at, token in enumerate(vocabulary.on_map)}

        def described(tokens: list[int]) -> list[dict[str, Any]]:
            return [{"token": i, "name": vocabulary.names[i], "at": place.get(i, -1)} for i in tokens]

        pieces = vocabulary.pieces(text)[:PIECES]
        return {"text": text, "more": described(vocabulary.missing(text)), "pieces": described(pieces)}

    def saved(self, language: Language = "en", view: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The state of a page that stands alone: every picture known so far, and the neighbours of every point."""
        from llmlab.widgets import labels

        found = {name: self._describe(name) for name in self._pictures}
        cloud = self._cloud()
        frames, n = self._directions.shape[:2]
        if frames * n <= TABLE and n > 1:
            each = [nearest(frame, torch.arange(n), K) for frame in self.points.vectors]
            cloud["nearest"] = pack(torch.stack([ids for ids, _ in each]).int().numpy())
            cloud["cosines"] = pack(torch.stack([cosines for _, cosines in each]).float().numpy())
        return {
            "labels": labels("embedding_map", language),
            "cloud_key": self.key,
            "cloud": cloud,
            "pictures": {"cloud": self.key, "found": found},
            "view": dict(view or {}),
            "answer": {"cloud": self.key, "nonce": 0, "error": None},
            "live": False,
        }

    def _keep_pca(self) -> None:
        d_model = self._directions.shape[-1]
        # Of a training the last step is what all are looked at from, else the plane would be that of the beginning.
        fitted = self._directions[-1] if self.points.frame_kind == "step" else self._directions.reshape(-1, d_model)
        pca = fit_pca(fitted, 3)
        self._explained = pca.explained.tolist()
        places = pca.project(self._directions).float()
        self._pictures = {"pca2": places[..., :2], "pca3": places}

    def _cloud(self) -> dict[str, Any]:
        points = self.points
        last = points.vectors[-1]
        named = dict(points.attributes)
        if len(points.names) >= 12:
            named["cluster"] = clusters(last)
        return {
            "key": self.key,
            "names": list(points.names),
            "frame_kind": points.frame_kind,
            "frames": list(points.frames),
            "sentences": list(points.sentences),
            "sentence_of": list(points.sentence_of),
            "spans": [list(span) for span in points.spans],
            "of": points.of,
            "whole": points.vocabulary is None or points.of is None,
            "width": points.vectors.shape[-1],
            "first": self._first(),
            "attributes": [
                {
                    "name": name,
                    "values": pack(torch.tensor(list(a.values), dtype=torch.float32).numpy()),
                    "names": list(a.names) if a.names is not None else None,
                    "logarithmic": a.logarithmic,
                }
                for name, a in named.items()
            ],
            "similarities": self._similarities(),
        }

    def _first(self) -> int:
        """The point that is looked at first: the most frequent one made of letters, or the first that is a word."""
        attributes = self.points.attributes
        kinds = attributes.get("kind")
        if kinds is None or kinds.names is None:
            return 0
        kind = [kinds.names[int(value)] for value in kinds.values]
        if "frequency" in attributes:
            counts = attributes["frequency"].values
            order = sorted(range(len(kind)), key=lambda i: -counts[i])
            return next((i for i in order if kind[i] in ("lower", "han")), order[0])
        names = [name.strip("·") for name in self.points.names]
        words = (i for i, k in enumerate(kind) if k == "han" or (k == "lower" and len(names[i]) > 3))
        return next(words, next((i for i, k in enumerate(kind) if k == "lower"), 0))

    def _similarities(self) -> dict[str, Any] | None:
        n = len(self.points.names)
        if not 2 <= n <= MATRIX:
            return None
        return dict(pack(torch.stack([similarity_matrix(frame) for frame in self.points.vectors]).numpy()))

    def _neighbours(self, chosen: int, frame: int, near: Any, matrix: bool) -> dict[str, Any]:
        vectors = self.points.vectors[frame]
        if len(vectors) < 2:
            raise LearnerError("embeddings.one_point")
        ids, cosines = nearest(vectors, torch.tensor([chosen]), K)
        drawn = [int(i) for i in near if 0 <= int(i) < len(vectors)][:K]
        found: dict[str, Any] = {
            "index": chosen,
            "frame": frame,
            "ids": ids[0].tolist(),
            "cosines": cosines[0].tolist(),
            "near": drawn,
            "near_cosines": (unit(vectors[drawn]) @ unit(vectors[chosen])).tolist(),
        }
        if matrix:
            some = [chosen, *ids[0].tolist()]
            found["matrix"] = {"ids": some, "values": similarity_matrix(vectors[some]).tolist()}
        return found

    def _describe(self, name: str) -> dict[str, Any]:
        """A picture with what it loses, frame by frame."""
        if name not in self._described:
            picture = self._pictures[name]
            several = len(picture) > 1
            losses = [
                faithfulness(vectors, places, k=K, most=200 if several else 1_000)
                for vectors, places in zip(self.points.vectors, picture, strict=True)
                if len(vectors) > 2
            ]
            self._described[name] = {
                "places": pack(picture.contiguous().float().numpy()),
                "explained": self._explained[: picture.shape[-1]] if name.startswith("pca") else None,
                "kept": [round(loss.kept, 4) for loss in losses],
                "trustworthiness": [round(loss.trustworthiness, 4) for loss in losses],
                "k": losses[0].k if losses else 0,
                "measured": losses[0].measured if losses else 0,
            }
        return self._described[name]

    def _job(self, name: str) -> ProjectionJob:
        method, dims = name[:-1], int(name[-1:]) if name[-1:] in ("2", "3") else 0
        if method not in METHODS or not dims:
            raise LearnerError("embeddings.no_method", method=name)
        if name not in self._jobs:
            flat = self._directions.reshape(-1, self._directions.shape[-1])
            self._jobs[name] = ProjectionJob(flat, method, dims=dims)
        return self._jobs[name]

    def _projected(self, name: str, start: bool, language: Language) -> dict[str, Any]:
        """How a projection stands. Begun when it is wanted; kept among the pictures when it is done."""
        if name in self._pictures:
            return {"name": name, "state": "done"}
        job = self._job(name)
        standing = job.standing()
        if start and standing.state in ("none", "stopped", "failed"):
            job.start()
            standing = job.standing()
        if standing.state == "done" and standing.picture is not None:
            self._keep(name, standing)
            return {"name": name, "state": "done"}
        told: dict[str, Any] = {
            "name": name,
            "state": standing.state,
            "share": standing.share,
            "seconds_left": standing.seconds_left,
            "error": standing.error.say(language) if standing.error else None,
        }
        if standing.picture is not None and standing.state == "running":
            told["places"] = pack(self._framed(standing.picture))
        return told

    def _keep(self, name: str, standing: Standing) -> None:
        assert standing.picture is not None
        self._pictures[name] = torch.from_numpy(self._framed(standing.picture))

    def _framed(self, picture: Tensor) -> Any:
        frames, n = self._directions.shape[:2]
        return picture.view(frames, n, -1).contiguous().numpy()


def show(points: Points, *, language: Language = "en", view: Mapping[str, Any] | None = None) -> Any:
    """The live widget in a notebook. `view`: what it opens with, such as {"method": "tsne", "dims": 2}."""
    from llmlab.widgets import labels
    from llmlab.widgets.jupyter import host

    made = EmbeddingMap(points)
    first = made.state({}, language)
    state = {**first, "labels": labels("embedding_map", language), "view": dict(view or {})}
    widget = host("embedding_map", state)

    def answer(change: Mapping[str, Any]) -> None:
        nonlocal made
        ask = change["new"] or {}
        more = made.including(int(ask["add"])) if ask.get("have") == made.key and "add" in ask else made
        new = more.state(ask, language)
        if more is not made:
            assert made.points.vocabulary is not None
            new["view"] = {**ask["view"], "word": made.points.vocabulary.names[int(ask["add"])]}
            made = more
        with widget.hold_sync():
            for key, value in new.items():
                setattr(widget, key, value)

    widget.observe(answer, names="ask")
    return widget


def save(
    path: str,
    points: Points,
    *,
    title: str = "llmlab",
    language: Language = "en",
    view: Mapping[str, Any] | None = None,
) -> None:
    """Write the map as one HTML file that needs nothing else."""
    from llmlab.widgets import html

    page = html.page("embedding_map", EmbeddingMap(points).saved(language, view), title=title, language=language)
    Path(path).write_text(page, encoding="utf-8")
