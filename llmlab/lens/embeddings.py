"""Where a model's vectors come from: its table of token embeddings, the tokens of sentences layer by layer, whole
sentences, one word in several sentences, and the table again at each step of a training that kept it.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from llmlab.i18n import LearnerError
from llmlab.lens.points import KINDS, SCRIPTS, Attribute, Points, categories, kind_of, script_of
from llmlab.lens.vocabulary import MOST_ADDED, Vocabulary
from llmlab.models.bert import Bert
from llmlab.models.build import Model
from llmlab.models.sentence_embedding import sentence_embeddings
from llmlab.models.trace import trace
from llmlab.text.display import show_text
from llmlab.text.tokenizer import Framed, Tokenizer

MOST_TOKENS = 20_000
"""How many points a map holds at most, all frames together."""
_UNUSED = re.compile(r"\[unused\d+\]")


def token_points(
    model: Model,
    tokenizer: Tokenizer,
    *,
    most: int = 5_000,
    counts: Sequence[int] | None = None,
    also: Sequence[int] = (),
) -> Points:
    """The rows of the table of token embeddings: what the model knows of each token before it has read anything.

    `counts`: how often each token occurs in the text that was learned from, if that is known. Of more than `most`
    tokens the most frequent are taken; without counts the first, which tokenizers give to frequent ones. The tokens
    `also` are taken besides.
    """
    table = model.token_embedding.weight.detach().float().cpu()
    names = tokenizer.token_texts(range(min(tokenizer.vocab_size, len(table))))
    known = [i for i, name in enumerate(names) if not _UNUSED.fullmatch(name)]
    if counts is not None:
        known.sort(key=lambda i: -counts[i])
    more = [i for i in dict.fromkeys(also) if 0 <= i < len(names)][-MOST_ADDED:]
    chosen = sorted({*known[: min(most, MOST_TOKENS)], *more})
    attributes = _token_attributes([names[i] for i in chosen])
    if counts is not None:
        attributes["frequency"] = Attribute(values=[counts[i] for i in chosen], logarithmic=True)
    attributes["rank"] = Attribute(values=chosen)
    attributes["norm"] = Attribute(values=table[chosen].norm(dim=1).tolist())
    return Points(
        vectors=table[chosen][None],
        names=[names[i] for i in chosen],
        of=len(known) if len(known) > len(chosen) else None,
        attributes=attributes,
        vocabulary=Vocabulary(
            names=names,
            on_map=chosen,
            cut=lambda text: [] if tokenizer.missing(text) else tokenizer.encode(text),
            including=lambda ids: token_points(model, tokenizer, most=most, counts=counts, also=[*also, *ids]),
        ),
    )


def _token_attributes(names: Sequence[str]) -> dict[str, Attribute]:
    return {
        "kind": categories([kind_of(name) for name in names], KINDS),
        "script": categories([script_of(name) for name in names], SCRIPTS),
        "length": Attribute(values=[len(name.strip("·").removeprefix("##")) for name in names]),
        "word_start": categories(["starts_word" if name[:1] == "·" else "goes_on" for name in names]),
    }


def reading_points(model: Model, tokenizer: Tokenizer, sentences: Sequence[str]) -> Points:
    """The tokens of some sentences through the layers: frame 0 is each token's own vector, the same wherever it
    stands; frame i is the residual stream after layer i, where it has taken in its surroundings.
    """
    sentences = _some(sentences)
    encoded = [_encode(model, tokenizer, sentence) for sentence in sentences]
    _check_size(sum(len(framed.ids) for framed in encoded), model)
    read = [_read(model, framed) for framed in encoded]
    names = [name for r in read for name in tokenizer.token_texts(r.ids)]
    position = [i for r in read for i in range(len(r.ids))]
    where = [i for i, r in enumerate(read) for _ in r.ids]
    vectors = torch.cat([r.vectors for r in read], dim=1)
    attributes = {
        "sentence": categories([str(i + 1) for i in where]),
        "position": Attribute(values=position),
        **{k: v for k, v in _token_attributes(names).items() if k in ("kind", "script", "length")},
        "norm": Attribute(values=vectors[-1].norm(dim=1).tolist()),
    }
    return Points(
        vectors=vectors,
        names=names,
        frame_kind="layer",
        frames=range(len(vectors)),
        sentences=sentences,
        sentence_of=where,
        spans=[span for r in read for span in r.spans],
        attributes=attributes,
    )


def word_points(model: Model, tokenizer: Tokenizer, sentences: Sequence[str], word: str) -> Points:
    """Each occurrence of one word, as the mean of its tokens' vectors. In frame 0 all are the same point: a static
    embedding has one vector for all senses. In the layers after it they part, as far as the model tells them apart.

    Raises LearnerError when the word does not occur at least twice.
    """
    word = word.strip()
    groups = _paragraphs(sentences)
    sentences = _some(sentences)
    _check_size(sum(len(_occurrences(word, sentence)) for sentence in sentences), model)
    vectors, where, spans = [], [], []
    for i, sentence in enumerate(sentences):
        found = [match.span() for match in _occurrences(word, sentence)]
        if not found:
            continue
        read = _read(model, _encode(model, tokenizer, sentence))
        for start, end in found:
            inside = [t for t, (a, b) in enumerate(read.spans) if a < end and b > start and b > a]
            if inside:
                vectors.append(read.vectors[:, inside].mean(1))
                where.append(i)
                spans.append((start, end))
    if len(vectors) < 2:
        raise LearnerError("embeddings.word_twice", word=word, found=len(vectors))
    stacked = torch.stack(vectors, dim=1)
    attributes = {"group": categories([str(groups[i] + 1) for i in where])} if max(groups) else {}
    attributes |= {
        "sentence": categories([str(i + 1) for i in where]),
        "position": Attribute(values=[start for start, _ in spans]),
    }
    return Points(
        vectors=stacked,
        names=[_snippet(sentences[i], span) for i, span in zip(where, spans, strict=True)],
        frame_kind="layer",
        frames=range(len(stacked)),
        sentences=sentences,
        sentence_of=where,
        spans=spans,
        attributes=attributes,
    )


def sentence_points(model: Model, tokenizer: Tokenizer, sentences: Sequence[str], *, prefix: str = "") -> Points:
    """Whole sentences, each as the mean of its tokens' vectors (Reimers & Gurevych 2019), through the layers.

    `prefix`: what an encoder was trained to find before each, as in `sentence_embeddings`, which makes its last frame.
    """
    groups = _paragraphs(sentences)
    sentences = _some(sentences)
    _check_size(len(sentences), model)
    encoded = [_encode(model, tokenizer, prefix + sentence) for sentence in sentences]
    read = [_read(model, framed) for framed in encoded]
    vectors = torch.stack([r.vectors.mean(1) for r in read], dim=1)
    if isinstance(model, Bert):
        vectors[-1] = sentence_embeddings(model, tokenizer, sentences, prefix=prefix)
    attributes = {"group": categories([str(group + 1) for group in groups])} if max(groups) else {}
    attributes |= {
        "script": categories([script_of(sentence) for sentence in sentences], SCRIPTS),
        "length": Attribute(values=[len(r.ids) for r in read]),
    }
    return Points(
        vectors=vectors,
        names=[show_text(sentence) for sentence in sentences],
        frame_kind="layer",
        frames=range(len(vectors)),
        sentences=sentences,
        sentence_of=range(len(sentences)),
        spans=[(0, len(sentence)) for sentence in sentences],
        attributes=attributes,
    )


def training_points(run: str | Path, tokenizer: Tokenizer, counts: Sequence[int] | None = None) -> Points:
    """The token embeddings that a run kept while it trained, step by step.

    Raises LearnerError when it kept none.
    """
    run = Path(run)
    looks = sorted((run / "probes").glob("step-*.npz"), key=lambda path: int(path.stem[5:]))
    ids: list[int] = []
    steps, tables = [], []
    for path in looks:
        with np.load(path, allow_pickle=False) as look:
            if "token_embedding" in look and len(look["embedding_ids"]):
                ids = look["embedding_ids"].tolist()
                steps.append(int(path.stem[5:]))
                tables.append(torch.from_numpy(look["token_embedding"].astype(np.float32)))
    if len(tables) < 2:
        raise LearnerError("embeddings.no_probes", run=run.name)
    most = MOST_TOKENS // len(tables)
    order = sorted(range(len(ids)), key=lambda i: -counts[ids[i]] if counts is not None else i)[:most]
    names = tokenizer.token_texts(ids[i] for i in order)
    attributes = _token_attributes(names)
    if counts is not None:
        values = [counts[ids[i]] for i in order]
        attributes["frequency"] = Attribute(values=values, logarithmic=True)
    return Points(
        vectors=torch.stack([table[order] for table in tables]),
        names=names,
        frame_kind="step",
        frames=steps,
        of=tokenizer.vocab_size if tokenizer.vocab_size > len(order) else None,
        attributes=attributes,
    )


def token_counts(ids: np.ndarray, vocab_size: int) -> list[int]:
    """How often each token occurs in an encoded text, or in its first ten million tokens."""
    counted = np.bincount(np.asarray(ids[:10_000_000]), minlength=vocab_size)
    return [int(count) for count in counted]


class _Reading:
    """One sentence read by a model."""

    def __init__(self, ids: list[int], spans: list[tuple[int, int]], vectors: Float[Tensor, "frame seq d_model"]):
        self.ids, self.spans, self.vectors = ids, spans, vectors


def _encode(model: Model, tokenizer: Tokenizer, sentence: str) -> Framed:
    """The sentence as the model reads it: an encoder between the special tokens of its tokenizer's template."""
    tokenizer.require(sentence)
    if isinstance(model, Bert):
        framed = tokenizer.frame(sentence)
    else:
        ids = tokenizer.encode(sentence)
        framed = Framed(ids, [0] * len(ids), tokenizer.offsets(sentence), [0] * len(ids))
    if len(framed.ids) > model.config.context_length:
        raise LearnerError(
            "embeddings.sentence_too_long",
            tokens=len(framed.ids),
            context=model.config.context_length,
            start=sentence[:20],
        )
    if not framed.ids:
        raise LearnerError("embeddings.no_sentence")
    return framed


def _read(model: Model, framed: Framed) -> _Reading:
    left = trace(model, torch.tensor([framed.ids], device=model.token_embedding.weight.device))
    stream = [left.token_embedding, *left.stream[1:]]
    return _Reading(framed.ids, framed.spans, torch.stack([x[0] for x in stream]).float().cpu())


def _some(sentences: Sequence[str]) -> list[str]:
    found = [sentence.strip() for sentence in sentences if sentence.strip()]
    if not found:
        raise LearnerError("embeddings.no_sentence")
    return found


def _paragraphs(sentences: Sequence[str]) -> list[int]:
    """For each sentence that is not empty its paragraph: an empty line begins a new one."""
    groups: list[int] = []
    group, empty = 0, False
    for sentence in sentences:
        if sentence.strip():
            group += bool(empty and groups)
            groups.append(group)
        empty = not sentence.strip()
    return groups or [0]


def _occurrences(word: str, sentence: str) -> list[re.Match[str]]:
    """Where the word stands: as a whole word where letters have spaces between words, anywhere in Chinese."""
    if not word:
        return []
    edge = r"\b" if word.isascii() and word.isalnum() else ""
    return list(re.finditer(edge + re.escape(word) + edge, sentence, re.IGNORECASE))


def _snippet(sentence: str, span: tuple[int, int], around: int = 18) -> str:
    start, end = max(0, span[0] - around), min(len(sentence), span[1] + around)
    return ("…" if start else "") + sentence[start:end].strip() + ("…" if end < len(sentence) else "")


def _check_size(points: int, model: Model) -> None:
    frames = model.config.n_layers + 1
    if points * frames > MOST_TOKENS:
        raise LearnerError("embeddings.too_many", points=points, frames=frames, most=MOST_TOKENS // frames)
