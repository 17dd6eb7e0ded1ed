"""Speed lab: why the default recipe learns fast. Switch an ingredient off, and see the curve without it."""

from typing import Any

import streamlit as st

from llmlab.i18n import LearnerError
from llmlab.ui import ownership, shell, speed_curves, speed_measured, train_choice
from llmlab.ui.language import language, plain, say

_OFF, _SEED, _TEXT, _PROBLEM = "speed_off", "speed_seed", "speed_text", "speed_problem"
_MOST = 5
"""Curves beside the recipe's: a sixth would have no colour of its own."""
_TIGHT = """<style>
.st-key-speed_switches [data-testid=stCaptionContainer] {margin: -0.1rem 0 0.2rem 2.5rem}
.st-key-speed_switches [data-testid=stCaptionContainer] p {line-height: 1.4}
.st-key-speed_switches label p {white-space: normal; overflow: visible}
</style>"""
"""A sentence belongs to the switch above it."""


def page() -> None:
    from llmlab.training import ingredients
    from llmlab.training.jobs import prewarm

    ownership.keep()
    shell.header("speed.title", "speed.lead")
    _take_from_address()
    recipe = _recipe()
    off = ingredients.names(st.session_state.get(_OFF, []), recipe)[:_MOST]
    _into_address(off)
    chart, switches = st.columns([13, 7], gap="medium")
    with switches, shell.calmly():
        _switches(recipe, off)
        _settings()
    with chart, shell.calmly():
        first = _order(recipe)[0]
        speed_curves.show(recipe, off, first, lambda name: _switch(recipe, name, off), lambda: _start(recipe, off))
        _problem()
    _code(recipe, off)
    st.page_link(shell.file_of("train"), label=say("speed.to_train"), icon=":material/model_training:")
    prewarm()


def _recipe() -> Any:
    """The run with everything in it, on the text and from the seed chosen."""
    from llmlab.training import ingredients, recipes

    return ingredients.whole(recipes.configure({"corpus": _text(), "seed": int(st.session_state.get(_SEED, 0))}))


def _texts() -> list[str]:
    from llmlab.hub.catalogue import entries
    from llmlab.hub.fetch import is_local

    return [entry.name for entry in entries("corpus") if is_local(entry.name)]


def _text() -> str:
    chosen = st.session_state.get(_TEXT)
    return chosen if chosen in _texts() else f"tales-{language()}"


def _take_from_address() -> None:
    """`?without=muon,qk_norm&text=tales-en&seed=1` is read once: afterwards the session knows better."""
    if st.session_state.get("speed_address_read"):
        return
    st.session_state["speed_address_read"] = True
    asked = st.query_params
    if "without" in asked:
        st.session_state[_OFF] = asked["without"].split(",")
    if asked.get("text") in _texts():
        st.session_state[_TEXT] = asked["text"]
    if asked.get("seed", "").isdecimal() and len(asked["seed"]) < 10:
        st.session_state[_SEED] = int(asked["seed"])


def _into_address(off: list[str]) -> None:
    told = {"without": ",".join(off), "text": _text(), "seed": str(st.session_state.get(_SEED, 0))}
    for name, value in told.items():
        usual = {"without": "", "text": f"tales-{language()}", "seed": "0"}[name]
        if value != usual:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)


def _order(recipe: Any) -> list[str]:
    """The ingredients of the recipe, the one that gives most first."""
    from llmlab.training import ingredients

    losses = ingredients.measured().losses
    names = [ingredient.name for ingredient in ingredients.present(recipe)]
    return sorted(names, key=lambda name: -losses.get(name, 0.0))


def _switches(recipe: Any, off: list[str]) -> None:
    """A switch for each ingredient, and one for all of them; beside each what it gave, and why."""
    from llmlab.training import ingredients

    measured = ingredients.measured()
    st.markdown(f"**{say('speed.ingredients')}**")
    st.html(_TIGHT)
    with st.container(key="speed_switches", gap=None):
        for name in [*_order(recipe), ingredients.EVERYTHING]:
            key = f"speed_switch_{name}"
            st.session_state[key] = name not in off
            label = f"**{say(f'speed.{name}')}**"
            if name in measured.losses:
                label += "  " + say(
                    "speed.measured", here=f"{measured.loss:.2f}", without=f"{measured.losses[name]:.2f}"
                )
            full = len(off) >= _MOST and name not in off
            st.toggle(label, key=key, on_change=_switch, args=(recipe, name, off), disabled=full)
            st.caption(
                ("" if language() == "zh" else " ").join(
                    filter(None, (say(f"speed.{name}_why"), speed_measured.honestly(name)))
                )
            )
    if not ingredients.in_bfloat16(recipe):
        st.caption(say("speed.no_bfloat16"))
    st.caption(say("speed.source", date=measured.date, steps=measured.steps))


def _switch(recipe: Any, name: str, off: list[str]) -> None:
    """Off: both runs are asked for, unless they were trained before. On again: what still trains for it is stopped."""
    from llmlab.training import ingredients

    if name in off:
        st.session_state[_OFF] = [other for other in off if other != name]
        speed_curves.stop(ingredients.without(recipe, name))
    else:
        st.session_state[_OFF] = [*off, name]
        _start(recipe, [*off, name])


def _start(recipe: Any, off: list[str]) -> None:
    from llmlab.training import ingredients

    st.session_state.pop(_PROBLEM, None)
    try:
        speed_curves.ask_for(recipe, "recipe")
        for name in off:
            speed_curves.ask_for(ingredients.without(recipe, name), name)
    except LearnerError as error:
        st.session_state[_PROBLEM] = error


def _problem() -> None:
    problem = st.session_state.pop(_PROBLEM, None)
    if problem is not None:
        st.warning(plain(problem.say(language())), icon=":material/lightbulb:")


def _settings() -> None:
    from llmlab.hub.catalogue import entry

    texts, titled = _texts(), {name: entry(name).title[language()] for name in _texts()}
    with st.popover(say("speed.settings"), icon=":material/tune:", type="tertiary"):
        st.session_state.setdefault(_SEED, 0)
        st.session_state[_TEXT] = _text()
        kept: dict[str, Any] = {"persist_state": "session"}
        st.selectbox(say("speed.text"), texts, key=_TEXT, format_func=lambda name: titled.get(name, name), **kept)
        st.number_input(say("speed.seed"), 0, 10**6, key=_SEED, help=say("speed.seed_help"), **kept)
        st.button(say("speed.forget"), icon=":material/delete:", on_click=_forget, help=say("speed.forget_help"))


def _forget() -> None:
    """Delete the reader's comparisons; they take some megabytes each."""
    st.session_state[_OFF] = []
    try:
        speed_curves.forget()
    except LearnerError as error:
        st.session_state[_PROBLEM] = error


def _code(recipe: Any, off: list[str]) -> None:
    from llmlab.training import ingredients

    with st.expander(say("ui_train.show_command"), icon=":material/terminal:"):
        st.caption(say("speed.command_lead"))
        for name in (None, *off):
            config = recipe if name is None else ingredients.without(recipe, name)
            command = train_choice.command(train_choice.words_of(config)).replace("my-run", name or "recipe")
            st.code(command, language="bash", wrap_lines=True)


if __name__ == "__main__":
    page()
