"""Library: every model, run and text there is; each opens in another page, and models come in and go out as zips."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from llmlab.i18n import LearnerError
from llmlab.ui import deleted, library_models, library_texts, ownership, shell
from llmlab.ui.language import language, plain, say

LARGEST_ARCHIVE = 200_000_000

CODE = """
from llmlab import hub

model, tokenizer = hub.load("shakespeare-gpt")      # a name, or any folder that transformers opens
hub.save(model, tokenizer, "my-folder")             # transformers opens it: AutoModelForCausalLM.from_pretrained
text = hub.corpus_text("tales-en")
"""


# On a phone Streamlit stacks columns; a row of the tables then flows like a sentence, each value after its head.
_NARROW = """<style>
[class*="st-key-library_"][class*="_table"] [data-testid="stCaptionContainer"] {{ opacity: 0.8; }}
@media (max-width: 640px) {{
  .st-key-library_models_heads, .st-key-library_texts_heads {{ display: none; }}
  [class*="st-key-library_"][class*="_table"] [data-testid="stHorizontalBlock"] {{
    flex-flow: row wrap; gap: 0 0.9rem;
  }}
  [class*="st-key-library_"][class*="_table"] [data-testid="stColumn"] {{ flex: 0 1 auto; width: auto; min-width: 0; }}
  [class*="st-key-library_"][class*="_table"] [data-testid="stColumn"]:first-child {{ flex-basis: 100%; }}
  {heads}
}}</style>"""


def page() -> None:
    ownership.keep()
    st.html(_narrow())
    shell.header("ui_library.title", "ui_library.lead")
    deleted.offer()
    words = st.text_input(
        say("ui_library.filter"),
        key="library_words",
        placeholder=say("ui_library.filter"),
        icon=":material/search:",
        label_visibility="collapsed",
    )
    problem = st.session_state.pop("train_problem", None)
    if problem is not None:
        st.warning(plain(problem.say(language())), icon=":material/lightbulb:")
    with shell.calmly():
        _tables(words or "")
    with st.expander(say("ui_library.import"), icon=":material/upload:", key="library_import"), shell.calmly():
        _import()
    shell.code(CODE)


def _tables(words: str) -> None:
    """What matches the words that were typed: models, then texts."""
    models = [row for row in library_models.rows() if row.matches(words)]
    texts = library_texts.matching(words)
    if models:
        st.subheader(say("ui_library.models"), anchor=False)
        library_models.table(models)
    if texts:
        st.subheader(say("ui_library.texts"), anchor=False)
        library_texts.table(texts)
    if not models and not texts:
        st.info(say("ui_library.none_found", words=plain(words)), icon=":material/search_off:")


def _narrow() -> str:
    rules = [
        f'.st-key-library_{table}_table [data-testid="stColumn"]:nth-child({column}) p::before'
        f' {{ content: "{say(f"ui_library.{head}")} "; font-size: 0.875rem; opacity: 0.6; }}'
        for table, heads in (("models", library_models.HEADS), ("texts", library_texts.HEADS))
        for column, head in enumerate(heads, start=1)
        if column > 1
    ]
    return _NARROW.format(heads="\n  ".join(rules))


def _import() -> None:
    """A zip of a transformers folder becomes a model under a name."""
    st.markdown(say("ui_library.import_lead"))
    shell.upload_words("library_zip", say("ui_train.choose_file"))
    file = st.file_uploader(
        say("ui_library.import_file"),
        type=["zip"],
        key="library_zip",
        label_visibility="collapsed",
        max_upload_size=200,
    )
    name = st.text_input(say("ui_library.import_name"), key="library_zip_name", max_chars=60)
    if not st.button(say("ui_library.import_go"), disabled=file is None, key="library_import_go") or file is None:
        return
    if file.size > LARGEST_ARCHIVE:
        raise LearnerError("ui_library.too_large", megabytes=file.size // 1_000_000, most=LARGEST_ARCHIVE // 1_000_000)
    from llmlab.hub import save
    from llmlab.hub.archive import import_zip
    from llmlab.training.runs import run_path, runs_dir

    wanted = name or re.sub(r"[^\w-]+", "-", file.name.rsplit(".", 1)[0]).strip("-_")[:60]
    target = run_path(wanted)
    if target.parent != runs_dir():
        raise LearnerError("training.run_name", name=wanted)
    if target.exists():
        raise LearnerError("ui_library.taken", name=wanted)
    with st.spinner(say("ui_library.importing")):
        model, tokenizer = import_zip(file)
        with TemporaryDirectory(prefix=".import-", dir=target.parent) as work:
            save(model, tokenizer, Path(work) / "model")
            (Path(work) / "model").rename(target)
    st.success(say("ui_library.imported", name=plain(target.name)), icon=":material/check:")


if __name__ == "__main__":
    page()
