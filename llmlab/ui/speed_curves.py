"""The speed lab's runs: asked for once and found again, their curves on one chart, and what the difference comes to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from llmlab.ui import asked_runs, shell, speed_measured
from llmlab.ui.asked_runs import CUT_SHORT, UNDER_WAY
from llmlab.ui.language import language, plain, say
from llmlab.widgets import streamlit as host
from llmlab.widgets.loss_curve import CurveRun, LossCurve, chunk

_PURPOSE = "comparison"
_PACE_TOLD = 1.15
"""Factor of speed from which on it is worth a word."""
_FIRST_SHARE = 0.05
"""Share of a run at its beginning that is not drawn: it would squeeze the rest."""
_PLACE = "<style>.st-key-speed_curve_place { min-height: 430px; }</style>"


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of the comparison; `name` is None for the recipe itself, `run` None while nobody asked for it."""

    name: str | None
    run: Path | None

    @property
    def label(self) -> str:
        return say("speed.recipe" if self.name is None else f"speed.{self.name}_without")


def ask_for(config: Any, stem: str) -> None:
    """See to it that this is trained, if it was not before. Raises LearnerError as creating a run does."""
    asked_runs.ask_for(config, f"speed-{stem}", _PURPOSE)


def stop(config: Any) -> None:
    """End what trains for this comparison, if it is the reader's."""
    from llmlab.training import comparison, runs

    run = comparison.found(config)
    if run is not None and runs.status(run).state in UNDER_WAY and _mine(run):
        asked_runs.stop(run)


def forget() -> None:
    """Delete the reader's comparisons, those that are not training. Raises LearnerError as deleting does."""
    from llmlab.training import runs

    for run in runs.list_runs():
        if runs.purpose(run) == _PURPOSE and _mine(run) and runs.status(run).state not in UNDER_WAY:
            runs.delete(run)


def _mine(run: Path) -> bool:
    from llmlab.training import runs

    return runs.purpose(run) == _PURPOSE and asked_runs.mine(run)


def show(recipe: Any, off: list[str], first: str, take: Callable[[str], None], start: Callable[[], None]) -> None:
    """The chart with the recipe and what was taken away, and a sentence for each; polls while one of them trains.

    `first`: what to offer to take away where nothing was trained yet, by `take`; `start` trains what is missing.
    """
    from llmlab.training import comparison, ingredients, runs

    curves = [Curve(name=None, run=comparison.found(recipe))]
    curves += [Curve(name=name, run=comparison.found(ingredients.without(recipe, name))) for name in off]
    known = [curve.run for curve in curves if curve.run is not None]
    if not known:
        st.info(say("speed.empty"), icon=":material/toggle_off:")
    if not known and not off:
        st.button(
            say("speed.first", name=say(f"speed.{first}")),
            key="speed_first",
            type="primary",
            icon=":material/play_arrow:",
            on_click=take,
            args=(first,),
        )
    if not known:
        names = [ingredient.name for ingredient in ingredients.present(recipe)]
        speed_measured.show([*names, ingredients.EVERYTHING])
    moving = any(runs.status(run).state in UNDER_WAY for run in known)
    if known:
        st.fragment(_calm, run_every=1.0 if moving else None)(curves, moving)
    asleep = [c for c in curves if c.run is None or runs.status(c.run).state in CUT_SHORT]
    if off and asleep:
        st.button(say("speed.start"), key="speed_start", type="primary", icon=":material/play_arrow:", on_click=start)


def _calm(curves: list[Curve], moving: bool) -> None:
    with shell.calmly():
        _draw(curves, moving)


def _draw(curves: list[Curve], moving: bool) -> None:
    from llmlab.training import runs

    shown = [curve for curve in curves if curve.run is not None]
    if not all(runs.is_run(curve.run) for curve in shown if curve.run):  # deleted in another window
        st.rerun()
    states = {curve: runs.status(curve.run) for curve in shown if curve.run}
    if moving and not any(status.state in UNDER_WAY for status in states.values()):
        st.rerun()
    points = {curve: runs.metrics(curve.run) for curve in shown if curve.run}
    by_time = _across() == "seconds"
    base = next((lines for curve, lines in points.items() if curve.name is None and lines), None)
    per_step = base[-1]["tokens"] / base[-1]["step"] if base else 1
    even = len({lines[-1]["tokens"] / lines[-1]["step"] for lines in points.values() if lines}) <= 1
    chart = LossCurve(
        runs=[CurveRun(id=curve.label, name=curve.label, unit="char") for curve in shown],
        chunks=[chunk(curve.label, _placed(lines, by_time, per_step)) for curve, lines in points.items()],
        language=language(),
        height=320,
        across="seconds" if by_time else "step" if even else "text",
    )
    st.html(_PLACE)
    with st.container(key="speed_curve_place"):
        host.show(
            "loss_curve",
            key=f"speed_curve_{chart.across}",
            state=chart.state(),
            replies=("missing",),
            language=language(),
        )
    for curve in curves:
        st.markdown(_sentence(curve, states, points))


def _across() -> str:
    options = {"step": say("speed.by_step"), "seconds": say("speed.by_seconds")}
    st.session_state.setdefault("speed_across", "step")
    chosen: str = st.segmented_control(
        say("speed.across"),
        list(options),
        key="speed_across",
        format_func=lambda option: options.get(option, option),
        required=True,
        persist_state="session",
        label_visibility="collapsed",
    )
    return chosen


def _placed(lines: list[dict[str, Any]], by_time: bool, per_step: float) -> list[dict[str, Any]]:
    """The points with seconds of learning, or text in steps of the recipe, in the place of steps."""
    from llmlab.training.comparison import learning_seconds
    from llmlab.training.ingredients import STEPS

    across = learning_seconds(lines) if by_time else [line["tokens"] / per_step for line in lines]
    from_here = _FIRST_SHARE * per_step * STEPS
    return [
        line | {"step": round(x, 1), "best": None}
        for line, x in zip(lines, across, strict=True)
        if line["tokens"] >= from_here
    ]


def _sentence(curve: Curve, states: dict[Curve, Any], points: dict[Curve, list[dict[str, Any]]]) -> str:
    """Where a run stands; once both have ended, what the difference came to."""
    label = f"**{plain(curve.label)}**"
    status = states.get(curve)
    if status is None:
        return say("speed.not_yet", name=label)
    if status.state == "queued" and (ahead := _ahead(curve)):
        return say("speed.waiting", name=label, ahead=ahead)
    if (wrong := asked_runs.problem(status)) is not None:
        return f"{label}: {wrong}"
    if status.state in UNDER_WAY and not status.step:
        return f"{label}: {asked_runs.doing(status)}"
    base = next((c for c in points if c.name is None), None)
    ended = base is not None and states[base].state == "finished" and status.state == "finished"
    if curve.name is not None and ended and base is not None:
        return _difference(label, points[base], points[curve])
    return _standing(label, status, points[curve])


def _ahead(curve: Curve) -> int:
    from llmlab.training.jobs import LocalQueue

    assert curve.run is not None
    return LocalQueue().position(curve.run)


def _standing(label: str, status: Any, lines: list[dict[str, Any]]) -> str:
    measured = [line["val_loss"] for line in lines if line.get("val_loss") is not None]
    loss = f"{measured[-1]:.2f}" if measured else "–"
    phrase = {"finished": "speed.ended", "stopped": "speed.stopped"}.get(status.state, "speed.on_its_way")
    return say(phrase, name=label, step=f"{status.step:,}", steps=f"{status.steps or status.step:,}", loss=loss)


def _difference(label: str, with_it: list[dict[str, Any]], without_it: list[dict[str, Any]]) -> str:
    from llmlab.training import comparison

    found = comparison.outcome(with_it, without_it)
    if found is None:
        return label
    apart = found.loss_without - found.loss_with
    digits = 2 if abs(apart) >= 0.1 else 3
    losses = {"here": f"{found.loss_with:.{digits}f}", "without": f"{found.loss_without:.{digits}f}"}
    same_steps = found.steps == found.steps_without
    words = [say("speed.from_to", name=label, steps=f"{found.steps:,}", **losses)]
    if abs(apart) <= speed_measured.LIKE_NOISE:
        words.append(say("speed.like_noise"))
    elif apart < 0:
        words.append(say("speed.better_without"))
    elif found.times_the_text is not None:
        phrase = "speed.times_the_steps" if same_steps else "speed.times_the_text"
        words.append(say(phrase, times=f"{found.times_the_text:.1f}"))
    if not 1 / _PACE_TOLD < found.pace < _PACE_TOLD:
        slower = found.pace > 1
        pace = found.pace if slower else 1 / found.pace
        words.append(say("speed.slower" if slower else "speed.quicker", times=f"{pace:.1f}"))
        if slower:
            words.append(say("speed.in_that_time", loss=f"{found.loss_in_that_time:.{digits}f}"))
    return say("speed.joint").join(words) + say("speed.stop")
