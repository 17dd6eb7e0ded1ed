"""A run while it happens, and afterwards: the curve, the newest sample, how fast, how long, and what to do next."""

from collections import deque
from pathlib import Path
from typing import Any

import streamlit as st

from llmlab.ui import shell
from llmlab.ui.asked_runs import UNDER_WAY, doing, mine, problem, stop
from llmlab.ui.language import language, plain, say
from llmlab.ui.train_setup import duration
from llmlab.widgets import streamlit as host
from llmlab.widgets.loss_curve import CurveRun, LossCurve, chunk

_CURVE = "train_curve"
_KEEP_PLACE = "<style>.st-key-train_curve_place { min-height: 400px; }</style>"
"""Room for the chart before it is drawn, so that nothing below it jumps."""
_POLLS_REPEATED = 6
"""Each update repeats the points of the last polls, so that one the browser skipped is no loss."""


def live(main: Path, others: list[Path]) -> None:
    """The run `main` with the runs `others` laid over it; polls once a second while `main` is not at rest."""
    from llmlab.training import runs

    st.session_state["train_sent"] = {}
    moving = runs.status(main).state in UNDER_WAY
    st.fragment(_calm, run_every=1.0 if moving else None)(main, others, moving)


def _calm(main: Path, others: list[Path], moving: bool) -> None:
    with shell.calmly():
        _show(main, others, moving)


def _show(main: Path, others: list[Path], moving: bool) -> None:
    from llmlab.training import runs

    if not runs.is_run(main):  # deleted in another window
        st.rerun()
    status = runs.status(main)
    if moving and status.state not in UNDER_WAY:
        st.rerun()
    _headline(main, status)
    references = runs.references(main)
    shown = [main, *others]
    curve = LossCurve(
        runs=[CurveRun(id=run.name, name=run.name, unit=_unit(run)) for run in shown],
        chunks=[_news(run) for run in shown],
        references=references,
        language=language(),
        height=300,
    )
    state = curve.state()
    if not moving:
        state["words"]["waiting"] = say("ui_train.no_points")
    st.html(_KEEP_PLACE)
    with st.container(key="train_curve_place"):
        host.show(
            "loss_curve",
            key=_CURVE,
            state=state,
            replies=("missing",),
            on_reply=_send_all_again,
            language=language(),
        )
    if runs.config(main).model == "bert":
        st.caption(say("ui_train.masked_references"))
    if len({(_unit(run), runs.config(run).corpus) for run in shown}) > 1:
        st.caption(say("ui_train.not_comparable"))
    _samples(main, moving)


def _unit(run: Path) -> Any:
    from llmlab.training import runs

    config = runs.config(run)
    kind = config.tokenizer if config.init_from is None else "other"
    return {"char": "char", "word": "word"}.get(kind, "token")


def _send_all_again() -> None:
    st.session_state["train_sent"] = {}


def _news(run: Path) -> dict[str, Any]:
    """What the chart has not surely got: everything at first, later the points since some polls ago."""
    from llmlab.training import runs

    sent: dict[str, deque[int]] = st.session_state.setdefault("train_sent", {})
    polls = sent.setdefault(run.name, deque(maxlen=_POLLS_REPEATED))
    metrics = runs.metrics(run)
    newest = metrics[-1]["step"] if metrics else -1
    if polls and newest < polls[-1]:  # resumed from a checkpoint: what came after it is gone
        polls.clear()
    after = polls[0] if polls else -1
    polls.append(newest)
    return chunk(run.name, metrics, after=after)


def _headline(run: Path, status: Any) -> None:
    """Which run, where it stands, Stop; under it how fast it goes."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{plain(run.name)}** · {_standing(run, status)}", width="content")
        if status.state in ("queued", "starting", "running") and mine(run):
            st.button(say("ui_train.stop"), key="train_stop", icon=":material/stop_circle:", on_click=stop, args=(run,))
    if status.state in ("starting", "running", "stopping"):
        st.progress(_share(status), _pace(status) or None)
    if (wrong := problem(status)) is not None:
        st.warning(wrong, icon=":material/lightbulb:")


def _standing(run: Path, status: Any) -> str:
    if status.state == "queued":
        from llmlab.training.jobs import LocalQueue

        position = LocalQueue().position(run)
        return say("ui_train.queued", ahead=position) if position else say("ui_train.starting")
    if status.state in ("starting", "stopping") and status.doing:
        return doing(status)
    step = {"step": f"{status.step:,}"}
    known = status.steps is not None and status.steps >= status.step
    words = [
        say(f"ui_train.state_{status.state}"),
        say("ui_train.step_of", **step, steps=f"{status.steps:,}") if known else say("ui_train.at_step", **step),
    ]
    if status.state == "running" and status.time_left is not None:
        words.append(say("ui_train.left", time=duration(status.time_left)))
    if status.state != "running":
        words.append(duration(status.seconds))
        if status.val_loss is not None:
            whole = "ui_train.val_loss_whole" if status.val_share == 1 else "ui_train.val_loss"
            words.append(say(whole, loss=f"{status.val_loss:.3f}"))
    return " · ".join(words)


def _pace(status: Any) -> str:
    words = []
    if status.tokens_per_second:
        words.append(say("ui_train.speed", n=f"{status.tokens_per_second:,.0f}"))
    if status.grad_norm is not None:
        words.append(say("ui_train.grad_norm", norm=f"{status.grad_norm:.2f}"))
    return " · ".join(words)


def _share(status: Any) -> float:
    if status.time_left is not None and status.seconds + status.time_left > 0:
        return min(1.0, status.seconds / (status.seconds + status.time_left))
    return min(1.0, status.step / status.steps) if status.steps else 0.0


def _samples(run: Path, moving: bool) -> None:
    """What the model wrote, newest first; the slider goes back to the noise it began with."""
    from llmlab.training import runs

    samples = runs.samples(run)
    if not samples:
        if moving:
            st.caption(say("ui_train.no_sample_yet"))
        return
    by_step = {sample["step"]: sample for sample in samples}
    steps = sorted(by_step)
    key = f"train_sample_{run.name}"
    pinned = st.session_state.get("train_sample_pinned") == run.name

    def choose() -> None:
        st.session_state["train_sample_pinned"] = run.name if st.session_state[key] != steps[-1] else None

    if not pinned or st.session_state.get(key) not in by_step:
        st.session_state[key] = steps[-1]
    chosen = steps[-1]
    if len(steps) > 1:
        left, right = st.columns([3, 2], vertical_alignment="center")
        left.markdown(f"**{say('ui_train.sample_title')}**")
        with right:
            chosen = st.select_slider(
                say("ui_train.sample_slider"),
                steps,
                key=key,
                on_change=choose,
                format_func=lambda step: say("ui_train.at_step", step=f"{step:,}"),
                label_visibility="collapsed",
            )
    else:
        st.markdown(f"**{say('ui_train.sample_title')}**")
    sample = by_step[chosen]
    st.code(str(sample.get("prompt") or "") + str(sample["text"]), language=None, wrap_lines=True, height=150)
