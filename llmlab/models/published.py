"""Well-known models by their published sizes: their configurations, and the parameter counts that their authors name.

Our counts come from the configuration (`size.parameters`); where a published one is more than 0.5 % away, `note` is
the key of the phrase that says why. Imports no torch.
"""

from dataclasses import dataclass

from llmlab.models.bert_config import BertConfig
from llmlab.models.config import ModelConfig
from llmlab.models.gpt_config import GPTConfig


@dataclass(frozen=True, kw_only=True)
class Published:
    """One model of the literature."""

    name: str
    config: ModelConfig
    count: float
    """Parameters as published, rounded as there."""
    source: str
    url: str
    note: str | None = None
    """A key of the phrases `ui_sheets.note_…`: why the exact count differs, or what the config leaves out."""


def _gpt2(name: str, layers: int, heads: int, width: int, count: float) -> Published:
    config = GPTConfig(
        style="gpt2", vocab_size=50257, context_length=1024, n_layers=layers, n_heads=heads, d_model=width
    )
    return Published(
        name=name,
        config=config,
        count=count,
        source="Radford et al. 2019",
        url="https://github.com/openai/gpt-2",
        note="gpt2",
    )


def _bert(name: str, layers: int, heads: int, width: int, count: float, note: str | None) -> Published:
    config = BertConfig(vocab_size=30522, context_length=512, n_layers=layers, n_heads=heads, d_model=width)
    return Published(
        name=name,
        config=config,
        count=count,
        source="Devlin et al. 2019, §3",
        url="https://arxiv.org/abs/1810.04805",
        note=note,
    )


PUBLISHED = (
    Published(
        name="GPT-1",
        config=GPTConfig(style="gpt2", vocab_size=40478, context_length=512, n_layers=12, n_heads=12, d_model=768),
        count=117e6,
        source="Radford et al. 2018; count: Radford et al. 2019, table 2",
        url="https://cdn.openai.com/research-covers/language-unsupervised/language_understanding_paper.pdf",
        note="gpt1",
    ),
    _bert("BERT base", 12, 12, 768, 110e6, None),
    _bert("BERT large", 24, 16, 1024, 340e6, "bert_large"),
    _gpt2("GPT-2 small", 12, 12, 768, 124e6),
    _gpt2("GPT-2 medium", 24, 16, 1024, 355e6),
    _gpt2("GPT-2 large", 36, 20, 1280, 774e6),
    _gpt2("GPT-2 XL", 48, 25, 1600, 1558e6),
    Published(
        name="GPT-3",
        config=GPTConfig(style="gpt2", vocab_size=50257, context_length=2048, n_layers=96, n_heads=96, d_model=12288),
        count=175e9,
        source="Brown et al. 2020, table 2.1",
        url="https://arxiv.org/abs/2005.14165",
        note="gpt3",
    ),
)
"""In order of size."""
