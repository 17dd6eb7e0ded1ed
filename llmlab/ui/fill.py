"""Fill the blanks: *Generate* for a model that reads from both sides. A click hides a word, the model guesses it."""

import html
import re
from typing import TYPE_CHECKING

import streamlit as st

from llmlab.i18n import LearnerError
from llmlab.ui import opened, shell
from llmlab.ui.language import language, plain, say

if TYPE_CHECKING:
    from llmlab.generation.filling import Blank
    from llmlab.models.build import Model
    from llmlab.text.tokenizer import Tokenizer

WORDS = re.compile(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+|[^\w\s]")
TOP = 5
FILLER = "tales-bert"
"""The model that comes along and fills in blanks."""
_BAR = "display:inline-block;height:0.8em;border-radius:2px;background:var(--st-primary-color,#2A8BD0)"

CODE = """\
from llmlab import hub
from llmlab.generation import fill

model, tokenizer = hub.load({folder!r})
for blank in fill(model, tokenizer, {text!r}, top=5).blanks:
    for candidate in blank.candidates:
        print(f"{{candidate.probability:.1%}}  {{candidate.token}}")
"""


def show(chosen: opened.Choice, model: "Model", tokenizer: "Tokenizer") -> None:
    """The sentence as words to click, and what the model would put in the place of each hidden one."""
    if getattr(model, "mlm_head", None) is None:
        _without_head(chosen)
        return
    key = opened.widget_key("fill", chosen)
    text = st.text_input(say("ui_fill.sentence"), value=say("ui_fill.first"), key=f"{key}_text")
    words = WORDS.findall(text)
    hidden = st.pills(
        say("ui_fill.words"),
        list(range(len(words))),
        selection_mode="multi",
        default=[len(words) - 2] if len(words) > 2 else None,
        format_func=lambda index: words[index] if index < len(words) else "",
        key=f"{key}_words_{text}",
    )
    masked = " ".join("[MASK]" if index in hidden else word for index, word in enumerate(words))
    if not hidden:
        st.info(say("ui_fill.click"), icon=":material/touch_app:")
    else:
        from llmlab.generation.filling import fill

        try:
            blanks = fill(model, tokenizer, masked, top=TOP).blanks
        except LearnerError as error:
            st.warning(plain(error.say(language())), icon=":material/lightbulb:")
            blanks = ()
        for index, blank in zip(sorted(hidden), blanks, strict=False):
            _candidates(words[index], blank, tokenizer)
    folder = str(chosen.folder) if chosen.own else chosen.name
    shell.code(CODE.format(folder=folder, text=masked))


def _without_head(chosen: opened.Choice) -> None:
    """An encoder of sentences guesses no words: what it does instead, and the model that does."""
    st.info(say("ui_fill.no_head", title=plain(chosen.title)), icon=":material/info:")
    with st.container(horizontal=True):
        for page, icon in (("embeddings", ":material/scatter_plot:"), ("attention", ":material/visibility:")):
            if st.button(say(f"ui_fill.open_{page}"), key=f"fill_{page}", icon=icon):
                st.switch_page(shell.file_of(page), query_params={"model": chosen.name})
        if st.button(say("ui_fill.open_filler"), key="fill_filler", icon=":material/edit_note:"):
            st.switch_page(shell.file_of("generate"), query_params={"model": FILLER})


def _candidates(word: str, blank: "Blank", tokenizer: "Tokenizer") -> None:
    ids = tokenizer.encode(word)
    st.markdown(f"**{say('ui_fill.instead', word=plain(word))}**")
    rows = "".join(
        f"<tr><td style='padding:2px 12px 2px 0'><code>{html.escape(c.token)}</code></td>"
        f"<td style='text-align:right;font-variant-numeric:tabular-nums;padding-right:12px'>{c.probability:.1%}</td>"
        f"<td style='width:50%'><span style='{_BAR};width:{100 * c.probability:.1f}%'></span></td></tr>"
        for c in blank.candidates
    )
    st.html(f"<table style='width:100%;max-width:34rem'>{rows}</table>")
    if len(ids) == 1:
        share = f"{float(blank.probabilities[ids[0]]):.1%}"
        st.caption(say("ui_fill.rank", word=plain(word), rank=blank.rank(ids[0]), share=share))
    else:
        st.caption(say("ui_fill.pieces", word=plain(word), count=len(ids)))
