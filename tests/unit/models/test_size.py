import pytest
import torch
import torch.nn.functional as F

from llmlab.models.bert import Bert, BertConfig
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.models.size import flops_per_token, kv_cache_bytes, parameter_count, parameters, training_memory

CONFIGS = [
    GPTConfig(style="gpt2", vocab_size=65, n_layers=2, d_model=64),
    GPTConfig(style="gpt2", vocab_size=65, n_layers=3, d_model=64, bias=False, tie_embeddings=False, d_ff=100),
    GPTConfig(vocab_size=65, n_layers=2, d_model=64, n_kv_heads=2),
    GPTConfig(vocab_size=65, n_layers=3, d_model=60, n_heads=6, n_kv_heads=1, head_dim=16, tie_embeddings=False),
    GPTConfig(vocab_size=65, n_layers=2, d_model=64, qk_norm=False),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_count_equals_the_built_models(config: GPTConfig) -> None:
    assert parameter_count(config) == parameters(config).total == GPT(config).parameter_count()


@pytest.mark.parametrize("heads", [{}, {"nsp_head": False}, {"mlm_head": False, "nsp_head": False, "pooler": False}])
def test_count_of_a_bert(heads: dict[str, bool]) -> None:
    config = BertConfig(vocab_size=65, n_layers=2, d_model=64, **heads)
    assert parameter_count(config) == Bert(config).parameter_count()


def test_bert_base_has_110_million() -> None:
    base = BertConfig(vocab_size=30522, context_length=512, n_layers=12, n_heads=12, d_model=768)
    assert parameter_count(base) == 110_106_428  # transformers' BertForPreTraining(BertConfig())


def test_gpt2_small_has_124_439_808() -> None:
    gpt2 = GPTConfig(style="gpt2", vocab_size=50257, context_length=1024, n_layers=12, n_heads=12, d_model=768)
    assert parameter_count(gpt2) == 124_439_808


@pytest.mark.parametrize("config", CONFIGS)
def test_kv_cache_bytes_equal_the_caches(config: GPTConfig) -> None:
    assert kv_cache_bytes(config, batch_size=3, length=20) == GPT(config).new_cache(3, 20).nbytes


@pytest.mark.parametrize("config", CONFIGS)
def test_activation_estimate_is_within_a_tenth_of_what_autograd_keeps(config: GPTConfig) -> None:
    model = GPT(config)
    ids = torch.randint(0, 65, (16, 64))
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = F.cross_entropy(model(ids).logits.flatten(0, 1), ids.flatten())
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    activations = sum(size for pointer, size in kept.items() if pointer not in own)
    activations += 2 * 16 * 64 * 65 * 4  # the logits and their gradient, which live beside what is kept
    assert training_memory(config, batch_size=16).activations == pytest.approx(activations, rel=0.1)
    assert loss.item() > 0


@pytest.mark.parametrize("config", CONFIGS)
def test_flops_equal_torchs_count(config: GPTConfig) -> None:
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    ids = torch.randint(0, 65, (2, 64))
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        GPT(config)(ids)
    # torch counts the whole square of scores, we the half below the diagonal
    attended = 4 * config.n_layers * config.n_heads * config.head_dim * 32
    assert flops_per_token(config, training=False) + attended == counter.get_total_flops() / 128


def test_muon_keeps_one_moment_for_matrices() -> None:
    config = CONFIGS[2]
    adamw = training_memory(config, batch_size=1).optimizer
    muon = training_memory(config, batch_size=1, optimizer="muon").optimizer
    sizes = parameters(config)
    assert adamw - muon == 4 * (sizes.attention + sizes.feed_forward)
