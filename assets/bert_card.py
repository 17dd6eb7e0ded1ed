"""Put the finished run of a BERT into `assets/` as an embedded model, with its curve and a card of measured numbers.

    python assets/bert_card.py tales-bert

The run must have been made by `python -m llmlab train --recipe NAME --out RUN` (see `make assets`).
"""

import json
import math
import shutil
import sys
from pathlib import Path
from typing import Any

from card import ASSETS, LARGEST, Line, curve_svg

from llmlab import hub
from llmlab.generation import fill
from llmlab.hub.catalogue import entry
from llmlab.training import runs

BLANKS = (
    "Mina found a [MASK] key near the church.",
    "The fox [MASK] at the old mill.",
    "She gave the key to a hungry [MASK].",
    "One quiet [MASK] night, Olaf found a lamp.",
)


def facts_of(run: Path, folder: Path) -> dict[str, Any]:
    """Everything the card says, from the run's files; the loss is that of the kept weights on every held-out mask."""
    config, status, references = runs.config(run), runs.status(run), runs.references(run)
    model, tokenizer = hub.load(folder)
    assert status.val_share == 1.0, "not measured on all of the held-out part"
    last = json.loads((run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    return {
        "recipe": config.recipe,
        "corpus": config.corpus,
        "parameters": model.parameter_count(),
        "vocabulary": tokenizer.vocab_size,
        "steps": status.step,
        "tokens_seen": status.step * config.tokens_per_step,
        "seconds": round(status.seconds, 1),
        "threads": runs.about(run)["machine"]["threads"],
        "val_loss": status.val_loss,
        "unigram": references["unigram"],
        "uniform": references["uniform"],
        "next_sentence_accuracy": last["next_sentence_accuracy"],
    }


def filled(folder: Path) -> str:
    """Sentences with a blank, and what the model ranks first there, as a table."""
    model, tokenizer = hub.load(folder)
    rows = ["| | |", "|---|---|"]
    for text in BLANKS:
        (blank,) = fill(model, tokenizer, text, top=4).blanks
        rows.append(f"| {text} | {', '.join(f'{c.token} {c.probability:.0%}' for c in blank.candidates)} |")
    return "\n".join(rows)


def card(name: str, facts: dict[str, Any], guesses: str) -> str:
    """The model card, in English and Chinese."""
    title = entry(name).title

    def table(head: str, *labels: str) -> str:
        losses = (facts["uniform"], facts["unigram"], facts["val_loss"])
        rows = (f"| {label} | {n:.3f} | {n / math.log(2):.3f} |" for label, n in zip(labels, losses, strict=True))
        return "\n".join([head, "|---|---|---|", *rows])

    english = table("| | nats | bits |", "uniform guess", "frequency of each token", "this model")
    chinese = table("| | nat | 比特 |", "均匀猜测", "按词元频率猜测", "本模型")
    minutes, corpus = facts["seconds"] / 60, entry(facts["corpus"])
    return f"""---
license: apache-2.0
language: en
pipeline_tag: fill-mask
---

# {title["en"]} · {title["zh"]}

{facts["parameters"]:,} parameters, {facts["vocabulary"]:,} word pieces. Opens in transformers (`AutoModelForMaskedLM`,
`AutoModelForPreTraining`) and in llmlab (`hub.load("{name}")`). Licence of the weights: Apache-2.0.

**Data.** {corpus.title["en"]}, {corpus.licence}: text written by this project's grammar. The last tenth was held out.

**Training.** `python -m llmlab train --recipe {facts["recipe"]}`: {facts["steps"]:,} steps,
{facts["tokens_seen"]:,} tokens read, {minutes:.0f} minutes on {facts["threads"]} CPU thread(s) of a busy two-core
machine, no GPU. It learned masked tokens and next sentences (Devlin et al. 2019).

**Loss per masked token on the held-out part**, all of it:

{english}

![Loss while training](curve.svg)

**Limits.** It knows the sentences of one small grammar and nothing else: no facts, no other language. Words outside its
vocabulary fall into pieces. Whether a second sentence follows the first it says rightly in
{facts["next_sentence_accuracy"]:.0%} of the examples last measured, where guessing gives half: tales are drawn
independently, and little ties one to the next. Use it to look at how a model reads from both sides.

## 中文

{facts["parameters"]:,} 个参数，{facts["vocabulary"]:,} 个 WordPiece 子词。可用 transformers（`AutoModelForMaskedLM`、
`AutoModelForPreTraining`）或 llmlab（`hub.load("{name}")`）打开。权重许可：Apache-2.0。

**数据**：{corpus.title["zh"]}，{corpus.licence}，由本项目的小型语法生成；最后十分之一留作验证。

**训练**：`python -m llmlab train --recipe {facts["recipe"]}`，共 {facts["steps"]:,} 步，
读取 {facts["tokens_seen"]:,} 个词元，在一台繁忙的两核机器上用 {facts["threads"]} 个 CPU 线程训练 {minutes:.0f} 分钟，
没有使用 GPU。训练目标是预测被遮盖的词元和判断下一句（Devlin 等，2019）。

**留出部分每个被遮盖词元的损失**（全部数据）：

{chinese}

**局限**：只见过一套小语法写出的句子，不懂事实，也不懂其他语言；词表以外的词会被拆成片段。判断后一句是否紧接前一句，
最近一次测量的正确率为 {facts["next_sentence_accuracy"]:.0%}（随机猜测为一半）：各个故事相互独立，前后联系很少。
它的用途是让人看清模型怎样同时从两侧阅读文本。

## Blanks · 填空

{guesses}
"""


def main() -> None:
    run = runs.run_path(sys.argv[1])
    name = run.name
    assert runs.status(run).state == "finished", f"{name} is not finished"
    target = ASSETS / name
    shutil.rmtree(target, ignore_errors=True)
    hub.save(*hub.load(runs.best(run)), target)
    facts = facts_of(run, target)
    assert facts["val_loss"] < facts["unigram"], facts
    metrics = (run / "metrics.jsonl").read_text(encoding="utf-8")
    (target / "metrics.jsonl").write_text(metrics, encoding="utf-8")
    (target / "results.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    points = [json.loads(line) for line in metrics.splitlines()]
    lines = [Line("frequency of each token", facts["unigram"])]
    title = f"{entry(name).title['en']}: loss while training"
    curve = curve_svg(points, lines, title, "nats per masked token, lower is better")
    (target / "curve.svg").write_text(curve, encoding="utf-8")
    (target / "README.md").write_text(card(name, facts, filled(target)), encoding="utf-8")
    size = sum(path.stat().st_size for path in target.iterdir())
    assert size <= LARGEST, size
    print(json.dumps(facts | {"bytes": size}, indent=1))


if __name__ == "__main__":
    main()
