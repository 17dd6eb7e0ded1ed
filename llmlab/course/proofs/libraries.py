"""Proofs about what libraries hold."""

from importlib.metadata import metadata
from types import SimpleNamespace
from typing import Any

from llmlab.course.proof import Measured, Proof


# 15: names that transformers does not have.
def _gpt3(library: Any) -> Measured:
    return {"names_found": float(sum(hasattr(library, name) for name in ("GPT3", "GPT3ChatBot", "GPT3Tokenizer")))}


def _transformers() -> Any:
    import transformers

    return transformers


# 27: what the versions of today ask for.
def _oldest_python(required: str) -> Measured:
    least = next(part for part in required.replace(" ", "").split(",") if part.startswith(">="))
    return {"least_minor_version_of_3": float(least.removeprefix(">=3.").partition(".")[0])}


PROOFS = {
    15: Proof(
        check=lambda m: m["names_found"] == 0,
        says={"en": "transformers has no such class.", "zh": "transformers 里没有这样的类。"},
        real=lambda: _gpt3(_transformers()),
        claimed=lambda: _gpt3(SimpleNamespace(GPT3=object, GPT3ChatBot=object, GPT3Tokenizer=object)),
    ),
    27: Proof(
        check=lambda m: m["least_minor_version_of_3"] > 6,
        says={"en": "Python 3.6 is too old for transformers.", "zh": "Python 3.6 对 transformers 来说太旧了。"},
        real=lambda: _oldest_python(str(metadata("transformers")["Requires-Python"])),
        claimed=lambda: _oldest_python(">=3.6"),
    ),
}
