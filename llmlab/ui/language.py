"""Which language the reader has: `?lang=` in the address, else the session's choice, else the browser's locale.

Navigation drops the query string, so the choice lives in the session and is written back to the address.
"""

import re

import streamlit as st

from llmlab.i18n import LANGUAGES, Language
from llmlab.i18n import say as say_in

_CHOICE = "language"
_TOLD = """
export default function (component) { document.documentElement.lang = component.data; }
"""


def _of_browser() -> Language:
    locale = st.context.locale or "en"
    return "zh" if locale.lower().startswith("zh") else "en"


def settle() -> Language:
    """Decide the language of this run and remember it; called once by the shell before anything is drawn."""
    asked = st.query_params.get("lang")
    if asked in LANGUAGES:
        st.session_state[_CHOICE] = asked
    elif _CHOICE in st.session_state:
        st.query_params["lang"] = st.session_state[_CHOICE]
    return language()


def language() -> Language:
    """The reader's language in this session."""
    chosen: Language = st.session_state.get(_CHOICE) or _of_browser()
    return chosen


def choose(wanted: Language) -> None:
    """Change the language, keeping page and state."""
    st.session_state[_CHOICE] = wanted
    st.query_params["lang"] = wanted


def say(phrase: str, /, **parameters: object) -> str:
    """A phrase in the reader's language; see `llmlab.i18n.say`."""
    return say_in(phrase, language(), **parameters)


def in_millions(n: int) -> str:
    """A large count in the reader's units: 134.5 M, 2,671 万, 1.35 亿."""
    if language() == "en":
        return f"{n / 1e6:.1f} M"
    return f"{n / 1e8:.2f} 亿" if n >= 1e8 else f"{n / 1e4:,.0f} 万"


def plain(text: str) -> str:
    """Text for places that read Markdown, with everything that Markdown would act on escaped."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!$:<>~|])", r"\\\1", text)


def with_formulas(text: str) -> str:
    """The same for a sentence of ours that may hold `code` and $formulas$, which stay."""
    parts = re.split(r"(\$[^$\n]+\$|`[^`\n]+`)", text)
    return "".join(part if i % 2 else plain(part) for i, part in enumerate(parts))


def tell_browser() -> None:
    """Name the language of the document, which Streamlit always calls English: fonts and screen readers go by it."""
    mount = st.components.v2.component("llmlab_language", js=_TOLD)
    mount(key="language_told", data="zh-CN" if language() == "zh" else "en", height=1)


def switch() -> None:
    """The button that names the other language."""
    other: Language = "en" if language() == "zh" else "zh"
    st.button(
        "English" if other == "en" else "中文",
        key="language_switch",
        icon=":material/translate:",
        type="tertiary",
        help=say("ui_shell.switch_help"),
        on_click=choose,
        args=(other,),
    )
