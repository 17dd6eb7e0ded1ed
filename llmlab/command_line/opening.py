"""Opening the model that a person names: a run, a name from the library, or a folder."""

from llmlab import hub
from llmlab.i18n import LearnerError
from llmlab.models.build import Model
from llmlab.models.gpt import GPT
from llmlab.text.tokenizer import Tokenizer
from llmlab.training import runs


def open_model(word: str) -> tuple[Model, Tokenizer]:
    """The model, computing in float32 whatever its weights are kept in, and its tokenizer."""
    model, tokenizer = hub.load(runs.resolve(word))
    return model.float(), tokenizer


def open_writer(word: str) -> tuple[GPT, Tokenizer]:
    """The same, of a model that continues texts. Raises LearnerError for one that fills in blanks."""
    model, tokenizer = open_model(word)
    if not isinstance(model, GPT):
        raise LearnerError("cli.not_a_writer", model=word)
    return model, tokenizer
