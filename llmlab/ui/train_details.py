"""Under the dial: every setting of a run, grouped, each by its name, its word on the command line and its help."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

import streamlit as st

from llmlab.i18n import field_help
from llmlab.ui import train_choice
from llmlab.ui.language import language, say

GROUPS = {
    "architecture": ("layers", "heads", "kv_heads", "width", "context", "rope_theta", "dropout", "init"),
    "switches": ("bias", "qk_norm", "tie_embeddings"),
    "gradients": ("batch", "accumulate", "clip", "weight_decay"),
    "optimization": ("optimizer", "schedule", "lr", "min_lr", "warmup", "cooldown", "beta1", "beta2", "momentum"),
    "end": ("steps", "seconds", "until_val_loss"),
    "validation": ("val_fraction", "eval_every", "eval_tokens"),
    "keeping": ("checkpoint_seconds", "sample_tokens", "probe_megabytes"),
    "machine": ("seed", "threads", "device", "precision", "compile", "parallel"),
}
"""Fields that are read together. A field named nowhere here comes last, with the machine's."""

_WRAPPED = (
    "<style>.st-key-train_details_panel [data-testid=stWidgetLabel] p {white-space: normal; overflow: visible}"
    " .st-key-train_details_panel label code {white-space: nowrap; margin: 0}</style>"
)
"""Two columns are narrow: a long name takes two lines, and its word on the command line stays whole."""


def details() -> None:
    """Every field that no step of the page decides; a change is kept among the learner's own words."""
    from llmlab.training.config import CHOICES, TrainConfig

    st.caption(say("ui_train.details_lead"))
    st.html(_WRAPPED)
    helps = field_help(TrainConfig, language())
    types = get_type_hints(TrainConfig)
    base, own = train_choice.base(), train_choice.own_words()
    with st.container(key="train_details_panel"):
        for group, names in _grouped(train_choice.detail_fields(types)):
            if group != "switches":
                st.markdown(f"**{say('ui_train_fields.group_' + group)}**")
            wide = 1 if group == "switches" else 2
            for start in range(0, len(names), wide):
                columns = st.columns(wide, vertical_alignment="bottom")
                for column, name in zip(columns, names[start : start + wide], strict=False):
                    with column:
                        _field(name, types[name], CHOICES.get(name), own.get(name, base.get(name)), helps.get(name))
    if own:
        st.button(say("ui_train.details_reset"), icon=":material/undo:", on_click=_forget, type="tertiary")


def _grouped(fields: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    known = {name: group for group, names in GROUPS.items() for name in names}
    left = list(fields)
    for group, names in GROUPS.items():
        here = [name for name in names if name in left]
        if group == "machine":
            here += [name for name in left if name not in known]
        if here:
            yield group, here


def _forget() -> None:
    st.session_state["train_words"] = {}
    st.session_state["train_forgotten"] = st.session_state.get("train_forgotten", 0) + 1


def _field(name: str, kind: Any, choices: tuple[str, ...] | None, value: Any, help_text: str | None) -> None:
    key = f"train_word_{name}_{train_choice.dial()}_{st.session_state.get('train_forgotten', 0)}"

    def changed() -> None:
        new = st.session_state[key]
        own = train_choice.own_words()
        if new == train_choice.base().get(name):
            own.pop(name, None)
        else:
            own[name] = new

    label = f"{say('ui_train_fields.' + name)} `{name.replace('_', '-')}`"
    plain = {"key": key, "help": help_text, "on_change": changed}
    numbers = [option for option in (get_args(kind) or (kind,)) if option in (int, float)]
    optional = type(None) in get_args(kind)
    if choices or get_origin(kind) is Literal:
        options = [*([None] if optional else []), *(choices or get_args(kind))]
        automatic = say("ui_train.automatic")
        named = {"format_func": lambda option: automatic if option is None else option}
        st.selectbox(label, options, index=options.index(value), **named, **plain)  # type: ignore[arg-type]
    elif kind is bool:
        st.checkbox(label, value=value, **plain)  # type: ignore[arg-type]
    elif numbers:
        number = numbers[0]
        st.number_input(
            label,
            value=None if value is None else number(value),
            step=1 if number is int else None,
            format="%d" if number is int else "%g",
            placeholder=say("ui_train.automatic") if optional else None,
            **plain,  # type: ignore[arg-type]
        )
    else:
        st.text_input(label, value=value or "", **plain)  # type: ignore[arg-type]
