"""Put a finished run into `assets/` as an embedded model, with its curve and a card whose every number is measured.

    python assets/card.py shakespeare-gpt
    python assets/card.py tang-gpt

The run must have been made by `python -m llmlab train --recipe NAME --out RUN` (see `make assets`). The n-gram models
on the card are fitted on the same training part and measured on the same held-out part.
"""

import argparse
import json
import math
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).parent
sys.path.insert(0, str(ASSETS.parent))

import numpy as np  # noqa: E402  # the checkout must be importable first

from llmlab import hub  # noqa: E402
from llmlab.charts.theme import PALETTE  # noqa: E402
from llmlab.generation import SamplingConfig, generate  # noqa: E402
from llmlab.hub.catalogue import entry  # noqa: E402
from llmlab.i18n import say  # noqa: E402
from llmlab.models.ngram import NGram, uniform_loss  # noqa: E402
from llmlab.models.scoring import validation_loss  # noqa: E402
from llmlab.text.batches import split  # noqa: E402
from llmlab.training import runs  # noqa: E402

RECIPES = {"shakespeare-gpt": "shakespeare", "tang-gpt": "tang"}
LARGEST = 12_000_000
WIDTH, HEIGHT, MARGIN = 640, 320, 46


@dataclass(frozen=True)
class Line:
    """A reference line of the curve: its words and its loss in nats per token."""

    label: str
    loss: float


def measure(run: Path, folder: Path) -> dict[str, Any]:
    """Everything the card says, from the run's files and from the saved weights themselves."""
    config, status = runs.config(run), runs.status(run)
    model, tokenizer = hub.load(folder)
    ids = np.load(run / "data" / "tokens.npy", mmap_mode="r", allow_pickle=False)
    train_ids, val_ids = split(ids, config.val_fraction)
    loss = validation_loss(model, val_ids, context_length=config.context)
    grams = {}
    for order in (3, 6):
        grams[order] = NGram(order).fit(train_ids, tokenizer.vocab_size).loss(val_ids)
    return {
        "recipe": config.recipe,
        "corpus": config.corpus,
        "parameters": model.parameter_count(),
        "vocabulary": tokenizer.vocab_size,
        "training_characters": len(train_ids),
        "validation_characters": len(val_ids),
        "steps": status.step,
        "tokens_seen": status.step * config.tokens_per_step,
        "seconds": round(status.seconds, 1),
        "threads": runs.about(run)["machine"]["threads"],
        "val_loss": loss,
        "bits_per_character": loss / math.log(2),
        "uniform": uniform_loss(tokenizer.vocab_size),
        "kneser_ney_3": grams[3],
        "kneser_ney_6": grams[6],
    }


def samples(folder: Path, prompts: list[str], tokens: int) -> list[str]:
    model, tokenizer = hub.load(folder)
    sampling = SamplingConfig(temperature=0.8, seed=1)
    return [p + generate(model, tokenizer, p, max_new_tokens=tokens, sampling=sampling).text for p in prompts]


def curve_svg(
    points: list[dict[str, Any]], lines: list[Line], title: str, unit: str = "nats per character, lower is better"
) -> str:
    """The loss curve as a picture for the card: step on a logarithmic axis, nats per token upwards."""
    train = [(p["step"], p["train_loss"]) for p in points]
    val = [(p["step"], p["val_loss"]) for p in points if "val_loss" in p]
    last = max(step for step, _ in train)
    low = min([loss for _, loss in train + val] + [line.loss for line in lines]) - 0.1
    high = max(loss for _, loss in train[1:] + val)

    def x(step: float) -> float:
        return MARGIN + (WIDTH - 2 * MARGIN) * math.log(step) / math.log(last)

    def y(loss: float) -> float:
        return MARGIN + (HEIGHT - 2 * MARGIN) * (high - min(loss, high)) / (high - low)

    def path(values: list[tuple[int, float]], colour: str, width: float) -> str:
        places = " ".join(f"{x(step):.1f},{y(loss):.1f}" for step, loss in values)
        return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{width}"/>'

    def words(text: str, at_x: float, at_y: float, anchor: str = "start") -> str:
        return f'<text x="{at_x:.0f}" y="{at_y:.0f}" text-anchor="{anchor}" fill="#5F6368">{text}</text>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#FDFCF9"/>',
        words(title, MARGIN, 20),
        words(unit, MARGIN, 36),
    ]
    for line in lines:
        parts.append(
            f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{y(line.loss):.1f}" y2="{y(line.loss):.1f}" '
            f'stroke="#9AA0A6" stroke-dasharray="4 4"/>'
        )
        parts.append(words(f"{line.label} {line.loss:.2f}", MARGIN + 4, y(line.loss) - 4))
    parts += [path(train, "#9AA0A6", 1), path(val, PALETTE["light"].query, 2)]
    step = 1
    while step <= last:
        parts.append(words(f"{step:,}", x(step), HEIGHT - 24, "middle"))
        step *= 10
    parts.append(words("step", WIDTH / 2, HEIGHT - 8, "middle"))
    final = val[-1]
    parts.append(words(f"validation {final[1]:.2f}", WIDTH - MARGIN, y(final[1]) + 16, "end"))
    return "\n".join([*parts, "</svg>"])


def card(name: str, facts: dict[str, Any], texts: list[str]) -> str:
    """The model card, in English and Chinese."""
    corpus = entry(facts["corpus"])
    minutes = facts["seconds"] / 60
    collection = corpus.licence.removeprefix("public domain (collection: ").removesuffix(")")
    licence = say("ui_library.public_domain", "zh", collection=collection)
    beside = {
        "English": ("uniform guess", "Kneser–Ney, order 3", "Kneser–Ney, order 6", "this model"),
        "中文": ("均匀猜测", "Kneser–Ney 三元", "Kneser–Ney 六元", "本模型"),
    }

    def table(language: str) -> str:
        losses = (facts["uniform"], facts["kneser_ney_3"], facts["kneser_ney_6"], facts["val_loss"])
        head = "| | nats | bits |\n|---|---|---|\n" if language == "English" else "| | nat | 比特 |\n|---|---|---|\n"
        rows = zip(beside[language], losses, strict=True)
        return head + "\n".join(f"| {label} | {loss:.3f} | {loss / math.log(2):.3f} |" for label, loss in rows)

    sampled = "\n\n".join("```text\n" + text.strip() + "\n```" for text in texts)
    return f"""---
license: apache-2.0
language: {corpus.languages[0]}
pipeline_tag: text-generation
---

# {entry(name).title["en"]} · {entry(name).title["zh"]}

{facts["parameters"]:,} parameters, one character a token ({facts["vocabulary"]:,} of them). Opens in transformers
(`AutoModelForCausalLM`) and in llmlab (`hub.load("{name}")`). Licence of the weights: Apache-2.0.

**Data.** {corpus.title["en"]}, {corpus.licence}, from [{corpus.source}]({corpus.source_url}):
{facts["training_characters"]:,} characters to learn from; the last {facts["validation_characters"]:,} were held out.

**Training.** `python -m llmlab train --recipe {facts["recipe"]}`: {facts["steps"]:,} steps,
{facts["tokens_seen"]:,} characters seen, {minutes:.0f} minutes with {facts["threads"]} CPU thread(s), no GPU.

**Loss per character on the held-out part**, all of it, in non-overlapping windows of the context:

{table("English")}

![Loss while training](curve.svg)

**Limits.** It has seen one kind of text and knows nothing else: no facts, no instructions, no other language, no
character outside its vocabulary. It sees only its context and loses the thread beyond it. What it writes sounds like
its source and means little. Use it to look at how a language model works.

## 中文

{facts["parameters"]:,} 个参数，一个字符一个词元（共 {facts["vocabulary"]:,} 个）。
可用 transformers（`AutoModelForCausalLM`）或 llmlab（`hub.load("{name}")`）打开。权重许可：Apache-2.0。

**数据**：{corpus.title["zh"]}，{licence}，来自 [{corpus.source}]({corpus.source_url})；
用 {facts["training_characters"]:,} 个字符训练，最后 {facts["validation_characters"]:,} 个字符留作验证。

**训练**：`python -m llmlab train --recipe {facts["recipe"]}`，共 {facts["steps"]:,} 步、
{facts["tokens_seen"]:,} 个字符，用 {facts["threads"]} 个 CPU 线程训练 {minutes:.0f} 分钟，没有使用 GPU。

**留出部分每个字符的损失**（全部数据，按上下文长度切成互不重叠的窗口）：

{table("中文")}

**局限**：只见过一种文本，不懂事实，不会听从指令，不认识词表以外的字符；超出上下文长度的内容会忘记。写出来的东西像原文，
但没有多少意思。它的用途是让人看清语言模型是怎样工作的。

## Samples · 样例

Temperature 0.8, seed 1.

{sampled}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("run", help="the finished run; its folder's name becomes the model's")
    run = runs.run_path(parser.parse_args().run)
    name = run.name
    assert runs.status(run).state == "finished", f"{name} is not finished"
    target = ASSETS / name
    shutil.rmtree(target, ignore_errors=True)
    model, tokenizer = hub.load(runs.best(run))
    hub.save(model, tokenizer, target)
    facts = measure(run, target)
    assert facts["val_loss"] < facts["kneser_ney_6"], facts
    size = sum(path.stat().st_size for path in target.iterdir())
    assert size <= LARGEST, size
    metrics = (run / "metrics.jsonl").read_text(encoding="utf-8")
    (target / "metrics.jsonl").write_text(metrics, encoding="utf-8")
    (target / "results.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    lines = [Line(f"Kneser–Ney {order}", facts[f"kneser_ney_{order}"]) for order in (3, 6)]
    points = [json.loads(line) for line in metrics.splitlines()]
    title = f"{entry(name).title['en']}: loss while training"
    (target / "curve.svg").write_text(curve_svg(points, lines, title), encoding="utf-8")
    prompts = ["ROMEO:\n", "KING"] if "en" in entry(name).languages else ["床前", "\n\n"]
    (target / "README.md").write_text(card(name, facts, samples(target, prompts, 200)), encoding="utf-8")
    print(json.dumps(facts | {"bytes": size}, indent=1))


if __name__ == "__main__":
    main()
