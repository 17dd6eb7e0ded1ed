"""Proofs about what stands outside of a model: documents that it is sent to look up, and a store beside it."""

import re

import torch

from llmlab.course.proof import Measured, Proof
from llmlab.course.proofs.chance import drawn, normal
from llmlab.models.gpt import GPT, GPTConfig

OPENINGS = (
    "KING RICHARD I",
    "Farewell, my l",
    "I will go with y",
    "ROMEO:\nWhat light through yonder w",
    "He is the King of Eng",
    "What say you to ",
)
DOCUMENTS = (
    "HAMLET:\nTo be, or not to be, that is the question:\nWhether 'tis nobler in the mind to suffer\n",
    "ROMEO:\nWhat light through yonder window breaks?\nIt is the east, and Juliet is the sun.\n",
    "KING HENRY:\nOnce more unto the breach, dear friends, once more;\nOr close the wall up with our English dead.\n",
)
"""What can be looked up: the beginnings of three speeches of Shakespeare's."""
AHEAD, THRESHOLD = 24, 0.2


# 8: FLARE writes a sentence ahead with a model that is given, and looks things up where some token of it is too unlikely
# (Jiang et al. 2023, §3.2, eq. 5).
def _written(*, threshold: float) -> Measured:
    from llmlab import hub
    from llmlab.generation import SamplingConfig
    from llmlab.generation.decoding import stream
    from llmlab.tasks.matching import Matcher

    model, tokenizer = hub.load("shakespeare-gpt")
    assert isinstance(model, GPT)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    search = Matcher(DOCUMENTS, longest=1)

    def ahead(text: str) -> tuple[str, float]:
        """A line ahead, and the probability of the character of it that the model was least sure of."""
        greedy = SamplingConfig(temperature=0.0)
        steps = list(stream(model, tokenizer, text, max_new_tokens=AHEAD, sampling=greedy, stop=["\n"]))
        return "".join(step.text for step in steps), min(step.probability for step in steps)

    kept, looked_up, rewritten = [], [], 0
    for opening in OPENINGS:
        line, least = ahead(opening)
        if least >= threshold:
            kept.append(least)
            continue
        looked_up.append(least)
        found = DOCUMENTS[search.rank(opening)[0].index]
        rewritten += ahead(found + opening)[0] != line
    moved = max(float((p.detach() - old).abs().max()) for p, old in zip(model.parameters(), before, strict=True))
    return {
        "lines_kept": float(len(kept)),
        "lines_looked_up": float(len(looked_up)),
        "lowest_where_kept": min(kept, default=1.0),
        "highest_where_looked_up": max(looked_up, default=0.0),
        "lines_rewritten": float(rewritten),
        "weights_moved": moved,
    }


# 33: who did it does not change with the voice, the subject does (Palmer, Gildea and Kingsbury 2005, §2).
EVENTS = (
    ("The dog chased the cat.", "The cat was chased by the dog."),
    ("Mira found the key.", "The key was found by Mira."),
    ("The wind broke the window.", "The window was broken by the wind."),
    ("Tom called his sister.", "His sister was called by Tom."),
)


VERB = re.compile(r" (?:was )?(?:\w+ed|found|broke|broken) ")


def _subject(sentence: str) -> str:
    """What stands before the verb."""
    return VERB.split(sentence)[0].lower()


def _agent(sentence: str) -> str:
    """Who acts: what follows "by" in a passive sentence, else the subject."""
    _, _, by = sentence.rstrip(".").partition(" by ")
    return by.lower() or _subject(sentence)


# And knowledge sits in the weights; a store beside the model is an addition (Khandelwal et al. 2020, eq. 3).
@torch.no_grad()
def _edited(*, share_of_store: float, roles_are_subjects: bool) -> Measured:
    model = drawn(GPT(GPTConfig(vocab_size=12, context_length=8, n_layers=1, n_heads=2, d_model=16))).eval()
    ids = torch.tensor([[3, 1, 4, 1]])
    keys = normal(20, 16, seed=1)

    def predicted(stored: torch.Tensor) -> torch.Tensor:
        out = model(ids)
        near = (-torch.cdist(out.hidden[0, -1:], keys)[0]).softmax(-1)
        from_store = torch.zeros(12).index_add(0, stored, near)
        mixed: torch.Tensor = (1 - share_of_store) * out.logits[0, -1].softmax(-1) + share_of_store * from_store
        return mixed

    before, after = predicted(torch.arange(20) % 12), predicted((torch.arange(20) + 5) % 12)
    drawn(model, seed=1)
    who = _subject if roles_are_subjects else _agent
    return {
        "subjects_that_stay": sum(_subject(one) == _subject(other) for one, other in EVENTS) / len(EVENTS),
        "agents_that_stay": sum(who(one) == who(other) for one, other in EVENTS) / len(EVENTS),
        "moves_with_the_store": float((before - after).abs().max()),
        "moves_with_the_weights": float((before - predicted(torch.arange(20) % 12)).abs().max()),
    }


PROOFS = {
    8: Proof(
        check=lambda m: (
            min(m["lines_kept"], m["lines_looked_up"], m["lines_rewritten"]) >= 1
            and m["highest_where_looked_up"] < THRESHOLD <= m["lowest_where_kept"]
            and m["weights_moved"] == 0
        ),
        says={
            "en": f"The Shakespeare GPT, as it is, writes six lines ahead. It is sent to look things up for those in which some character has a probability below {THRESHOLD}, for no others, and with what it finds writes some of them differently; its weights never move. As a model alone, with nothing to send it, it looks up nothing.",
            "zh": f"莎士比亚 GPT 不作任何改动，先把六行往前试写：只要其中有字符的概率低于 {THRESHOLD}，就去检索，其余的行不检索；读到检索结果后，有的行写得不一样了，而模型的权重始终不变。如果只是一个模型，没有这套运行方法，它就从不检索。",
        },
        real=lambda: _written(threshold=THRESHOLD),
        claimed=lambda: _written(threshold=0.0),
    ),
    33: Proof(
        check=lambda m: (
            m["agents_that_stay"] == 1
            and m["subjects_that_stay"] == 0
            and m["moves_with_the_store"] == 0
            and m["moves_with_the_weights"] > 0.01
        ),
        says={
            "en": "Turned from active to passive, four sentences all change their subject and none changes who acts. And editing a store beside a model changes nothing that it predicts; changing its weights does.",
            "zh": "四个句子由主动变为被动，主语全都变了，动作由谁发出却一个也没变。另外，改动模型之外的存储，预测不变；改动权重，预测才变。",
        },
        real=lambda: _edited(share_of_store=0.0, roles_are_subjects=False),
        claimed=lambda: _edited(share_of_store=0.5, roles_are_subjects=True),
    ),
}
