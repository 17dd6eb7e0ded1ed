"""The errata: what the article says, what is so, and a proof to run for each that can have one."""

import inspect

import streamlit as st

from llmlab.course.errata import Erratum, errata
from llmlab.course.proving import Outcome
from llmlab.ui import shell
from llmlab.ui.language import language, plain, say

CODE = """\
from llmlab.course.proving import proofs, run

run(proofs()[9])
"""


def page() -> None:
    shell.header("ui_errata.title", "ui_errata.lead")
    asked = st.query_params.get("entry", "")
    chapters = sorted({entry.chapter for entry in errata()})
    names = {0: say("ui_errata.all"), **{n: say("ui_course.chapter", number=n) for n in chapters}}
    chosen = st.segmented_control(
        say("ui_errata.chapter"), list(names), format_func=names.__getitem__, default=0, key="errata_chapter"
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.text_input(say("ui_errata.search"), key="errata_search").strip().lower()
        kinds = {kind: say(f"ui_errata.kind_{kind}") for kind in ("all", "proven", "editorial")}
        kind = st.segmented_control(
            say("ui_errata.kind"), list(kinds), format_func=kinds.__getitem__, default="all", key="errata_kind"
        )
    for entry in errata():
        if asked.isdigit() and int(asked) == entry.number:
            draw(entry, wanted=True)
    found = [
        entry
        for entry in errata()
        if str(entry.number) != asked
        and (not chosen or entry.chapter == chosen)
        and (kind in (None, "all") or entry.editorial == (kind == "editorial"))
        and wanted in _words(entry)
    ]
    st.caption(say("ui_errata.found", n=len(found), all=len(errata())))
    for entry in found:
        draw(entry)
    shell.code(CODE)


def _words(entry: Erratum) -> str:
    """All that can be searched for, in both languages."""
    return " ".join((str(entry.number), *entry.claim.values(), *entry.truth.values(), entry.source)).lower()


@shell.fragment
def draw(entry: Erratum, wanted: bool = False) -> None:
    spoken = language()
    with st.container(border=True, key=f"erratum_{entry.number}"):
        said = say("ui_errata.says", number=entry.number, chapter=entry.chapter)
        st.caption(said + (f" · {say('ui_errata.asked')}" if wanted else ""))
        st.markdown(f":gray[{entry.claim[spoken]}]")
        st.markdown(f"**{say('ui_errata.so')}** {entry.truth[spoken]}")
        if entry.source:
            st.caption(plain(entry.source))
        if entry.editorial:
            st.caption(say("ui_errata.editorial"))
        elif entry.proven_in is not None:
            st.caption(say("ui_errata.proven_in", chapter=entry.proven_in))
        else:
            _proof(entry.number)


def _proof(number: int) -> None:
    kept = f"proof_{number}"
    if st.button(say("ui_errata.prove"), key=f"{kept}_run", icon=":material/play_arrow:"):
        with st.spinner(say("ui_errata.running")):
            st.session_state[kept] = outcome(number)
    found = st.session_state.get(kept)
    if found is None:
        return
    from llmlab.course.proving import proofs

    proof = proofs()[number]
    st.markdown(f"{say('ui_errata.check')} {proof.says[language()]}")
    rows = {say(f"measures.{name}"): (found.real[name], found.claimed[name]) for name in found.real}
    head = f"| | {say('ui_errata.real')} | {say('ui_errata.claimed')} |\n|---|---:|---:|\n"
    lines = [f"| {plain(name)} | {real:.4g} | {claimed:.4g} |" for name, (real, claimed) in rows.items()]
    verdict = f"| {say('ui_errata.check_column')} | {say('ui_errata.holds')} | {say('ui_errata.fails')} |"
    st.markdown(head + "\n".join([*lines, verdict if found.holds else ""]))
    if not found.holds:
        st.warning(say("ui_errata.not_held"))
    with st.expander(say("ui_errata.source"), icon=":material/code:"):
        st.code(inspect.getsource(inspect.getmodule(proof.check)), language="python")  # type: ignore[arg-type]


@st.cache_data(max_entries=64, show_spinner=False)
def outcome(number: int) -> Outcome:
    """A proof's outcome: the same for everyone, since its random numbers are fixed."""
    from llmlab.course.proving import proofs, run

    return run(proofs()[number])


if __name__ == "__main__":
    page()
