"""Earlier runs as chips, and what can be done with the one on show: talk to it, compare, export, resume, delete."""

from pathlib import Path
from typing import Any

import streamlit as st

from llmlab.ui import asked_runs, deleted, shell
from llmlab.ui.language import plain, say

_MOST_CHIPS = 24
_MOST_CURVES = 6
_CHIPS = "train_chips"


def by_name(name: str | None) -> Path | None:
    """The run of that name under the runs folder; None for anything else that stands in an address."""
    from llmlab.training import runs

    return next((run for run in runs.list_runs() if run.name == name), None)


def on_show() -> Path | None:
    """The run that the address names, else the one of this session."""
    asked = st.query_params.get("run") or st.session_state.get("train_run")
    found = by_name(asked)
    if found is None:
        close()
    else:
        st.session_state["train_run"] = st.query_params["run"] = found.name
    return found


def show(name: str) -> None:
    """Put a run on show."""
    st.session_state["train_run"] = name
    st.query_params["run"] = name
    st.session_state["train_overlay"] = [other for other in overlay() if other != name]


def close() -> None:
    """Back to setting up a new run."""
    st.session_state.pop("train_run", None)
    st.query_params.pop("run", None)


def overlay() -> list[str]:
    """The names of the runs laid over the one on show."""
    return list(st.session_state.get("train_overlay", []))


def overlaid() -> list[Path]:
    """The runs laid over the one on show, those that still exist."""
    found = (by_name(name) for name in overlay())
    return [run for run in found if run is not None][: _MOST_CURVES - 1]


def chips(main: Path | None) -> None:
    """Every run as a chip: chosen ones lie on the chart. Below, what can be done with them."""
    from llmlab.training import runs

    every = [run for run in runs.list_runs() if run == main or runs.purpose(run) is None]
    if not every or every == [main]:
        return
    st.markdown(f"**{say('ui_train.runs')}**")
    labels = {run.name: _label(run) for run in [run for run in every if run != main][:_MOST_CHIPS]}
    names = list(labels)
    st.session_state[_CHIPS] = [name for name in overlay() if name in names]
    st.pills(
        say("ui_train.runs"),
        names,
        selection_mode="multi",
        format_func=lambda name: labels.get(name, name),
        key=_CHIPS,
        label_visibility="collapsed",
        on_change=_take_chips,
        args=(main,),
    )
    chosen = [name for name in overlay() if name in names]
    st.caption(say("ui_train.runs_hint" if main else "ui_train.runs_hint_none"))
    for name in chosen:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(plain(name), width="content")
            st.button(say("ui_train.open"), key=f"train_open_{name}", on_click=show, args=(name,), type="tertiary")
            st.button(
                say("ui_train.take_off"), key=f"train_off_{name}", on_click=_take_off, args=(name,), type="tertiary"
            )


def _take_chips(main: Path | None) -> None:
    chosen = list(st.session_state[_CHIPS])
    if main is None and chosen:  # nothing is on show yet: the first chip is what is opened
        show(chosen[-1])
        return
    st.session_state["train_overlay"] = chosen[-(_MOST_CURVES - 1) :]


def _take_off(name: str) -> None:
    st.session_state["train_overlay"] = [other for other in overlay() if other != name]


def _label(run: Path) -> str:
    from llmlab.training import runs

    status = runs.status(run)
    if status.state in ("queued", "starting", "running", "stopping", "failed"):
        return f"{run.name} · {say('ui_train.state_' + status.state)}"
    return f"{run.name} · {status.val_loss:.2f}" if status.val_loss is not None else run.name


def actions(run: Path, status: Any) -> None:
    """What a run at rest is good for."""
    from llmlab.training import runs

    usable = runs.last(run) is not None
    mine = asked_runs.mine(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        if usable and st.button(say("ui_train.talk"), key="train_talk", type="primary", icon=":material/forum:"):
            open_in_generate(run.name)
        if status.state in ("stopped", "failed") and mine:
            st.button(say("ui_train.resume"), icon=":material/resume:", on_click=resume, args=(run,))
        _compare(run)
        if usable:
            export(run, key="train_export")
        with st.popover(say("ui_train.more"), type="tertiary", icon=":material/more_horiz:"):
            if usable:
                st.button(say("ui_train.fine_tune"), icon=":material/tune:", on_click=fine_tune, args=(run.name,))
            if mine:
                st.button(
                    say("ui_train.delete"), key="train_delete", icon=":material/delete:", on_click=delete, args=(run,)
                )
            else:
                st.caption(say("ui_train.not_yours"))


def _compare(run: Path) -> None:
    from llmlab.training import runs

    corpus = runs.config(run).corpus
    alike = [other.name for other in runs.list_runs() if other != run and runs.config(other).corpus == corpus]

    def lay_over() -> None:
        st.session_state["train_overlay"] = alike[: _MOST_CURVES - 1]

    st.button(
        say("ui_train.compare"),
        key="train_compare",
        icon=":material/stacked_line_chart:",
        on_click=lay_over,
        disabled=not alike,
        help=say("ui_train.compare_help"),
    )


def export(run: Path, *, key: str) -> None:
    """A button that packs the best checkpoint as a transformers folder when it is pressed."""
    from llmlab.training import runs

    def pack() -> bytes:
        from llmlab.hub.archive import export_zip

        return export_zip(runs.best(run), name=run.name)

    st.download_button(
        say("ui_train.export"),
        pack,
        file_name=f"{run.name}.zip",
        mime="application/zip",
        key=key,
        icon=":material/download:",
        help=say("ui_train.export_help"),
        on_click="ignore",
    )


def open_in_generate(name: str) -> None:
    """Leave for Generate, with this model on it."""
    st.switch_page(shell.file_of("generate"), query_params={"model": name})


def resume(run: Path) -> None:
    """Go on from the last checkpoint, if the run is the reader's."""
    from llmlab.i18n import LearnerError
    from llmlab.training.jobs import LocalQueue

    if asked_runs.mine(run):
        try:
            LocalQueue().submit(run)
        except LearnerError as error:
            st.session_state["train_problem"] = error


def fine_tune(name: str) -> None:
    """Set up a new run that goes on from this model."""
    close()
    st.session_state["train_from"] = name


def delete(run: Path) -> None:
    """Delete the run, if it is the reader's; the next page offers to undo it."""
    from llmlab.i18n import LearnerError

    if not asked_runs.mine(run):
        return
    try:
        deleted.put_aside(run)
    except LearnerError as error:
        st.session_state["train_problem"] = error
    else:
        close()
