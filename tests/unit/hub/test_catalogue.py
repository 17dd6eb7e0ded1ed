import re
import subprocess
import sys

import pytest

from llmlab import hub
from llmlab.hub import catalogue
from llmlab.i18n import LANGUAGES, LearnerError

ALL = [*hub.entries(), *hub.entries("table"), *hub.entries("tokenizer")]


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.name)
def test_every_entry_says_what_a_learner_wants_to_know(entry: catalogue.Entry) -> None:
    for text in (entry.title, entry.note):
        assert set(text) == set(LANGUAGES)
        assert re.search("[一-鿿]", text["zh"])
        assert not re.search("[一-鿿][,:;()]", text["zh"]), "half-width punctuation after Chinese"
    assert entry.licence
    assert entry.source
    assert entry.languages
    assert (entry.size_bytes > 0) == any(source.sha256 for source in entry.sources)
    assert entry.kind != "corpus" or entry.characters


def test_tables_are_not_offered_to_learners() -> None:
    assert {entry.kind for entry in hub.entries()} == {"model", "corpus"}
    assert [entry.name for entry in hub.entries("corpus")] == ["shakespeare", "tang", "tales-en", "tales-zh"]
    assert [entry.name for entry in hub.entries("model")] == [
        *("shakespeare-gpt", "tang-gpt", "tales-bert", "smollm2", "minilm", "e5-multilingual"),
    ]


def test_what_an_entry_requires_is_in_the_catalogue() -> None:
    for entry in ALL:
        for other in (other for source in entry.sources for other in source.requires):
            assert hub.entry(other).kind in ("table", "tokenizer")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(LearnerError, match=r"'hamlet'.*shakespeare, tang, tales-en"):
        hub.entry("hamlet")


def test_the_catalogue_and_fetching_import_nothing_heavy() -> None:
    code = (
        "import sys; from llmlab import hub; hub.entries(); hub.is_local('tales-en');"
        "print([name for name in ('torch', 'transformers', 'pandas', 'numpy', 'tokenizers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_functions_are_not_hidden_by_modules_of_their_name() -> None:
    code = "import llmlab.hub.fetch, llmlab.hub.home; from llmlab import hub; print(callable(hub.fetch), hub.home())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("True ")
