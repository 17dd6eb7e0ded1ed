"""Multi-head self-attention (Vaswani et al. 2017), causal or looking both ways, with the options that today's decoders
add: rotary positions, QK-norm (Henry et al. 2020), grouped-query heads (Ainslie et al. 2023) and a key–value cache.
"""

from contextlib import nullcontext

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from llmlab.nn.kv_cache import LayerCache
from llmlab.nn.norms import RMSNorm
from llmlab.nn.positions import rotate
from llmlab.nn.precision import factor
from llmlab.nn.record import Record

HEADS = "batch head seq head_dim"
KV_HEADS = "batch kv_head seq head_dim"
SCORES = "batch head query key"

MOST_KEPT = 256
"""Longest text whose attention weights are kept whole while training: their memory grows with its square."""


class Attention(nn.Module):
    """Each position mixes the values of the positions it may see, weighted by how well its query fits their keys.

    `causal`: a position sees itself and those before it (decoders); otherwise all of them (encoders).
    `n_kv_heads` < `n_heads`: each key–value head serves n_heads / n_kv_heads neighbouring query heads.
    `qk_norm_eps`: normalise each head's queries and keys before rotation, with this ε; None leaves them as they are.
    """

    def __init__(
        self,
        d_model: int,
        *,
        n_heads: int,
        n_kv_heads: int,
        head_dim: int,
        causal: bool = True,
        bias: bool = False,
        qk_norm_eps: float | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.causal = causal
        self.n_heads, self.n_kv_heads, self.head_dim, self.dropout = n_heads, n_kv_heads, head_dim, dropout
        self.query = nn.Linear(d_model, n_heads * head_dim, bias=bias)
        self.key = nn.Linear(d_model, n_kv_heads * head_dim, bias=bias)
        self.value = nn.Linear(d_model, n_kv_heads * head_dim, bias=bias)
        self.output = nn.Linear(n_heads * head_dim, d_model, bias=bias)
        self.query_norm = RMSNorm(head_dim, eps=qk_norm_eps) if qk_norm_eps is not None else None
        self.key_norm = RMSNorm(head_dim, eps=qk_norm_eps) if qk_norm_eps is not None else None

    def forward(
        self,
        x: Float[Tensor, "batch seq d_model"],
        *,
        rotation: tuple[Float[Tensor, "seq half"], Float[Tensor, "seq half"]] | None = None,
        mask: Bool[Tensor, "mask_batch 1 #seq keys"] | None = None,
        cache: LayerCache | None = None,
        record: Record | None = None,
    ) -> Float[Tensor, "batch seq d_model"]:
        """`mask` is True where a query may look. None leaves the usual: everything before it when causal (for one new
        token: everything in the cache), else everything.
        """
        batch, seq, _ = x.shape
        x = factor(x)
        q = self.query(x).view(batch, seq, self.n_heads, self.head_dim)
        k = self.key(x).view(batch, seq, self.n_kv_heads, self.head_dim)
        v = self.value(x).view(batch, seq, self.n_kv_heads, self.head_dim).transpose(1, 2)  # (batch, kv, seq, head_dim)
        if record is not None:
            record("q", q.transpose(1, 2), HEADS, self._linear_formula("q", "x", "Q"))
            record("k", k.transpose(1, 2), KV_HEADS, self._linear_formula("k", "x", "K"))
            record("v", v, KV_HEADS, self._linear_formula("v", "x", "V"))
        if self.query_norm is not None and self.key_norm is not None:
            q, k = self.query_norm(q), self.key_norm(k)
            if record is not None:
                formula = r"\hat %s = \frac{%s}{\sqrt{\overline{%s^2} + \varepsilon}} \odot g_%s"
                record("q_normed", q.transpose(1, 2), HEADS, formula.replace("%s", "q"))
                record("k_normed", k.transpose(1, 2), KV_HEADS, formula.replace("%s", "k"))
        q, k = q.transpose(1, 2), k.transpose(1, 2)  # (batch, heads, seq, head_dim)
        if rotation is not None:
            q, k = rotate(q, *rotation), rotate(k, *rotation)
            if record is not None:
                record("q_rotated", q, HEADS, r"q'_t = R_t\, q_t")
                record("k_rotated", k, KV_HEADS, r"k'_s = R_s\, k_s")
        q, k = q.to(v.dtype), k.to(v.dtype)  # under autocast the norm and the rotation came back as float32
        if cache is not None:
            k, v = cache.append(k, v)
        mixed = self._mix(q, k, v, mask) if record is None else self._mix_in_the_open(q, k, v, mask, record)
        y: Tensor = self.output(mixed.transpose(1, 2).flatten(2))  # (batch, seq, heads · head_dim) -> d_model
        if record is not None:
            record("output", y, "batch seq d_model", self._linear_formula("a", r"[o_1; \dots; o_h]\,", "O"))
        return y

    def _mix(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        autocast = q.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        if autocast and self.causal and mask is None and 1 < q.shape[2] == k.shape[2] <= MOST_KEPT:
            return self._mix_by_products(q, k, v)
        if autocast:  # in bfloat16 the backward pass of the fused kernel takes four times as long
            q, k, v = q.float(), k.float(), v.float()
        with torch.autocast("cpu", enabled=False) if autocast else nullcontext():
            return F.scaled_dot_product_attention(
                q,
                k,
                v,
                attn_mask=mask,
                dropout_p=self.dropout if self.training else 0.0,
                is_causal=self.causal and mask is None and q.shape[2] > 1,
                enable_gqa=self.n_kv_heads != self.n_heads,
            )

    def _mix_by_products(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """The same as two batched products with a softmax between them: on a CPU in bfloat16 twice as fast to train as
        the fused kernel, which there is good in float32 only. The weights are kept for the backward pass.
        """
        group = self.n_heads // self.n_kv_heads
        if group > 1:
            k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        seq = q.shape[2]
        unseen = torch.full((seq, seq), -torch.inf, dtype=q.dtype).triu(1)
        with torch.autocast("cpu", enabled=False):
            scale = self.head_dim**-0.5
            scores = torch.baddbmm(unseen, q.flatten(0, 1), k.flatten(0, 1).mT, alpha=scale)  # (b · h, seq, seq)
            weights = F.dropout(scores.softmax(dim=-1), self.dropout, self.training)
            return torch.bmm(weights, v.flatten(0, 1)).view(q.shape)

    def _mix_in_the_open(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, record: Record) -> Tensor:
        """The same as `_mix`, step by step, for the eye."""
        group = self.n_heads // self.n_kv_heads
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)  # one key–value head per query head
        scores = q @ k.transpose(-2, -1) * self.head_dim**-0.5  # (batch, heads, query, key)
        if mask is None:
            mask = causal_mask(q.shape[2], k.shape[2], q.device) if self.causal else mask_of_all(k.shape[2], q.device)
        masked = scores.masked_fill(~mask, -torch.inf)
        weights = masked.softmax(dim=-1)
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)  # padding that may look nowhere
        head_outputs = F.dropout(weights, self.dropout, self.training) @ v  # (batch, heads, query, head_dim)
        record("scores", scores, SCORES, r"S_{ts} = \frac{q_t \cdot k_s}{\sqrt{d_k}}")
        seen, unseen = (r"s \le t", "s > t") if self.causal else ("m_s = 1", "m_s = 0")  # m: the attention mask
        cases = rf"\begin{{cases}} S_{{ts}} & {seen} \\ -\infty & {unseen} \end{{cases}}"
        record("masked_scores", masked, SCORES, rf"\tilde S_{{ts}} = {cases}")
        record("weights", weights, SCORES, r"A_{ts} = \frac{e^{\tilde S_{ts}}}{\sum_r e^{\tilde S_{tr}}}")
        record("head_outputs", head_outputs, HEADS, r"o_t = \sum_s A_{ts}\, v_s")
        return head_outputs

    def _linear_formula(self, result: str, read: str, letter: str) -> str:
        return f"{result} = {read} W_{letter}" + (f" + b_{letter}" if self.query.bias is not None else "")


def causal_mask(queries: int, keys: int, device: torch.device) -> Bool[Tensor, "1 1 queries keys"]:
    """True where query t may look at key s: the queries are the last of the keys' positions, and s ≤ t."""
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)[None, None]


def mask_of_all(keys: int, device: torch.device) -> Bool[Tensor, "1 1 1 keys"]:
    """True everywhere: no padding."""
    return torch.ones(1, 1, 1, keys, dtype=torch.bool, device=device)
