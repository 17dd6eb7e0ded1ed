"""BERT in transformers' words: `BertForPreTraining`, `BertForMaskedLM`, or `BertModel` where the heads are missing."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from llmlab.hub.families import Family, Setting, Weight
from llmlab.models.bert_config import BertConfig

_ARCHITECTURES = {  # (masked tokens, next sentence): the class, and the Auto class that makes it
    (True, True): ("BertForPreTraining", "AutoModelForPreTraining"),
    (True, False): ("BertForMaskedLM", "AutoModelForMaskedLM"),
    (False, True): ("BertForNextSentencePrediction", "AutoModelForNextSentencePrediction"),
    (False, False): ("BertModel", "AutoModel"),
}
_HEADS = {name: heads for heads, (name, _) in _ARCHITECTURES.items()}


def _linear(ours: str, theirs: str, part: str | None = None) -> tuple[Weight, Weight]:
    """Weight and bias, of a model whose config has `part` switched on."""
    when = None if part is None else lambda config: bool(getattr(config, part))
    return Weight(f"{ours}.weight", f"{theirs}.weight", when=when), Weight(f"{ours}.bias", f"{theirs}.bias", when=when)


def _auto(config: BertConfig) -> tuple[str, str, dict[str, Any]]:
    architecture, auto = _ARCHITECTURES[config.mlm_head, config.nsp_head]
    return architecture, auto, {"add_pooling_layer": config.pooler} if architecture == "BertModel" else {}


def _read(hf_config: dict[str, Any]) -> dict[str, Any]:
    """The heads that the architecture names; both where it names none, none where it names another's."""
    named = hf_config.get("architectures") or ["BertForPreTraining"]
    mlm, nsp = _HEADS.get(named[0], (False, False))
    return {"mlm_head": mlm, "nsp_head": nsp, "pooler": nsp or not mlm}


def _fit(config: BertConfig, state: Mapping[str, Any], heads: bool) -> BertConfig:
    """Published checkpoints hold more, or less, than the architecture they name: heads that are there are taken."""

    def there(part: str) -> bool:
        return any(name.startswith(part) for name in state)

    if not heads:
        return replace(config, mlm_head=False, nsp_head=False, pooler=there("bert.pooler."))
    mlm = config.mlm_head or there("cls.predictions.")
    nsp = config.nsp_head or there("cls.seq_relationship.")
    return replace(config, mlm_head=mlm, nsp_head=nsp, pooler=nsp or (not mlm and there("bert.pooler.")))


_LAYER, _BLOCK = "bert.encoder.layer.{layer}", "blocks.{layer}"

BERT = Family(
    model_type="bert",
    config=BertConfig,
    prefix="bert.",
    heads=("cls.",),
    tensors=(
        Weight("token_embedding.weight", "bert.embeddings.word_embeddings.weight"),
        Weight("position_embedding.weight", "bert.embeddings.position_embeddings.weight"),
        Weight("segment_embedding.weight", "bert.embeddings.token_type_embeddings.weight"),
        *_linear("embedding_norm", "bert.embeddings.LayerNorm"),
        *_linear(f"{_BLOCK}.attention.query", f"{_LAYER}.attention.self.query"),
        *_linear(f"{_BLOCK}.attention.key", f"{_LAYER}.attention.self.key"),
        *_linear(f"{_BLOCK}.attention.value", f"{_LAYER}.attention.self.value"),
        *_linear(f"{_BLOCK}.attention.output", f"{_LAYER}.attention.output.dense"),
        *_linear(f"{_BLOCK}.attention_norm", f"{_LAYER}.attention.output.LayerNorm"),
        *_linear(f"{_BLOCK}.feed_forward.up", f"{_LAYER}.intermediate.dense"),
        *_linear(f"{_BLOCK}.feed_forward.down", f"{_LAYER}.output.dense"),
        *_linear(f"{_BLOCK}.feed_forward_norm", f"{_LAYER}.output.LayerNorm"),
        *_linear("pooler", "bert.pooler.dense", "pooler"),
        *_linear("mlm_head.dense", "cls.predictions.transform.dense", "mlm_head"),
        *_linear("mlm_head.norm", "cls.predictions.transform.LayerNorm", "mlm_head"),
        Weight("mlm_head.decoder.bias", "cls.predictions.bias", when=lambda config: config.mlm_head),
        *_linear("nsp_head", "cls.seq_relationship", "nsp_head"),
    ),
    settings=(
        Setting("vocab_size", "vocab_size", 30522),
        Setting("context_length", "max_position_embeddings", 512),
        Setting("n_layers", "num_hidden_layers", 12),
        Setting("n_heads", "num_attention_heads", 12),
        Setting("d_model", "hidden_size", 768),
        Setting("d_ff", "intermediate_size", 3072),
        Setting("n_segments", "type_vocab_size", 2),
        Setting("norm_eps", "layer_norm_eps", 1e-12),
        Setting("dropout", "hidden_dropout_prob", 0.1),
    ),
    supported={
        "hidden_act": ("gelu",),
        "position_embedding_type": ("absolute",),
        "is_decoder": (False,),
        "add_cross_attention": (False,),
        "tie_word_embeddings": (True,),
    },
    written={"hidden_act": "gelu", "tie_word_embeddings": True},
    ignored=("embeddings.position_ids", "embeddings.token_type_ids"),
    spare=(
        *("cls.predictions.decoder.weight", "cls.predictions.decoder.bias"),
        *("bert.pooler.dense.weight", "bert.pooler.dense.bias"),
    ),
    renamed=((".LayerNorm.gamma", ".LayerNorm.weight"), (".LayerNorm.beta", ".LayerNorm.bias")),
    fixed={"style": "bert"},
    auto=_auto,
    write=lambda config: {"attention_probs_dropout_prob": config.dropout},
    read=_read,
    fit=_fit,
)
