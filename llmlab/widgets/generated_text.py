"""What the Generate widget shows: a text that grows token by token, what each token was chosen from, and its branches;
before it grows, what the model expects after its beginning.

The widget pulls: each `more` writes for a moment and answers, so stopping is not asking again.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from llmlab.generation import Distribution, SamplingConfig, Step, next_distribution, stream
from llmlab.generation.reading import prompt_ids
from llmlab.i18n import Language, LearnerError
from llmlab.models.gpt import GPT
from llmlab.models.scoring import validation_loss
from llmlab.nn.int8 import in_int8
from llmlab.text.tokenizer import Tokenizer

LISTED = 12
"""How many candidates are drawn."""
SLICE = 0.06
"""Seconds of writing before the next picture."""
COMPARED = (0.4, 0.8, 1.2)
"""The temperatures that are set side by side."""
COMPARED_TOKENS = 100


@dataclass(kw_only=True)
class Node:
    """One token of the tree. Children continue the text; siblings are what was written instead."""

    parent: int | None
    token_id: int
    probability: float | None = None
    """None for tokens of the prompt."""
    distribution: Distribution | None = None
    branch: int = 0
    """Which writing made it: 0 the first, then one for each branch."""


class Writer:
    """Answers the `generated_text` widget for one model and one reader."""

    def __init__(self, model: GPT, tokenizer: Tokenizer) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.prompt = ""
        self._rounded: GPT | None = None
        self._clear()

    def _clear(self) -> None:
        self.nodes: list[Node] = []
        self.leaves: list[int] = []  # the last token of each branch
        self.current = 0  # the branch on show
        self._expected: Distribution | None = None  # after the beginning, while nothing is written
        self._steps: Iterator[Step] | None = None
        self._version = time.monotonic_ns()  # tells the widget that node numbers began anew
        self._answered: tuple[int, dict[str, Any]] | None = None

    def answer(self, ask: Mapping[str, Any], language: Language = "en") -> dict[str, Any]:
        """The state `answer` for what the widget asks: an `action` (open, begin, write, more, stop, branch, show,
        settings, compare) with `settings`, and `have`, the number of nodes the widget already holds. One `nonce` acts
        once.
        """
        nonce = int(ask.get("nonce", 0))
        if self._answered is None or self._answered[0] != nonce:
            try:
                extra = self._act(ask)
            except LearnerError as error:
                self._steps = None
                extra = {"error": error.say(language)}
            self._answered = (nonce, extra | {"rounded": self._cost_of_rounding(ask)})
        return {"nonce": nonce, "error": None, **self._picture(ask), **self._answered[1]}

    @property
    def written(self) -> bool:
        """Whether there is more than a beginning."""
        return bool(self.nodes) and self._expected is None

    def _act(self, ask: Mapping[str, Any]) -> dict[str, Any]:
        action = ask.get("action")
        settings = ask.get("settings") or {}
        if action == "open" or (action == "settings" and self._expected is not None):
            self._open(str(settings.get("prompt", "")), settings)
        elif action == "begin":
            self._begin(int(ask["token_id"]), settings)
        elif action == "write":
            self._write(str(settings.get("prompt", "")), settings)
        elif action == "more":
            self._pull()
        elif action == "stop":
            self._steps = None
        elif action == "branch":
            self._branch(int(ask["node"]), int(ask["token_id"]), settings)
        elif action == "show":
            self.current = min(max(int(ask["branch"]), 0), len(self.leaves) - 1)
        elif action == "compare":
            return {"compared": self._compare(settings)}
        elif action == "settings" and 0 <= int(ask.get("node", -1)) < len(self.nodes):
            return {"live": self._live(int(ask["node"]), settings)}
        return {}

    def _place(self, prompt: str) -> None:
        """A new tree that holds nothing but its beginning."""
        ids = prompt_ids(self.tokenizer, prompt)
        self._clear()
        self.prompt = prompt
        for i, token_id in enumerate(ids):
            self.nodes.append(Node(parent=i - 1 if i else None, token_id=token_id))
        self.leaves = [len(self.nodes) - 1]

    def _open(self, prompt: str, settings: Mapping[str, Any]) -> None:
        """The beginning, and what the model expects after it."""
        sampling = sampling_from(settings)
        self._place(prompt)
        self._expected = next_distribution(
            self._reading(settings), self.tokenizer, self._ids(self.leaves[0]), sampling, top=LISTED
        )

    def _begin(self, token_id: int, settings: Mapping[str, Any]) -> None:
        """Write on with one of the tokens that were expected."""
        if self._expected is None or token_id not in self._expected.ids:
            return
        probability = self._expected.probabilities[self._expected.ids.index(token_id)]
        found, self._expected = self._expected, None
        self.nodes.append(Node(parent=self.leaves[0], token_id=token_id, probability=probability, distribution=found))
        self.leaves = [len(self.nodes) - 1]
        self._start(sampling_from(settings), settings)

    def _write(self, prompt: str, settings: Mapping[str, Any]) -> None:
        sampling = sampling_from(settings)
        self._place(prompt)
        self._start(sampling, settings)

    def _branch(self, node: int, token_id: int, settings: Mapping[str, Any]) -> None:
        """Write `token_id` where `node` stands, and go on from there in a branch of its own."""
        old = self.nodes[node] if 0 <= node < len(self.nodes) else None
        if old is None or old.distribution is None:
            return
        chances = dict(zip(old.distribution.ids, old.distribution.probabilities, strict=True))
        if token_id not in chances:
            return
        self.leaves.append(len(self.nodes))
        self.current = len(self.leaves) - 1
        self.nodes.append(replace(old, token_id=token_id, probability=chances[token_id], branch=self.current))
        self._start(sampling_from(settings), settings)

    def _start(self, sampling: SamplingConfig, settings: Mapping[str, Any]) -> None:
        self._steps = stream(
            self._reading(settings),
            self.tokenizer,
            self._ids(self.leaves[self.current]),
            max_new_tokens=int(settings.get("tokens", 120)),
            sampling=sampling,
            top=LISTED,
        )
        self._pull()

    def _pull(self) -> None:
        until = time.perf_counter() + SLICE
        while self._steps is not None and time.perf_counter() < until:
            step = next(self._steps, None)
            if step is None:
                self._steps = None
                break
            self.nodes.append(
                Node(
                    parent=self.leaves[self.current],
                    token_id=step.token_id,
                    probability=step.probability,
                    distribution=step.distribution,
                    branch=self.current,
                )
            )
            self.leaves[self.current] = len(self.nodes) - 1

    def _live(self, node: int, settings: Mapping[str, Any]) -> dict[str, Any] | None:
        """What would be cut at this token with the settings as they are now."""
        parent = self.nodes[node].parent
        if parent is None or self.nodes[node].distribution is None:
            return None
        found = next_distribution(
            self._reading(settings), self.tokenizer, self._ids(parent), sampling_from(settings), top=LISTED
        )
        return {"node": node, "distribution": _shown(found)}

    def _compare(self, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
        columns = []
        for temperature in COMPARED:
            sampling = replace(sampling_from(settings), temperature=temperature)
            steps = list(
                stream(
                    self._reading(settings),
                    self.tokenizer,
                    str(settings.get("prompt", "")),
                    max_new_tokens=COMPARED_TOKENS,
                    sampling=sampling,
                )
            )
            tokens = [{"text": self._text(s.token_id), "probability": s.probability} for s in steps]
            columns.append({"temperature": temperature, "tokens": tokens})
        return columns

    def _reading(self, settings: Mapping[str, Any]) -> GPT:
        """The model, or with the setting `int8` its twin with weights of eight bits, made when first asked for."""
        if not settings.get("int8"):
            return self.model
        if self._rounded is None:
            self._rounded = in_int8(self.model)
        return self._rounded

    def _cost_of_rounding(self, ask: Mapping[str, Any]) -> dict[str, Any] | None:
        """The loss of the finished text on show without and with rounded weights, in nats per token."""
        settings = ask.get("settings") or {}
        if not settings.get("int8") or self._steps is not None or not self.written or self._rounded is None:
            return None
        ids = np.array(self._ids(self.leaves[self.current]))
        if len(ids) < 2:
            return None
        before, after = (validation_loss(model, ids) for model in (self.model, self._rounded))
        return {"tokens": len(ids) - 1, "before": before, "after": after}

    def _ids(self, node: int) -> list[int]:
        return [self.nodes[i].token_id for i in self._path(node)]

    def _path(self, node: int | None) -> list[int]:
        path: list[int] = []
        while node is not None:
            path.append(node)
            node = self.nodes[node].parent
        return path[::-1]

    def _text(self, token_id: int) -> str:
        """A token as it reads; what is no character by itself as it is shown."""
        text = self.tokenizer.decode([token_id])
        return self.tokenizer.token_texts([token_id])[0] if not text or "�" in text else text

    def _picture(self, ask: Mapping[str, Any]) -> dict[str, Any]:
        have = int(ask.get("have", 0)) if ask.get("version") == self._version else 0
        new = self.nodes[have:]
        shown = self.tokenizer.token_texts([node.token_id for node in new])
        return {
            "version": self._version,
            "from": have,
            "nodes": [
                {
                    "text": self._text(node.token_id),
                    "shown": name,
                    "probability": node.probability,
                    "distribution": _shown(node.distribution) if node.distribution else None,
                    "token_id": node.token_id,
                }
                for node, name in zip(new, shown, strict=True)
            ],
            "path": self._path(self.leaves[self.current]) if self.nodes else [],
            "branches": self._branches(),
            "current": self.current,
            "expected": _shown(self._expected) if self._expected else None,
            "writing": self._steps is not None,
        }

    def _branches(self) -> list[dict[str, Any]]:
        """Each branch: how deep it lies in the tree, where it left its parent, and how it goes on."""
        described: list[dict[str, Any]] = []
        for number, leaf in enumerate(self.leaves):
            path = self._path(leaf)
            own = [i for i in path if self.nodes[i].branch == number and self.nodes[i].probability is not None]
            before = self.nodes[own[0]].parent if own and number else None
            parent = self.nodes[before].branch if before is not None else None
            preview = "".join(self._text(self.nodes[i].token_id) for i in own[:28])
            depth = 0 if parent is None else described[parent]["depth"] + 1
            described.append({"depth": depth, "at": path.index(own[0]) if own else len(path), "preview": preview})
        return described


def sampling_from(settings: Mapping[str, Any]) -> SamplingConfig:
    """The widget's settings as a SamplingConfig; 0 for top-k and min-p, and 1 for top-p, mean off."""
    top_k, top_p, min_p = int(settings.get("top_k") or 0), float(settings.get("top_p") or 1), settings.get("min_p")
    return SamplingConfig(
        temperature=float(settings.get("temperature", 1.0)),
        top_k=top_k or None,
        top_p=top_p if top_p < 1 else None,
        min_p=float(min_p) if min_p else None,
        repetition_penalty=float(settings.get("repetition_penalty") or 1.0),
        seed=int(settings.get("seed") or 0),
    )


def _shown(found: Distribution) -> dict[str, Any]:
    return {**asdict(found), "tail_mass": found.tail_mass, "unlisted_mass": found.unlisted_mass}


def show(model: GPT, tokenizer: Tokenizer, prompt: str, *, language: Language = "en") -> Any:
    """The live widget in a notebook."""
    from llmlab.widgets import controls, labels, usual_settings
    from llmlab.widgets.jupyter import host

    writer = Writer(model, tokenizer)
    settings = {**usual_settings(), "prompt": prompt}
    state = {
        "labels": labels("generated_text", language),
        "controls": controls(language),
        "settings": settings,
        "answer": writer.answer({"action": "open", "settings": settings}, language),
    }
    return host("generated_text", state, lambda asked: writer.answer(asked, language))
