"""What every page shares: navigation, header, calm errors, the notebook's code, the footer.

A page is a file `llmlab/ui/NAME.py` listed in `PAGES`, and looks like this:

    \"\"\"What the page teaches, in one line.\"\"\"
    import streamlit as st
    from llmlab.ui import shell
    from llmlab.ui.language import say          # say("ui_train.title", steps=3) in the reader's language

    def page() -> None:
        shell.header("ui_train.title", "ui_train.lead")   # title and one sentence
        live()                                             # the picture first, then depth
        shell.code(CODE)                                   # the same in a notebook

    @shell.fragment                                        # st.fragment, with errors said calmly
    def live() -> None:
        import torch                                       # heavy imports inside functions only

    if __name__ == "__main__":                             # Streamlit runs the file as a script
        page()

Titles are `ui_shell.page_NAME`, help texts `ui_shell.help_NAME`; those of chapters stand in the course.
Raise `LearnerError` for a person's mistake: the shell says it in the reader's language.
Widgets are mounted with `llmlab.widgets.streamlit.show`.
"""

import functools
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import streamlit as st

from llmlab import __version__
from llmlab.charts.theme import DARK, LIGHT
from llmlab.course.unit import by_number
from llmlab.i18n import LearnerError
from llmlab.ui import appearance, classroom
from llmlab.ui import language as languages
from llmlab.ui.language import language, plain, say

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class PageEntry:
    """One page: its file name and address, its section and its Material symbol."""

    name: str
    section: str
    icon: str


PAGES = (
    PageEntry("start", "", ":material/edit_note:"),
    PageEntry("course", "ui_shell.section_course", ":material/menu_book:"),
    *(PageEntry(f"chapter_{number:02d}", "ui_shell.section_course", "") for number in range(1, 11)),
    PageEntry("errata", "ui_shell.section_course", ":material/fact_check:"),
    PageEntry("train", "ui_shell.section_labs", ":material/model_training:"),
    PageEntry("speed", "ui_shell.section_labs", ":material/speed:"),
    PageEntry("tokenizers", "ui_shell.section_labs", ":material/content_cut:"),
    PageEntry("generate", "ui_shell.section_labs", ":material/alt_route:"),
    PageEntry("attention", "ui_shell.section_labs", ":material/visibility:"),
    PageEntry("embeddings", "ui_shell.section_labs", ":material/scatter_plot:"),
    PageEntry("library", "ui_shell.section_library", ":material/library_books:"),
)


def _shaded(paper: str) -> str:
    """A box that scrolls sideways shows a shadow at the edge behind which there is more: covers that move along with
    what is in it lie over shadows that stay.
    """
    cover = f"light-dark({getattr(LIGHT, paper)}, {getattr(DARK, paper)})"
    shadow = "light-dark(rgb(0 0 0 / 22%), rgb(0 0 0 / 75%))"
    layers = [
        f"linear-gradient(to {to}, {colours}, transparent) {at} / {width} 100% no-repeat {moves}"
        for colours, width, moves in ((f"{cover} 40%", "2.5rem", "local"), (shadow, "0.9rem", "scroll"))
        for to, at in (("right", "left"), ("left", "right"))
    ]
    return f"overflow-x: auto; background: {', '.join(layers)} {cover}"


_WIDE = f"""<style>
[data-testid=stMarkdownContainer]:has(> table) {{ {_shaded("background")} }}
[data-testid=stCode] > pre {{ {_shaded("surface")} }}
</style>"""
"""Tables and code that are wider than a phone."""


def file_of(name: str) -> str:
    """The path of a page as `st.switch_page` and `st.page_link` want it, relative to app.py."""
    return f"llmlab/ui/{name}.py"


def run() -> None:
    """Settle the language, draw the navigation, run the page that the address names."""
    languages.settle()
    classroom.settle()
    here = Path(__file__).parent
    # Before the navigation: a page's own Material symbol would be fetched from the internet for the browser's tab.
    st.set_page_config(page_icon=str(here / "icon.svg"), layout="wide")
    st.html(_WIDE)
    sections: dict[str, list[object]] = {}
    for entry in PAGES:
        if (here / f"{entry.name}.py").is_file():
            page = st.Page(
                here / f"{entry.name}.py",
                title=_title(entry),
                icon=entry.icon or None,
                url_path=entry.name,
                default=entry.name == "start",
                help=_help(entry),
            )
            sections.setdefault(say(entry.section) if entry.section else "", []).append(page)
    chosen = st.navigation(sections)  # type: ignore[arg-type]
    st.set_page_config(page_title=f"{chosen.title} · llmlab")
    with calmly():
        chosen.run()
    footer()


def _title(entry: PageEntry) -> str:
    if entry.name.startswith("chapter_"):
        unit = by_number(int(entry.name[-2:]))
        return f"{unit.number} · {unit.title[language()]}"
    return say(f"ui_shell.page_{entry.name}")


def _help(entry: PageEntry) -> str:
    if entry.name.startswith("chapter_"):
        return by_number(int(entry.name[-2:])).lead[language()]
    return say(f"ui_shell.help_{entry.name}")


def header(title: str, lead: str, *, terms: str | None = None) -> None:
    """The page's title and one sentence, given as phrase keys, with the switches of language and light at the right.

    `terms` is the phrase that explains the sentence's terms when the reader asks.
    """
    headline(say(title))
    st.markdown(say(lead), help=say(terms) if terms else None)


def headline(title: str) -> None:
    """A title in the reader's language, with the switches at the right."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(title, anchor=False)
        with st.container(horizontal=True, width="content", vertical_alignment="center", gap="small"):
            languages.switch()
            appearance.switch(["", *(entry.name for entry in PAGES)])


def footer() -> None:
    st.caption(say("ui_shell.footer", version=__version__))
    languages.tell_browser()


@contextmanager
def calmly() -> Iterator[None]:
    """Say what went wrong in one sentence of the reader's language; the detail is folded, never a bare traceback."""
    try:
        yield
    except LearnerError as error:
        with st.container(key="learner_error"):
            st.warning(plain(error.say(language())), icon=":material/lightbulb:")
    except Exception:
        logging.getLogger(__name__).exception("A page failed")
        with st.container(key="page_failure"):
            st.error(say("ui_shell.failure"), icon=":material/build:")
            with st.expander(say("ui_shell.details")):
                st.code(traceback.format_exc(), language=None)


def fragment(function: Callable[P, R]) -> Callable[P, R | None]:
    """`st.fragment` whose errors are said calmly, in full runs and in its own."""

    @st.fragment
    @functools.wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R | None:
        with calmly():
            return function(*args, **kwargs)
        return None

    return inside


def upload_words(key: str, button: str) -> None:
    """Streamlit says a file uploader's button and limits in English only: our word on it; the page says the limits."""
    at = f".st-key-{key} [data-testid=stFileUploaderDropzone"
    st.html(
        f"<style>{at}Instructions] {{display: none}} {at}] button p {{font-size: 0}}"
        f' {at}] button p::after {{content: "{button}"; font-size: 0.875rem}}</style>'
    )


def code(source: str) -> None:
    """The folded code that makes the same in a notebook."""
    with st.expander(say("ui_shell.show_code"), icon=":material/code:"):
        st.caption(say("ui_shell.code_lead"))
        st.code(source.strip(), language="python")
