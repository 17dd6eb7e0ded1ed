"""Train a model of your own: text, tokens, size, go; then watch it learn."""

from pathlib import Path

import streamlit as st

from llmlab.i18n import LearnerError
from llmlab.ui import deleted, ownership, shell, train_choice, train_live, train_runs, train_setup
from llmlab.ui.language import plain, say


def page() -> None:
    from llmlab.training.jobs import prewarm

    ownership.keep()
    run = train_runs.on_show()
    if run is None:
        _take_from_address()
        shell.header("ui_train.title", "ui_train.lead")
        deleted.offer()
        train_setup.setup(_start)
        prewarm()  # so that the curve moves soon after the button is pressed
    else:
        _watch(run)
    train_runs.chips(run)
    st.page_link(shell.file_of("speed"), label=say("ui_train.why_fast"), icon=":material/speed:")
    _code(run)
    st.session_state.pop("train_problem", None)


def _watch(run: Path) -> None:
    from llmlab.training import runs
    from llmlab.training.status import ENDED

    status = runs.status(run)
    shell.header("ui_train.title", "ui_train.lead_ended" if status.state in ENDED else "ui_train.lead_live")
    train_live.live(run, train_runs.overlaid())
    problem = st.session_state.get("train_problem")
    if problem is not None:
        st.warning(plain(problem.say(train_live.language())), icon=":material/lightbulb:")
    wanted, size = runs.config(run).vocab_size, (runs.about(run).get("model") or {}).get("vocab_size")
    if wanted and size and size < wanted:
        st.caption(say("text.tokenizer_fewer_tokens", size=f"{size:,}", wanted=f"{wanted:,}"))
    if status.state in ENDED:
        train_runs.actions(run, status)
    st.button(say("ui_train.another"), icon=":material/add:", on_click=train_runs.close, type="tertiary")


def _take_from_address() -> None:
    """`?from=NAME` sets up fine-tuning: that is how other pages send a model here."""
    asked = st.query_params.get("from")
    if asked:
        st.session_state["train_from"] = asked
        del st.query_params["from"]


def _start() -> None:
    """Make the run and hand it to the queue; what stands in the way is said under the button."""
    from llmlab.training import runs
    from llmlab.training.jobs import LocalQueue

    st.session_state.pop("train_problem", None)
    try:
        train_setup.check()
        run = runs.create(train_choice.config(), train_choice.run_name(), ownership.owner())
        LocalQueue().submit(run)
    except LearnerError as error:
        st.session_state["train_problem"] = error
        return
    st.session_state["train_overlay"] = []
    train_runs.show(run.name)


def _code(run: Path | None) -> None:
    """The run on show, else the one that the button would start, as a command and as a notebook cell."""
    from llmlab.training import runs

    with st.expander(say("ui_train.show_command"), icon=":material/terminal:"):
        st.caption(say("ui_train.command_lead"))
        given = train_choice.words_of(runs.config(run)) if run else train_choice.words()
        if given["corpus"] is not None:
            st.code(train_choice.command(given), language="bash", wrap_lines=True)
            st.code(train_choice.notebook(given), language="python")


if __name__ == "__main__":
    page()
