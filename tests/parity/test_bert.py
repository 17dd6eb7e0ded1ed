"""Bert against transformers' BertForPreTraining, BertForMaskedLM and BertModel."""

import copy

import pytest
import torch
import torch.nn.functional as F
import transformers
from torch import Tensor

from llmlab import hub
from llmlab.hub.convert import from_hf_state, hf_config_dict, model_config, to_hf_state
from llmlab.i18n import LearnerError
from llmlab.models.bert import Bert, BertConfig
from tests.parity.conftest import EXACT, check_same, difference

SMALL = {"vocab_size": 37, "context_length": 19, "n_layers": 2, "d_model": 24, "n_heads": 4}
CONFIGS = {
    "pretraining": BertConfig(**SMALL),
    "one head, narrow": BertConfig(**SMALL | {"n_heads": 1, "d_model": 10, "d_ff": 15, "norm_eps": 1e-3}),
    "masked tokens": BertConfig(**SMALL, nsp_head=False),
    "next sentence": BertConfig(**SMALL, mlm_head=False, n_segments=3),
    "headless": BertConfig(**SMALL, mlm_head=False, nsp_head=False),
    "headless without pooler": BertConfig(**SMALL, mlm_head=False, nsp_head=False, pooler=False),
}
EACH = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
PRETRAINING = pytest.mark.parametrize("name", ["pretraining", "one head, narrow"])


class Pair:
    """Ours and theirs in float64, on a padded batch of sentence pairs."""

    def __init__(self, config: BertConfig, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.ours = Bert(config).double().eval()
        with torch.no_grad():
            for parameter in self.ours.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.3)
        self.theirs = hub.to_hf(self.ours)
        assert self.theirs.config._attn_implementation == "sdpa"
        assert self.theirs.dtype == torch.float64
        self.ids = torch.randint(0, config.vocab_size, (3, 16))
        self.mask = torch.ones_like(self.ids)
        self.mask[0, -5:] = 0
        self.mask[1, :4] = 0
        self.segments = torch.randint(0, config.n_segments, self.ids.shape)

    def both(self):
        words = {"attention_mask": self.mask, "token_type_ids": self.segments}
        return self.ours(self.ids, **words), self.theirs(input_ids=self.ids, **words)

    @property
    def real(self) -> Tensor:
        return self.mask.bool()


@PRETRAINING
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_logits_both_losses_and_every_gradient(name, seed):
    pair = Pair(CONFIGS[name], seed)
    ours, theirs = pair.both()
    assert difference(ours.logits[pair.real], theirs.prediction_logits[pair.real]) < EXACT
    assert difference(ours.nsp_logits, theirs.seq_relationship_logits) < EXACT

    chosen = (torch.rand(pair.ids.shape) < 0.3) & pair.real
    labels, follows = pair.ids.masked_fill(~chosen, -100), torch.tensor([0, 1, 1])
    words = {"attention_mask": pair.mask, "token_type_ids": pair.segments}
    told = pair.theirs(input_ids=pair.ids, **words, labels=labels, next_sentence_label=follows).loss
    losses = []
    for logits, nsp_logits in (
        (ours.logits, ours.nsp_logits),
        (theirs.prediction_logits, theirs.seq_relationship_logits),
    ):
        masked = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
        losses.append((masked, F.cross_entropy(nsp_logits, follows)))
    for mine, its in zip(*losses, strict=True):
        assert difference(mine, its) < EXACT
    assert difference(sum(losses[0]), told) < EXACT

    sum(losses[0]).backward()
    sum(losses[1]).backward()
    gradients = copy.deepcopy(pair.ours)
    for gradient, parameter in zip(gradients.parameters(), pair.ours.parameters(), strict=True):
        gradient.data = parameter.grad
    by_name = to_hf_state(gradients)
    compared = {name: p.grad for name, p in pair.theirs.named_parameters()}
    assert by_name.keys() == compared.keys()
    for name, gradient in compared.items():
        assert gradient.abs().max() > 0 or name.endswith("key.bias"), name  # a shift of all scores changes nothing
        assert difference(by_name[name], gradient) < EXACT, name


def test_without_mask_and_segments():
    pair = Pair(CONFIGS["pretraining"])
    ours, theirs = pair.ours(pair.ids), pair.theirs(pair.ids)
    assert difference(ours.logits, theirs.prediction_logits) < EXACT
    assert difference(ours.nsp_logits, theirs.seq_relationship_logits) < EXACT


def test_other_heads_and_none():
    ours, theirs = Pair(CONFIGS["masked tokens"]).both()
    assert difference(ours.logits, theirs.logits) < EXACT
    assert ours.nsp_logits is None
    assert ours.pooled is None
    ours, theirs = Pair(CONFIGS["next sentence"]).both()
    assert difference(ours.nsp_logits, theirs.logits) < EXACT
    assert ours.logits is None
    for name in ("headless", "headless without pooler"):
        ours, theirs = Pair(CONFIGS[name]).both()
        assert difference(ours.hidden, theirs.last_hidden_state) < EXACT
        assert ours.logits is None
    assert ours.pooled is None
    ours, theirs = Pair(CONFIGS["headless"]).both()
    assert difference(ours.pooled, theirs.pooler_output) < EXACT


def test_sub_blocks():
    pair = Pair(CONFIGS["pretraining"])
    x = torch.randn(2, 11, 24, dtype=torch.float64)
    for ours, theirs in zip(pair.ours.blocks, pair.theirs.bert.encoder.layer, strict=True):
        assert difference(ours.attention(x), theirs.attention.output.dense(theirs.attention.self(x)[0])) < EXACT
        assert difference(ours.feed_forward(x), theirs.output.dense(theirs.intermediate(x))) < EXACT
        found = theirs(x)
        assert difference(ours(x), found[0] if isinstance(found, tuple) else found) < EXACT


@EACH
def test_there_and_back_to_the_bit(config):
    pair = Pair(config)
    back = hub.from_hf(pair.theirs)
    assert back.config == config
    check_same(back.state_dict(), pair.ours.state_dict())
    check_same(hub.to_hf(back).state_dict(), pair.theirs.state_dict())


@EACH
def test_config_there_and_back(config):
    written = hf_config_dict(config)
    assert hf_config_dict(model_config(written)) == written
    assert written["architectures"] == [type(hub.to_hf(Bert(config))).__name__]


def test_defaults_are_the_authors():
    assert model_config({"model_type": "bert"}) == model_config(transformers.BertConfig().to_dict())


@pytest.mark.parametrize(
    "setting", [{"hidden_act": "relu"}, {"position_embedding_type": "relative_key"}, {"is_decoder": True}]
)
def test_what_we_do_not_compute_is_refused(setting):
    with pytest.raises(LearnerError, match="not supported"):
        model_config(hf_config_dict(CONFIGS["pretraining"]) | setting)


def test_unexplained_and_missing_keys_are_listed():
    config = CONFIGS["pretraining"]
    state = to_hf_state(Bert(config))
    with pytest.raises(LearnerError, match=r"holds 2 tensors.*bert\.adapter\.weight, classifier\.bias"):
        from_hf_state(
            hf_config_dict(config), state | {n: torch.ones(1) for n in ("classifier.bias", "bert.adapter.weight")}
        )
    headless = {name: tensor for name, tensor in state.items() if not name.startswith("cls.")}
    with pytest.raises(LearnerError, match=r"lacks 7 .*cls\.predictions\.bias, .*cls\.seq_relationship\.weight"):
        from_hf_state(hf_config_dict(config), headless)
    del headless["bert.encoder.layer.1.output.dense.bias"]
    with pytest.raises(LearnerError, match=r"lacks 1 .*bert\.encoder\.layer\.1\.output\.dense\.bias"):
        from_hf_state(hf_config_dict(config), headless, heads=False)


def test_headless_when_asked_or_when_the_checkpoint_says_so():
    model = Bert(CONFIGS["pretraining"])
    state, written = to_hf_state(model), hf_config_dict(model.config)
    opened = from_hf_state(written, state, heads=False)
    assert opened.config == CONFIGS["headless"]
    base = {name.removeprefix("bert."): tensor for name, tensor in state.items() if not name.startswith("cls.")}
    assert from_hf_state(written, base, heads=False).config == CONFIGS["headless"]
    assert from_hf_state(written | {"architectures": ["BertModel"]}, base).config == CONFIGS["headless"]
    without = {name: tensor for name, tensor in base.items() if not name.startswith("pooler.")}
    found = from_hf_state(written, without, heads=False)
    assert found.config == CONFIGS["headless without pooler"]
    assert torch.equal(found.blocks[1].feed_forward.up.weight, model.blocks[1].feed_forward.up.weight)


def test_names_of_old_checkpoints():
    """As bert-base-uncased is published: masked-token architecture, all heads, gamma and beta, tied tensors twice."""
    model = Bert(CONFIGS["pretraining"])
    state = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
        for name, tensor in to_hf_state(model).items()
    }
    state["cls.predictions.decoder.weight"] = state["bert.embeddings.word_embeddings.weight"]
    state["bert.embeddings.position_ids"] = torch.arange(19)[None]
    opened = from_hf_state(hf_config_dict(model.config) | {"architectures": ["BertForMaskedLM"]}, state)
    assert opened.config == model.config
    check_same(opened.state_dict(), model.state_dict())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", ["pretraining", "masked tokens", "headless"])
def test_folders_open_on_both_sides(name, dtype, tmp_path):
    from llmlab.text.tokenizer import train_tokenizer

    tokenizer = train_tokenizer("char", "to be or not to be")
    config = CONFIGS[name]
    model = Bert(config).to(dtype).eval()
    hub.save(model, tokenizer, tmp_path / "ours")
    auto = {"pretraining": "AutoModelForPreTraining", "masked tokens": "AutoModelForMaskedLM", "headless": "AutoModel"}
    theirs = getattr(transformers, auto[name]).from_pretrained(tmp_path / "ours", dtype="auto").eval()
    ids = torch.randint(0, 37, (2, 9))
    found, expected = theirs(ids), model(ids)
    if name == "headless":
        assert torch.equal(found.last_hidden_state, expected.hidden)
    else:
        logits = found.prediction_logits if name == "pretraining" else found.logits
        assert torch.equal(logits.float(), expected.logits)
    theirs.save_pretrained(tmp_path / "theirs")
    tokenizer.save(tmp_path / "theirs")
    again, _ = hub.load(tmp_path / "theirs")
    assert again.config == config
    check_same(again.state_dict(), model.state_dict())
    if name == "pretraining":
        masked = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "ours", dtype="auto").eval()
        assert torch.equal(masked(ids).logits.float(), expected.logits)
