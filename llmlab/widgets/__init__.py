"""Interactive views: one ES module (anywidget format) and one Python class each; hosts: `streamlit`, `jupyter`, `html`.

A module is `NAME.js` with `export default { render({ model, el }) {…} }`: plain JavaScript, no imports; a big one is
cut by ideas into `NAME.IDEA.js`, put in front of it. `model` is the state: `get(k)`, `set(k, v)`, `save_changes()`,
`on("change:k", f)`. Text goes in through `textContent` only.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmlab.i18n import Language, LearnerError, field_help
from llmlab.i18n.phrases import phrase_table


@cache
def module(name: str) -> str:
    """The source of the ES module of a widget: what all share, then its parts by name, then its own."""
    room = files("llmlab.widgets")
    parts = sorted(p.name for p in room.iterdir() if p.name.startswith(f"{name}.") and p.name.count(".") == 2)
    return "".join((room / part).read_text(encoding="utf-8") for part in ("shared.js", *parts, f"{name}.js"))


@cache
def stylesheet(name: str) -> str:
    """The style of a widget: the shared variables and rules, then its own."""
    from llmlab.charts.theme import css_variables

    room = files("llmlab.widgets")
    own = room / f"{name}.css"
    shared = (room / "shared.css").read_text(encoding="utf-8").replace("/* palette */", css_variables())
    return shared + (own.read_text(encoding="utf-8") if own.is_file() else "")


def labels(name: str, language: Language) -> dict[str, str]:
    """The words on a widget: the phrases of `widgets.toml` that begin with its name, placeholders left in."""
    prefix = f"{name}_"
    return {
        key.removeprefix(prefix): words[language]
        for key, words in phrase_table("widgets").items()
        if key.startswith(prefix)
    }


def answered(ask: Mapping[str, Any], language: Language, find: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """What a widget is told: its `nonce`, and what was found; or a person's mistake alone, in the reader's language."""
    nonce = ask.get("nonce", 0)
    try:
        return {"nonce": nonce, "error": None, **find()}
    except LearnerError as error:
        return {"nonce": nonce, "error": error.say(language)}


def controls(language: Language) -> list[dict[str, Any]]:
    """The settings of a decoding as the Generate widget draws them: ranges, what means off, and help texts."""
    from llmlab.generation.config import SamplingConfig

    help_texts = field_help(SamplingConfig, language)
    words = labels("generated_text", language)
    shapes: tuple[tuple[str, str, float, float, float, float, float | None], ...] = (
        # name, type, min, max, step, value, off
        ("temperature", "range", 0, 2, 0.05, 0.8, None),
        ("top_k", "range", 0, 60, 1, 0, 0),
        ("top_p", "range", 0.05, 1, 0.01, 0.95, 1),
        ("min_p", "range", 0, 0.5, 0.01, 0, 0),
        ("repetition_penalty", "range", 1, 2, 0.05, 1, 1),
        ("int8", "checkbox", 0, 1, 1, 0, 0),
        ("tokens", "range", 20, 400, 10, 160, None),
        ("seed", "number", 0, 2**31 - 1, 1, 0, None),
    )
    return [
        {
            "name": name,
            "type": kind,
            "min": low,
            "max": high,
            "step": step,
            "value": value,
            "off": off,
            "label": words.get(f"{name}_label", words[name]),
            "help": help_texts.get(name, words.get(f"{name}_help", "")),
        }
        for name, kind, low, high, step, value, off in shapes
    ]


def usual_settings() -> dict[str, Any]:
    """The settings with which the Generate widget opens."""
    return {control["name"]: control["value"] for control in controls("en")}
