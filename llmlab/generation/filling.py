"""Filling in blanks: which tokens a model that reads from both sides would put behind each mask, best first."""

from dataclasses import dataclass

import torch
from torch import Tensor

from llmlab.i18n import LearnerError
from llmlab.models.bert import Bert
from llmlab.models.build import Model
from llmlab.models.evaluating import evaluating
from llmlab.text.tokenizer import Tokenizer

MASK, NEXT = "[MASK]", "[SEP]"
"""How a learner writes a blank, and where a second sentence begins, whatever the tokenizer calls them."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One token that could stand in a blank."""

    token_id: int
    token: str
    """As it is shown: `##` before a piece that continues a word."""
    probability: float


@dataclass(frozen=True, kw_only=True)
class Blank:
    """One masked position."""

    position: int
    """Among the tokens that the model reads, `[CLS]` at 0."""
    candidates: tuple[Candidate, ...]
    """The most probable tokens, best first."""
    probabilities: Tensor
    """Of every token, (vocab,), float32."""

    def rank(self, token_id: int) -> int:
        """1 for the most probable token."""
        return int((self.probabilities > self.probabilities[token_id]).sum()) + 1


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A text with its blanks, and with the best candidate in each."""

    text: str
    token_ids: list[int]
    blanks: tuple[Blank, ...]


def fill(model: Model, tokenizer: Tokenizer, text: str, *, top: int = 5) -> Filled:
    """Rank what could stand behind each `[MASK]` of a text, `top` candidates each. `[SEP]` begins a second sentence.

    Each blank is filled for itself, while the others are still masked. Raises LearnerError for a model that does not
    fill in blanks, a text without any, one that is too long, and characters that the tokenizer lacks.
    """
    if not isinstance(model, Bert):
        raise LearnerError("generation.not_a_filler")
    if model.mlm_head is None:
        raise LearnerError("model.no_head")
    if None in (tokenizer.mask_id, tokenizer.cls_id, tokenizer.sep_id):
        raise LearnerError("training.no_mask_token")
    if top < 1:
        raise LearnerError("generation.top", value=top)
    ids, segments = read(tokenizer, text)
    places = [i for i, token_id in enumerate(ids) if token_id == tokenizer.mask_id]
    if not places:
        raise LearnerError("generation.no_blank")
    device = next(model.parameters()).device
    with evaluating(model), torch.inference_mode():
        told = (torch.tensor([part], device=device) for part in (ids, segments))
        input_ids, token_type_ids = told
        logits = model(input_ids, token_type_ids=token_type_ids).logits[0, places].float().cpu()
    if not bool(logits.isfinite().all()):
        raise LearnerError("generation.not_a_number")
    blanks = []
    filled = list(ids)
    for position, probabilities in zip(places, logits[:, : tokenizer.vocab_size].softmax(dim=-1), strict=True):
        best = probabilities.topk(min(top, len(probabilities)))
        filled[position] = int(best.indices[0])
        candidates = tuple(
            Candidate(token_id=i, token=tokenizer.token_texts([i])[0], probability=p)
            for i, p in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        )
        blanks.append(Blank(position=position, candidates=candidates, probabilities=probabilities))
    spoken = [i for i in filled if i not in (tokenizer.cls_id, tokenizer.sep_id)]
    return Filled(text=tokenizer.decode(spoken), token_ids=ids, blanks=tuple(blanks))


def read(tokenizer: Tokenizer, text: str) -> tuple[list[int], list[int]]:
    """A text as a BERT reads it: the ids with `[CLS]` before and `[SEP]` after each sentence, and their segments."""
    assert tokenizer.cls_id is not None
    assert tokenizer.sep_id is not None
    assert tokenizer.mask_id is not None
    ids, segments = [tokenizer.cls_id], [0]
    first, marked, second = text.partition(NEXT)
    for segment, part in enumerate([first, second] if marked else [first]):
        for i, piece in enumerate(part.split(MASK)):
            if i:
                ids.append(tokenizer.mask_id)
            ids += tokenizer.encode(piece) if piece.strip() else []
        ids.append(tokenizer.sep_id)
        segments += [segment] * (len(ids) - len(segments))
    return ids, segments
