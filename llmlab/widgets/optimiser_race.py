"""What the race of optimisers shows: a loss surface, and the path of every optimiser from one start down it."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from llmlab.autodiff.surfaces import SURFACES, race
from llmlab.i18n import Language
from llmlab.widgets.payload import pack

STEPS = 200
GRID = 121
FACTORS = (1 / 16, 16.0)


class Race:
    """Answers the `optimiser_race` widget."""

    def answer(self, ask: Mapping[str, Any], language: Language = "en") -> dict[str, Any]:
        """The state `answer` for a `surface`, a `start` [x, y] (None: the surface's own) and a `factor` on rates."""
        surface = SURFACES.get(str(ask.get("surface", "")), SURFACES["ravine"])
        factor = float(np.clip(float(ask.get("factor") or 1.0), *FACTORS))
        wanted = ask.get("start") or surface.start
        start = [float(np.clip(w, *edge)) for w, edge in zip(wanted, (surface.x, surface.y), strict=True)]
        rates = {name: rate * factor for name, rate in surface.rates.items()}
        paths, losses = race(surface, rates, start=start, steps=STEPS)
        lowest, _ = surface.value_and_gradient(np.array(surface.lowest))
        with np.errstate(over="ignore"):  # what float32 cannot hold has left the picture long ago
            packed = {"paths": pack(paths.astype(np.float32)), "losses": pack(losses.astype(np.float32))}
        return {
            "nonce": ask.get("nonce", 0),
            "surface": surface.name,
            "formula": surface.formula,
            "x": list(surface.x),
            "y": list(surface.y),
            "lowest": [list(point) for point in surface.lowest],
            "floor": float(lowest.min()),
            "grid": pack(surface.grid(GRID).astype(np.float32)),
            "start": start,
            "factor": factor,
            "steps": STEPS,
            "rules": [{"name": name, "rate": f"{rate:.3g}"} for name, rate in rates.items()],
            **packed,
        }


def begin(ask: Mapping[str, Any], language: Language, *, only: Iterable[str] = ()) -> dict[str, Any]:
    """The whole state of a widget that opens on what `ask` says; `only` these optimisers are drawn, or all."""
    from llmlab.widgets import labels

    return {
        "surfaces": list(SURFACES),
        "only": list(only),
        "labels": labels("optimiser_race", language),
        "answer": Race().answer(ask, language),
    }


def show(surface: str = "ravine", *, language: Language = "en") -> Any:
    """The live widget in a notebook."""
    from llmlab.widgets.jupyter import host

    racers = Race()
    state = begin({"surface": surface}, language)
    return host("optimiser_race", state, lambda asked: racers.answer(asked, language))
