"""Opening the model that a person names: a run, a name from the library, or a folder."""

from llmlab import hub
from llmlab.models.gpt import GPT
from llmlab.text.tokenizer import Tokenizer
from llmlab.training import runs


def open_model(word: str) -> tuple[GPT, Tokenizer]:
    """The model, computing in float32 whatever its weights are kept in, and its tokenizer."""
    model, tokenizer = hub.load(runs.resolve(word))
    return model.float(), tokenizer
