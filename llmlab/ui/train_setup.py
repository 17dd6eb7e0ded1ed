"""Steps two to four of the Train page: tokens, model, go; and the picture of what the model will read."""

import html
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import streamlit as st

from llmlab.i18n import LearnerError
from llmlab.ui import shell, train_choice, train_details, train_text
from llmlab.ui.language import in_millions, language, plain, say

_TINTS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
_TOKEN = "border-radius:3px;padding:1px 2px;margin:1px"
_BLOCK = "font-family:var(--st-code-font,monospace);font-size:0.92rem;line-height:1.9;overflow-wrap:anywhere"
_SHOWN = 320
_TOKENIZERS = ("char", "word", "bpe")
_MODELS = ("gpt", "gpt2", "bert")


def setup(start: Callable[[], None]) -> None:
    """The four steps at the left, at the right the text as the model will read it."""
    if train_choice.init_from() not in (None, *train_choice.openable()):  # deleted since, or never there
        st.session_state.pop("train_from", None)
    left, right = st.columns([1, 1], gap="large")
    with left:
        _step(1, "text", train_text.summary, train_text.step)
        _step(2, "tokens", _tokens_summary, _tokens_step)
        _step(3, "model", _model_summary, _model_step)
        _go(start)
    with right:
        _picture()


def _step(number: int, name: str, summary: Callable[[], str], body: Callable[[], None]) -> None:
    try:
        line = plain(summary())
    except LearnerError as error:
        line = plain(error.say(language()))
    title = say(f"ui_train.step_{name}")
    opened = st.expander(f"**{number} · {title}**   {line}", key=f"train_step_{name}")
    with opened, shell.calmly():
        body()


@st.cache_resource(max_entries=8, show_spinner=False)
def _tokenizer(text: str, kind: Literal["char", "word", "bpe", "wordpiece"], vocab_size: int | None) -> Any:
    from llmlab.text.tokenizer import train_tokenizer

    return train_tokenizer(kind, text, vocab_size=vocab_size)


def _preview() -> tuple[Any, str] | None:
    """The tokenizer as the text's beginning would train it, and that beginning."""
    known = train_text.cleaned_opening()
    if known is None:
        return None
    if train_choice.init_from():
        from llmlab.text.tokenizer import Tokenizer
        from llmlab.training.runs import resolve

        return Tokenizer.load(resolve(train_choice.init_from())), known[0]
    return _tokenizer(known[0], train_choice.tokenizer(), train_choice.vocab_size()), known[0]


def _tokens_summary() -> str:
    if train_choice.init_from():
        return say("ui_train.tokens_of_model")
    found = _preview()
    kind = say(f"ui_train.tokenizer_{train_choice.tokenizer()}")
    if found is None:
        return kind
    size = train_choice.vocab_size() or found[0].vocab_size
    return say("ui_train.tokens_summary", kind=kind, vocabulary=f"{size:,}")


def _tokens_step() -> None:
    if train_choice.init_from():
        st.markdown(say("ui_train.tokens_of_model_long"))
        return
    if train_choice.model() != "bert":
        _one_of("tokenizer", _TOKENIZERS, train_choice.tokenizer(), label_visibility="collapsed")
    st.caption(say(f"ui_train.tokenizer_{train_choice.tokenizer()}_long"))
    if train_choice.tokenizer() != "char":
        st.session_state.setdefault(train_choice.vocab_key(), train_choice.vocab_size())
        st.select_slider(
            say("ui_train.vocabulary"),
            [300, 512, 1024, 2048, 4096, 8192, 16384],
            key=train_choice.vocab_key(),
            persist_state="session",
        )


def _model_summary() -> str:
    if train_choice.init_from():
        return say("ui_train.model_from_summary", name=train_choice.init_from())
    cost = _cost()
    name = f"{say(f'ui_train.dial_{train_choice.dial()}')} {say(f'ui_train.model_{train_choice.model()}_short')}"
    return say("ui_train.model_summary", dial=name, parameters=_count(cost.parameters)) if cost else name


def _cost() -> Any:
    """What the run would cost; None while there is no text."""
    from llmlab.training.cost import estimate

    known = train_text.cleaned_opening()
    if known is None:
        return None
    cost = estimate(train_choice.config(), known[1], _vocabulary())
    if train_choice.init_from() is None:
        return cost
    from llmlab.models.size import parameter_count
    from llmlab.training.fine_tuning import model_config
    from llmlab.training.runs import resolve

    return replace(cost, parameters=parameter_count(model_config(resolve(train_choice.init_from()))))


def _vocabulary() -> int | None:
    """How many tokens there will be, where the text's beginning tells: for characters."""
    if train_choice.init_from() or train_choice.tokenizer() != "char":
        return None
    found = _preview()
    return found[0].vocab_size if found else None


def _model_step() -> None:
    given = train_choice.init_from() is not None
    _one_of("model", _MODELS, train_choice.model(), disabled=given, help=say("ui_train.model_help"))
    openable = train_choice.openable()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _one_of("dial", tuple(train_choice.DIAL), train_choice.dial(), disabled=given)
        st.selectbox(
            say("ui_train.from"),
            openable,
            index=None,
            placeholder=say("ui_train.from_nothing"),
            key="train_from",
            help=say("ui_train.from_help"),
            persist_state="session",
        )
    cost = _cost()
    if cost is not None:
        facts = {
            "parameters": _count(cost.parameters),
            "memory": _memory(cost.memory_bytes),
            "time": _span(cost),
        }
        for column, (name, value) in zip(st.columns(3), facts.items(), strict=True):
            column.caption(say(f"ui_train.{name}"))
            column.markdown(f"**{value}**")
    if st.toggle(say("ui_train.details"), key="train_details", persist_state="session"):
        train_details.details()


def _one_of(name: str, options: tuple[str, ...], first: str, **words: Any) -> None:
    """One of a few, kept for the session as `train_NAME`. Labels are said once: Streamlit also asks for them when no
    page is running, and no language is known.
    """
    labels = {option: say(f"ui_train.{name}_{option}") for option in options}
    key = f"train_{name}"
    st.session_state.setdefault(key, first)
    st.segmented_control(
        say(f"ui_train.{name}"),
        options,
        format_func=lambda option: labels.get(option, option),
        key=key,
        required=True,
        persist_state="session",
        **words,
    )


def _go(start: Callable[[], None]) -> None:
    ready = train_text.ready() is not None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            say("ui_train.go"),
            key="train_go",
            type="primary",
            icon=":material/play_arrow:",
            on_click=start,
            disabled=not ready,
        )
        st.caption(_go_hint(ready))
    problem = st.session_state.get("train_problem")
    if problem is not None:
        st.warning(plain(problem.say(language())), icon=":material/lightbulb:")


def _go_hint(ready: bool) -> str:
    """Beside the button: how long it takes, or what to do first."""
    if not ready:
        return say("ui_train.upload_first" if train_choice.corpus() is None else "ui_train.go_text_first")
    try:
        cost = _cost()
    except LearnerError as error:
        return plain(error.say(language()))
    return say("ui_train.go_time", time=_span(cost)) if cost.seconds is not None else ""


def _picture() -> None:
    found = _preview()
    st.markdown(f"**{say('ui_train.picture')}**")
    if found is None:
        own = train_choice.corpus() is None
        st.info(say("ui_train.picture_own" if own else "ui_train.picture_empty"), icon=":material/arrow_back:")
        return
    tokenizer, text = found
    sample = text[:_SHOWN]
    missing = tokenizer.missing(sample)
    if missing:
        st.warning(say("ui_train.missing", characters=plain(" ".join(missing[:8]))), icon=":material/lightbulb:")
        return
    ids = tokenizer.encode(sample)
    st.html(tinted(tokenizer.token_texts(ids)))
    st.caption(
        say(
            "ui_train.picture_reading",
            characters=len(sample),
            tokens=len(ids),
            share=f"{len(sample) / max(1, len(ids)):.1f}",
        )
    )


def tinted(pieces: list[str]) -> str:
    """Tokens as HTML in four alternating tints; every piece is escaped, a newline token also breaks the line."""
    spans = []
    for i, piece in enumerate(pieces):
        tint = _TINTS[i % 4]
        spans.append(
            f'<span style="background:color-mix(in srgb,{tint} 18%,transparent);{_TOKEN}">'
            f"{html.escape(piece)}</span>" + ("<br>" * piece.count("⏎"))
        )
    return f'<div style="{_BLOCK}">{"".join(spans)}</div>'


def duration(seconds: float | None) -> str:
    """Seconds as people say them."""
    if seconds is None:
        return "–"
    if seconds < 90:
        return say("ui_train.seconds", n=max(1, round(seconds)))
    if seconds < 5400:
        return say("ui_train.minutes", n=round(seconds / 60))
    return say("ui_train.hours", n=f"{seconds / 3600:.1f}")


def _span(cost: Any) -> str:
    """Between which times most such runs end."""
    if cost.seconds is None:
        return "–"
    low, high = duration(cost.seconds_low), duration(cost.seconds_high)
    if low == high:
        return low
    if language() == "zh" and low.split()[1:] == high.split()[1:]:  # one unit for both: 10～39 分钟
        low = low.split()[0]
    return say("ui_train.span", low=low, high=high)


def _count(n: int) -> str:
    if n < 1_000_000:
        return f"{n:,}"
    return in_millions(n)


def _memory(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.0f} MB" if n_bytes < 1e9 else f"{n_bytes / 1e9:.1f} GB"


def check() -> None:
    """Raise LearnerError when the run cannot be: settings at odds, or more memory than there is."""
    from llmlab.training.cost import require_memory

    require_memory(train_choice.config(), vocab_size=_vocabulary())
    found = _preview() if train_choice.init_from() else None
    missing = found[0].missing(found[1]) if found else []
    if missing:
        raise LearnerError("ui_train.missing", characters=" ".join(missing[:8]))
