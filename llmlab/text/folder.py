"""The tokenizer files of a folder: reading what transformers reads, writing what it reads back with the same ids."""

import json
from itertools import takewhile
from pathlib import Path
from typing import Any

import tokenizers

from llmlab.i18n import LearnerError

_OTHER_FILES = ("vocab.json", "vocab.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model")
_SPECIAL = ("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token")


def open_folder(folder: Path) -> tuple[tokenizers.Tokenizer, dict[str, Any]]:
    """The tokenizer and its settings. Raises LearnerError when there is none or it cannot be read."""
    file = folder / "tokenizer.json"
    if not file.is_file():
        if any((folder / name).is_file() for name in _OTHER_FILES):
            return _open_by_transformers(folder)
        raise LearnerError("text.tokenizer_none", folder=str(folder))
    try:
        backend = tokenizers.Tokenizer.from_file(str(file))
        config_file = folder / "tokenizer_config.json"
        config = json.loads(config_file.read_text(encoding="utf-8")) if config_file.is_file() else {}
        if not isinstance(config, dict):
            raise TypeError(f"tokenizer_config.json holds a {type(config).__name__}")
        config["chat_template"] = _chat_template(folder, config)
    except Exception as error:  # the library raises bare Exception for a damaged file
        raise LearnerError("text.tokenizer_unreadable", folder=str(folder), detail=_one_line(error)) from error
    # What truncates or pads in one program would lose text in another.
    backend.no_truncation()
    backend.no_padding()
    return backend, config


def has_chat_template(folder: Path) -> bool:
    """Whether the tokenizer of a folder can write conversations, seen without opening it."""
    try:
        settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        return _chat_template(folder, settings) is not None
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return False


def _chat_template(folder: Path, config: dict[str, Any]) -> str | None:
    """The template in a file of its own, as transformers 5 saves it, or in the settings, alone or as one of several."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    found = config.get("chat_template")
    if isinstance(found, list):
        found = next((one["template"] for one in found if one["name"] == "default"), None)
    return found if isinstance(found, str) else None


def _open_by_transformers(folder: Path) -> tuple[tokenizers.Tokenizer, dict[str, Any]]:
    from transformers import AutoTokenizer

    try:
        theirs = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        backend = tokenizers.Tokenizer.from_str(theirs.backend_tokenizer.to_str())
    except Exception as error:  # whatever a damaged or foreign file makes transformers raise
        raise LearnerError("text.tokenizer_unreadable", folder=str(folder), detail=_one_line(error)) from error
    settings = {name: getattr(theirs, name, None) for name in _SPECIAL}
    return backend, settings | {"chat_template": _chat_template(folder, {"chat_template": theirs.chat_template})}


def _one_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def write_folder(backend: tokenizers.Tokenizer, config: dict[str, Any], folder: Path) -> None:
    """Write `tokenizer.json` and the `tokenizer_config.json` without which transformers guesses from the model's type.

    Special tokens that the vocabulary lacks are left out: transformers would append them as new ids.
    """
    settings = {key: config[key] for key in ("chat_template", "model_max_length") if config.get(key) is not None}
    settings |= dict.fromkeys(_SPECIAL) | special_tokens(backend, config)
    settings |= {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "attention_mask"],
    }
    if settings["cls_token"] and settings["sep_token"]:  # BERT's: pairs are told apart
        settings["model_input_names"] = ["input_ids", "token_type_ids", "attention_mask"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(backend.to_str(pretty=True), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def special_tokens(backend: tokenizers.Tokenizer, config: dict[str, Any]) -> dict[str, str]:
    """The special tokens that are in the vocabulary, by role."""
    named = {name: _content(config.get(name)) for name in _SPECIAL}
    return {name: token for name, token in named.items() if token and backend.token_to_id(token) is not None}


def special_id(backend: tokenizers.Tokenizer, config: dict[str, Any], name: str) -> int | None:
    """The id of a special token such as `eos_token`, None when there is none in the vocabulary."""
    token = _content(config.get(name))
    return None if token is None else backend.token_to_id(token)


def opening_ids(post_processor: dict[str, Any] | None) -> list[int]:
    """The special tokens that a tokenizer puts before a text, as Llama's does, by its post-processor."""
    described = post_processor or {}
    if described.get("type") == "Sequence":
        return [i for part in described["processors"] for i in opening_ids(part)]
    if described.get("type") != "TemplateProcessing":
        return []
    before = takewhile(lambda piece: "SpecialToken" in piece, described["single"])
    return [i for piece in before for i in described["special_tokens"][piece["SpecialToken"]["id"]]["ids"]]


def _content(token: object) -> str | None:
    """Special tokens stand as plain text or as a record with `content`."""
    if isinstance(token, dict):
        token = token.get("content")
    return None if token is None else str(token)
