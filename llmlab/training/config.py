"""Everything a training run is asked to do, in one frozen dataclass: one field for each word of `llmlab train`.

The defaults are a learner's first model. Nothing here needs torch, so that a page or `--help` can read it at once.
"""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from llmlab.i18n import LearnerError
from llmlab.models.bert_config import BertConfig
from llmlab.models.config import ModelConfig
from llmlab.models.gpt_config import GPTConfig

LIMITS = ("steps", "seconds", "until_val_loss")
CHOICES: dict[str, tuple[str, ...]] = {
    "tokenizer": ("char", "word", "bpe", "wordpiece"),
    "model": ("gpt", "gpt2", "bert"),
    "optimizer": ("adamw", "muon"),
    "schedule": ("cosine", "trapezoid"),
    "init": ("zero", "normal"),
    "precision": ("auto", "float32", "bfloat16"),
    "parallel": ("ddp", "fsdp"),
}
LARGEST_SEED = 2**63 - 1
LEAST_PAIR = 8
"""Tokens in which two sentences and what stands around them still find room."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The words of one run. Raises LearnerError for values that cannot be, or that contradict each other."""

    corpus: str
    """The text to learn from: a name from the library, or a file (txt, md, csv, jsonl)."""

    cleaning: tuple[str, ...] = ()
    """Cleaning steps applied to the text before anything else, by name."""

    recipe: str | None = None
    """A named set of values; every other word given changes it."""

    model: Literal["gpt", "gpt2", "bert"] = "gpt"
    """The architecture: `gpt` is modern (RMSNorm, rotary positions, SwiGLU), `gpt2` classic (LayerNorm, learned positions, GELU); `bert` fills in masked tokens instead of writing on."""  # noqa: E501

    tokenizer: Literal["char", "word", "bpe", "wordpiece"] = "char"
    """What a token is: a character, a word, or a piece found by byte-pair encoding or WordPiece (bert's)."""

    vocab_size: int | None = None
    """How many different tokens there are at most; by default every character, 1024 (bpe) or 2048 (wordpiece) pieces, or 4096 words."""  # noqa: E501

    layers: int = 4
    """Blocks stacked on each other, each with attention and a feed-forward network."""

    heads: int = 4
    """Attention heads in each layer."""

    kv_heads: int | None = None
    """Key and value heads shared among the attention heads; as many as heads by default."""

    width: int = 128
    """Numbers that describe one token between the layers (d_model)."""

    context: int = 64
    """How many tokens the model can look at."""

    dropout: float = 0.0
    """Share of activations set to zero at random while training; helps when a small text is seen many times."""

    bias: bool = True
    """Whether a gpt2 model has biases in its linear layers and norms."""

    qk_norm: bool = True
    """Whether a gpt model normalises queries and keys (as Qwen3 does; Llama does not)."""

    rope_theta: float | None = None
    """How slowly the slowest pair of a query turns with position (gpt only): by default the context, so that it turns by about one radian over all of it."""  # noqa: E501

    tie_embeddings: bool = True
    """Whether the output layer shares its weights with the token embeddings."""

    init: Literal["zero", "normal"] | None = None
    """How the weights of a new model start: `zero` in proportion to what they multiply, with each layer adding nothing at first; `normal` all small, as GPT-2. By default zero for gpt and normal for gpt2."""  # noqa: E501

    init_from: str | None = None
    """Continue from a trained model (a run, a name from the library, or a folder): fine-tuning. Its size and its tokenizer are kept."""  # noqa: E501

    batch: int = 32
    """Windows of text in one step."""

    accumulate: int = 1
    """Batches whose gradients are added up before the weights move: a larger batch for no more memory."""

    optimizer: Literal["adamw", "muon"] = "muon"
    """The rule that turns gradients into steps: AdamW, or Muon for the matrices inside the blocks and AdamW for the rest."""  # noqa: E501

    lr: float | None = None
    """Learning rate at its highest; chosen from the optimizer by default, lower when a trained model is continued."""

    min_lr: float | None = None
    """Learning rate at the end; a tenth of the highest for cosine and zero for trapezoid by default."""

    schedule: Literal["cosine", "trapezoid"] = "trapezoid"
    """How the learning rate falls: along a cosine from the start, or flat and then straight down at the end."""

    warmup: int = 20
    """Steps in which the learning rate rises from zero, at most a fifth of the run."""

    cooldown: float = 0.5
    """Share of the run in which a trapezoid falls."""

    beta1: float = 0.9
    """How long AdamW remembers gradients."""

    beta2: float = 0.99
    """How long AdamW remembers squared gradients."""

    momentum: float = 0.9
    """How long Muon remembers gradients: 0.9 is about ten steps, which suits short runs; 0.95 is usual in long ones."""

    weight_decay: float = 0.1
    """How strongly matrices are pulled towards zero."""

    clip: float = 1.0
    """Longest gradient allowed; a longer one is shortened to it. 0 turns clipping off."""

    steps: int | None = None
    """End after this many steps."""

    seconds: float | None = None
    """End after this many seconds, counted from the start of the process; the learning rate falls in time for it."""

    until_val_loss: float | None = None
    """End as soon as the validation loss is this low; steps and seconds are then only ceilings."""

    val_fraction: float = 0.1
    """Share of the text, at its end, that is kept for validation."""

    eval_every: int | None = None
    """Steps between two measurements of the validation loss; chosen so that they take a few percent of the time."""

    eval_tokens: int = 8192
    """Tokens of the validation text by which a running training is steered; the last word is always the whole."""

    checkpoint_seconds: float = 10.0
    """Longest time between two checkpoints."""

    sample_tokens: int = 120
    """Length of the texts that the model writes while it trains; 0 for none."""

    probe_megabytes: float = 16.0
    """Room for the looks inside the model that are kept while it trains; 0 for none."""

    seed: int = 0
    """The same seed on the same machine gives the same model, bit for bit."""

    threads: int | None = None
    """Processor threads; one for each physical core by default."""

    device: str = "auto"
    """Where to compute: cpu, cuda, cuda:1, mps, or auto for the fastest there is."""

    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Number format of the matrix products: bfloat16 where the machine has instructions for it (auto), or as you say; weights are kept in float32 either way."""  # noqa: E501

    compile: bool = False
    """Let torch compile the model first: pays in long runs only, and gives up exact resuming."""

    parallel: Literal["ddp", "fsdp"] = "ddp"
    """How several processes (torchrun) share the work: `ddp` gives each a whole model, `fsdp` a part of each weight."""

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            value = getattr(self, name)
            if value not in allowed and not (name == "init" and value is None):
                raise LearnerError(
                    "training.choice",
                    word=name.replace("_", "-"),
                    value=value,
                    allowed=", ".join(allowed),
                )
        self._check_ranges()
        self._check_limits()
        if self.model == "bert":
            self._check_bert()
        if self.init_from is None:
            self.model_config(self.vocab_size or 1)  # complains of a shape that cannot be
        if self.min_lr is not None and self.min_lr > self.peak_lr:
            raise LearnerError("training.min_lr", min_lr=self.min_lr, lr=self.peak_lr)

    def _check_ranges(self) -> None:
        at_least_one = ("layers", "heads", "kv_heads", "width", "context", "batch", "accumulate", "vocab_size")
        for name in (*at_least_one, "threads", "steps", "eval_every", "eval_tokens"):
            self._check(name, 1, math.inf)
        for name in ("warmup", "weight_decay", "clip", "min_lr", "sample_tokens", "probe_megabytes"):
            self._check(name, 0, math.inf)
        for name in ("dropout", "beta1", "beta2", "momentum"):
            self._check(name, 0, 1, below=True)
        self._check("cooldown", 0, 1)
        self._check("seed", 0, LARGEST_SEED)
        for name in ("lr", "rope_theta", "seconds", "until_val_loss", "checkpoint_seconds"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise LearnerError("training.positive", word=word(name), value=value)
        if not 0 < self.val_fraction < 1:
            raise LearnerError("training.fraction", word=word("val_fraction"), value=self.val_fraction)

    def _check_bert(self) -> None:
        if self.init_from is None and self.tokenizer != "wordpiece":
            raise LearnerError("training.bert_tokenizer", tokenizer=self.tokenizer)
        if self.context < LEAST_PAIR:
            raise LearnerError("training.bert_context", context=self.context, least=LEAST_PAIR)
        if not self.tie_embeddings or self.kv_heads not in (None, self.heads):
            raise LearnerError("training.bert_words")

    def _check(self, name: str, low: float, high: float, *, below: bool = False) -> None:
        value = getattr(self, name)
        if value is None:
            return
        if not (math.isfinite(value) and low <= value <= high) or (below and value == high):
            if high == math.inf:
                raise LearnerError("training.at_least", word=word(name), value=value, low=low)
            phrase = "training.below" if below else "training.between"
            raise LearnerError(phrase, word=word(name), value=value, low=low, high=high)

    def _check_limits(self) -> None:
        if all(getattr(self, name) is None for name in LIMITS):
            object.__setattr__(self, "steps", DEFAULT_STEPS)

    def model_config(self, vocab_size: int) -> ModelConfig:
        """The shape of the model, once the tokenizer has said how many tokens there are."""
        if self.model == "bert":
            return BertConfig(
                vocab_size=vocab_size,
                context_length=self.context,
                n_layers=self.layers,
                n_heads=self.heads,
                d_model=self.width,
                dropout=self.dropout,
            )
        dress: dict[str, Any] = {"bias": self.bias}
        if self.model == "gpt":
            dress = {"qk_norm": self.qk_norm, "rope_theta": float(self.rope_theta or self.context)}
        if self.kv_heads is not None:
            dress["n_kv_heads"] = self.kv_heads
        return GPTConfig(
            style=self.model,
            vocab_size=vocab_size,
            context_length=self.context,
            n_layers=self.layers,
            n_heads=self.heads,
            d_model=self.width,
            dropout=self.dropout,
            tie_embeddings=self.tie_embeddings,
            **dress,
        )

    @property
    def peak_lr(self) -> float:
        """`lr`, or what suits the optimizer: much less when a trained model is continued."""
        if self.lr is not None:
            return self.lr
        return (FINE_TUNING_LR if self.init_from else DEFAULT_LR)[self.optimizer]

    @property
    def final_lr(self) -> float:
        """`min_lr`, or what suits the schedule."""
        if self.min_lr is not None:
            return self.min_lr
        return self.peak_lr / 10 if self.schedule == "cosine" else 0.0

    @property
    def tokens_per_step(self) -> int:
        """Tokens that one step reads: a gpt predicts each, a bert those that are masked."""
        return self.batch * self.accumulate * self.context

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON keeps them."""
        return asdict(self) | {"cleaning": list(self.cleaning)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The opposite of `to_json`. A field that is not there is what was done before it, or else its default."""
        values = {"rope_theta": 10_000.0, **values}
        known = {field.name for field in fields(cls)}
        kept = {name: value for name, value in values.items() if name in known}
        return cls(**kept | {"cleaning": tuple(kept.get("cleaning", ()))})


DEFAULT_STEPS = 250
DEFAULT_LR = {"adamw": 2e-3, "muon": 1.2e-2}
FINE_TUNING_LR = {"adamw": 4e-4, "muon": 1.2e-3}


def word(field: str) -> str:
    """A field as the command line spells it: `val_fraction` is `--val-fraction`."""
    return "--from" if field == "init_from" else "--" + field.replace("_", "-")
