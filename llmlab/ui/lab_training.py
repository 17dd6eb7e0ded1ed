"""A small GPT and a small BERT trained one after the other in front of the reader: two curves, what each says, and the
way inside of them. The trainers are processes of their own, as on the Train page.
"""

from pathlib import Path
from typing import Any

import streamlit as st

from llmlab.i18n import LearnerError
from llmlab.training.objective_pair import HEADS, SIDES, STEPS, Side
from llmlab.ui import labs, shell
from llmlab.ui.asked_runs import CUT_SHORT, UNDER_WAY, ask_for, doing, mine, problem, stop
from llmlab.ui.language import language, plain, say
from llmlab.ui.train_setup import duration
from llmlab.widgets import streamlit as host

PURPOSE = "lesson"
"""These models are met in the chapter that trains them; the rest of the app goes on showing the reader's own."""
_PLACE = "<style>.st-key-training_curve { min-height: 400px; }</style>"


def lab(settings: dict[str, str], key: str) -> None:
    """`steps` is the length of both runs, `heads` how many each layer has, `seed` another beginning."""
    from llmlab.training.jobs import prewarm

    usual = {"steps": STEPS, "heads": HEADS, "seed": 0}
    wanted = {name: int(settings.get(name, value)) for name, value in usual.items()}
    runs = _found(wanted)
    state = _states(runs)
    if not all(side in runs for side in SIDES) or any(status.state in CUT_SHORT for status in state.values()):
        prewarm()  # so that the curve moves soon after the button is pressed
    moving = any(status.state in UNDER_WAY for status in state.values())
    _buttons(wanted, runs, state, key)
    _problem(key)
    if runs:
        st.fragment(_calm, run_every=1.0 if moving else None)(wanted, key, moving)
    if runs and not moving:
        _inside(runs, key)


def _found(wanted: dict[str, int]) -> dict[Side, Path]:
    """The two runs, as far as they were asked for before."""
    from llmlab.training import comparison, objective_pair

    configs = {side: objective_pair.config(side, **wanted) for side in SIDES}
    found = {side: comparison.found(config) for side, config in configs.items()}
    return {side: run for side, run in found.items() if run is not None}


def _states(found: dict[Side, Path]) -> dict[Side, Any]:
    from llmlab.training.jobs import LocalQueue

    return {side: LocalQueue().status(run) for side, run in found.items()}


def _buttons(wanted: dict[str, int], found: dict[Side, Path], state: dict[Side, Any], key: str) -> None:
    moving = any(status.state in UNDER_WAY for status in state.values())
    whole = len(found) == len(SIDES) and all(status.state == "finished" for status in state.values())
    with st.container(horizontal=True, vertical_alignment="center"):
        if moving:
            own = [run for side, run in found.items() if state[side].state in UNDER_WAY and mine(run)]
            st.button(
                say("ui_train.stop"),
                key=f"{key}_stop",
                icon=":material/stop_circle:",
                on_click=_stop,
                args=(own,),
                disabled=not own,
            )
        elif not whole:
            st.button(
                say("ui_course.train_on" if found else "ui_course.train_both"),
                key=f"{key}_go",
                type="primary",
                icon=":material/play_arrow:",
                on_click=_start,
                args=(wanted, key),
            )
        st.caption(say("ui_course.train_length", steps=f"{wanted['steps']:,}", heads=wanted["heads"]))


def _start(wanted: dict[str, int], key: str) -> None:
    """Hand to the queue what did not come to its end yet; an earlier run of the same is used again."""
    from llmlab.training import objective_pair

    try:
        for side in SIDES:
            ask_for(objective_pair.config(side, **wanted), f"chapter-{_name(side).lower()}", PURPOSE)
    except LearnerError as error:
        st.session_state[f"{key}_problem"] = error


def _stop(found: list[Path]) -> None:
    for run in reversed(found):  # the one that waits first, lest it be given the other's place
        stop(run)


def _problem(key: str) -> None:
    error = st.session_state.pop(f"{key}_problem", None)
    if error is not None:
        st.warning(plain(error.say(language())), icon=":material/lightbulb:")


def _calm(wanted: dict[str, int], key: str, moving: bool) -> None:
    with shell.calmly():
        _draw(wanted, key, moving)


def _draw(wanted: dict[str, int], key: str, moving: bool) -> None:
    from llmlab.training import objective_pair, runs
    from llmlab.widgets.loss_curve import CurveRun, LossCurve, chunk

    found = _found(wanted)
    state = _states(found)
    if moving and not any(status.state in UNDER_WAY for status in state.values()):
        st.rerun()
    metrics = {side: runs.metrics(run) for side, run in found.items()}
    beside = [objective_pair.references(runs.references(run)) for run in found.values()]
    chart = LossCurve(
        runs=[CurveRun(id=side, name=_name(side)) for side in SIDES],
        chunks=[chunk(side, lines) for side, lines in metrics.items()],
        references=next((two for two in beside if two["uniform"] is not None), None),
        language=language(),
        height=290,
    )
    st.html(_PLACE)
    with st.container(key="training_curve"):
        host.show("loss_curve", key=f"{key}_curve", state=chart.state(), replies=("missing",), language=language())
    for place, side in zip(st.columns(len(SIDES)), SIDES, strict=True):
        with place:
            _side(side, found.get(side), state.get(side))


def _side(side: Side, run: Path | None, status: Any) -> None:
    """Where one of the two stands, and what it said last."""
    from llmlab.training import runs

    st.markdown(f"**{_name(side)}** · {_standing(run, status)}")
    said = runs.samples(run)[-1:] if run is not None else []
    if said:
        st.caption(say(f"ui_course.train_said_{side}"))
        st.code(str(said[0].get("prompt") or "") + str(said[0]["text"]), language=None, wrap_lines=True, height=130)


def _standing(run: Path | None, status: Any) -> str:
    if run is None or status.state == "queued":
        return say("ui_course.train_waits")
    if (wrong := problem(status)) is not None:
        return wrong
    if status.state in ("starting", "stopping") and not status.step:
        return doing(status)
    words = [say("ui_train.step_of", step=f"{status.step:,}", steps=f"{status.steps or status.step:,}")]
    if status.state == "running" and status.time_left is not None:
        words.append(say("ui_train.left", time=duration(status.time_left)))
    if status.val_loss is not None:
        words.append(say("ui_course.train_loss", loss=f"{status.val_loss:.2f}"))
    return " · ".join(words)


def _inside(found: dict[Side, Path], key: str) -> None:
    """What came out: into the walk-through of this chapter, or to all heads."""
    from llmlab.training import runs

    for side, run in found.items():
        if not runs.checkpoints(run):
            continue
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(
                say("ui_course.train_walk", name=_name(side)), key=f"{key}_walk_{side}", icon=":material/footprint:"
            ):
                labs.set_up(labs.unit_of(key, "training"), "walkthrough", {"model": run.name})
                st.rerun()
            for page in ("attention", "generate"):
                st.page_link(
                    shell.file_of(page),
                    label=say(f"ui_course.train_to_{page}_{side}"),
                    query_params={"model": run.name, "lang": language()},
                )


def _name(side: Side) -> str:
    return {"gpt2": "GPT", "bert": "BERT"}[side]
