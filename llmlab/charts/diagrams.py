"""Diagrams of the course as code: boxes and arrows in the palette, in both languages and both appearances.

A diagram is a function from a language to an SVG element's source, listed in DIAGRAMS. Colours are CSS `light-dark`
pairs, so that the same drawing follows the theme of a page and of a notebook.
"""

from collections.abc import Callable
from html import escape

from llmlab.charts.theme import DARK, FONT, LIGHT
from llmlab.i18n import Language


def colour(name: str) -> str:
    """A colour of the palette, for both appearances."""
    return f"light-dark({getattr(LIGHT, name)}, {getattr(DARK, name)})"


def svg(width: int, height: int, parts: list[str], title: str) -> str:
    """A drawing of these parts, with a title that a screen reader says."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}" font-family="{escape(FONT)}" font-size="14">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 8 4 0 8z" style="fill: {colour("residual")}"/></marker></defs>' + "".join(parts) + "</svg>"
    )


def box(x: float, y: float, width: float, height: float, text: str, *, hue: str = "residual") -> str:
    """A rounded box with centred text."""
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="7" '
        f'style="fill: color-mix(in srgb, {colour(hue)} 14%, transparent); stroke: {colour(hue)}"/>'
        + label(x + width / 2, y + height / 2, text)
    )


def label(x: float, y: float, text: str, *, anchor: str = "middle", hue: str = "text") -> str:
    """Text, centred on its height."""
    place = f'x="{x}" y="{y}" text-anchor="{anchor}" dominant-baseline="central"'
    return f'<text {place} style="fill: {colour(hue)}">{escape(text)}</text>'


def arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    """A line with a tip at its end."""
    line = f'<path d="M{x1} {y1} L{x2} {y2}" stroke-width="1.5" marker-end="url(#tip)" '
    return line + f'style="fill: none; stroke: {colour("residual")}"/>'


def bent_arrow(*points: tuple[float, float]) -> str:
    """A line through these points with a tip at its end."""
    way = " L".join(f"{x} {y}" for x, y in points)
    line = f'<path d="M{way}" stroke-width="1.5" stroke-linejoin="round" marker-end="url(#tip)" '
    return line + f'style="fill: none; stroke: {colour("residual")}"/>'


def frame(x: float, y: float, width: float, height: float) -> str:
    """A dashed outline around what belongs together."""
    place = f'x="{x}" y="{y}" width="{width}" height="{height}" rx="10" stroke-dasharray="5 4"'
    return f'<rect {place} style="fill: none; stroke: {colour("residual")}"/>'


def training_flow(language: Language) -> str:
    """From text to a trained model and what it is for; what differs between tasks is what the last layer puts out."""
    w = _TRAINING_FLOW[language]
    parts = [
        box(10, 12, 150, 42, w["text"]),
        arrow(160, 33, 198, 33),
        box(200, 12, 150, 42, w["tokens"]),
        arrow(350, 33, 388, 33),
        box(390, 12, 150, 42, w["batch"]),
        bent_arrow((465, 54), (465, 96), (120, 96), (120, 124)),
        frame(10, 108, 640, 106),
        box(30, 126, 180, 42, w["forward"], hue="query"),
        arrow(210, 147, 238, 147),
        box(240, 126, 180, 42, w["backward"], hue="key"),
        arrow(420, 147, 448, 147),
        box(450, 126, 180, 42, w["step"], hue="value"),
        bent_arrow((540, 168), (540, 186), (120, 186), (120, 170)),
        label(330, 199, w["again"], hue="residual"),
        arrow(330, 214, 330, 236),
        box(220, 238, 220, 42, w["evaluate"]),
        bent_arrow((440, 259), (672, 259), (672, 150), (652, 150)),
        label(556, 247, w["not_yet"], hue="residual"),
        bent_arrow((330, 280), (330, 312), (110, 312), (110, 334)),
        arrow(330, 312, 330, 334),
        bent_arrow((330, 312), (550, 312), (550, 334)),
        label(340, 298, w["good"], anchor="start", hue="residual"),
    ]
    for x, name in ((5, "one"), (225, "each"), (445, "next")):
        parts.append(box(x, 336, 210, 42, w[name], hue="prediction"))
        parts.append(label(x + 105, 394, w[f"{name}_for"], hue="residual"))
    return svg(690, 408, parts, w["title"])


def synchronous_step(language: Language) -> str:
    """A step of data-parallel training: a gradient from each share of the batch, their mean, the same step for all."""
    w = _SYNCHRONOUS_STEP[language]
    parts = [box(10, 84, 110, 42, w["batch"])]
    for y in (12, 84, 156):
        parts += [arrow(120, 105, 168, y + 21), box(170, y, 155, 42, w["machine"], hue="query")]
        parts += [arrow(325, y + 21, 368, 105)]
    parts += [box(370, 84, 130, 42, w["mean"], hue="key"), arrow(500, 105, 533, 105)]
    parts += [box(535, 84, 145, 42, w["step"], hue="value")]
    parts += [bent_arrow((607, 126), (607, 222), (247, 222), (247, 200)), label(427, 211, w["weights"], hue="residual")]
    return svg(690, 234, parts, w["title"])


_TRAINING_FLOW: dict[Language, dict[str, str]] = {
    "en": {
        "title": "From text to a trained model",
        "text": "text, cleaned",
        "tokens": "tokens",
        "batch": "a batch of them",
        "forward": "forward: the loss",
        "backward": "backward: gradients",
        "step": "step: new weights",
        "again": "the next batch",
        "evaluate": "measure on text kept aside",
        "not_yet": "still falling: go on",
        "good": "no longer falling: put it to use",
        "one": "one label for the text",
        "one_for": "classification, sentiment",
        "each": "a label for each token",
        "each_for": "names, parts of speech",
        "next": "the next token, repeatedly",
        "next_for": "generation, translation",
    },
    "zh": {
        "title": "从文本到训练好的模型",
        "text": "清洗过的文本",
        "tokens": "词元",
        "batch": "一个批次",
        "forward": "前向：算损失",
        "backward": "反向：算梯度",
        "step": "更新：得到新权重",
        "again": "下一个批次",
        "evaluate": "用留出的文本评测",
        "not_yet": "仍在下降：继续训练",
        "good": "不再下降：投入使用",
        "one": "整段文本一个标签",
        "one_for": "分类、情感分析",
        "each": "每个词元一个标签",
        "each_for": "命名实体识别、词性标注",
        "next": "反复预测下一个词元",
        "next_for": "生成、翻译",
    },
}
_SYNCHRONOUS_STEP: dict[Language, dict[str, str]] = {
    "en": {
        "title": "One synchronous step on three machines",
        "batch": "batch",
        "machine": "gradient of a share",
        "mean": "mean gradient",
        "step": "one step for all",
        "weights": "the new weights go to every machine",
    },
    "zh": {
        "title": "三台机器同步训练一步",
        "batch": "批次",
        "machine": "一份数据的梯度",
        "mean": "平均梯度",
        "step": "大家走同一步",
        "weights": "新权重发给每台机器",
    },
}


def norm_places(language: Language) -> str:
    """One layer of a GPT (norm in front of each part) beside one of a BERT (norm after each sum)."""
    words = _NORM_PLACES[language]
    parts = [label(150, 18, words["gpt"]), label(530, 18, words["bert"])]
    parts += [*_stem(60, words, 40, 452), *_stem(440, words, 40, 452)]
    for y, part in ((96, "attention"), (226, "feed_forward")):  # GPT: stream → norm → part → sum
        parts += [
            *(arrow(60, y, 138, y), box(140, y - 17, 150, 34, words["norm"]), arrow(215, y + 17, 215, y + 36)),
            *(box(140, y + 38, 150, 38, words[part], hue="accent"), arrow(140, y + 57, 73, y + 82), _sum(60, y + 88)),
        ]
    for y, part in ((96, "attention"), (226, "feed_forward")):  # BERT: stream → part → sum → norm
        parts += [
            *(arrow(440, y, 518, y), box(520, y - 19, 150, 38, words[part], hue="accent")),
            *(arrow(520, y + 10, 453, y + 33), _sum(440, y + 38), _paper(385, y + 60, 110, 34)),
            box(385, y + 60, 110, 34, words["norm"]),
        ]
    parts += [_paper(5, 366, 110, 34), box(5, 366, 110, 34, words["norm"])]
    parts += [_paper(385, 366, 110, 34), box(385, 366, 110, 34, words["head"])]
    parts += [box(x, 454, 110, 34, words["logits"], hue="prediction") for x in (5, 385)]
    return svg(690, 500, parts, words["title"])


def _stem(x: float, words: dict[str, str], top: float, bottom: float) -> list[str]:
    """The residual stream of one model, from the embeddings down."""
    return [box(x - 55, top, 110, 34, words["embeddings"]), arrow(x, top + 34, x, bottom)]


def _sum(x: float, y: float) -> str:
    look = f"fill: {colour('background')}; stroke: {colour('residual')}"
    return f'<circle cx="{x}" cy="{y}" r="12" style="{look}"/>' + label(x, y, "+")


def _paper(x: float, y: float, width: float, height: float) -> str:
    """What hides a line behind a box."""
    look = f"fill: {colour('background')}"
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="7" style="{look}"/>'


_NORM_PLACES = {
    "en": {
        "title": "A layer of GPT-2 norms in front of each part, a layer of BERT after each sum",
        "gpt": "GPT-2 and later",
        "bert": "BERT, GPT-1",
        "embeddings": "embeddings",
        "norm": "norm",
        "attention": "attention",
        "feed_forward": "feed-forward",
        "head": "head",
        "logits": "logits",
    },
    "zh": {
        "title": "GPT-2 在每个子层之前归一化，BERT 在每次相加之后归一化",
        "gpt": "GPT-2 及之后",
        "bert": "BERT、GPT-1",
        "embeddings": "嵌入",
        "norm": "归一化",
        "attention": "注意力",
        "feed_forward": "前馈网络",
        "head": "输出头",
        "logits": "logits",
    },
}


def draw(name: str, language: Language) -> str:
    """The SVG of a diagram in a language."""
    return DIAGRAMS[name](language)


DIAGRAMS: dict[str, Callable[[Language], str]] = {
    "training_flow": training_flow,
    "synchronous_step": synchronous_step,
    "norm_places": norm_places,
}
