"""What the ingredients were worth when they were measured: the picture of the speed lab before its first comparison."""

from html import escape

import streamlit as st

from llmlab.training import ingredients
from llmlab.ui.language import say

LIKE_NOISE = 0.02
"""Nats by which two seeds of one recipe differ easily: see benchmarks/LOG.md."""
_STYLE = """<style>
.speed-measured {display: grid; grid-template-columns: fit-content(45%) 1fr; gap: 0.35rem 0.8rem;
  align-items: center; margin: 0.2rem 0 0.4rem; font-size: 0.9rem; line-height: 1.3}
.speed-measured .bar {display: flex; align-items: center; gap: 0.5rem; min-width: 0}
.speed-measured .bar i {height: 0.8rem; border-radius: 0.2rem; flex: none; min-width: 2px;
  background: color-mix(in srgb, currentColor 60%, transparent)}
.speed-measured .bar.no i {background: none; border: 1px dashed currentColor; min-width: 0.8rem}
.speed-measured .bar span {opacity: 0.8; font-variant-numeric: tabular-nums}
</style>"""


def show(names: list[str]) -> None:
    """Bars: how much higher the loss was without each of `names`; dashed where it was not."""
    measured = ingredients.measured()
    costs = {name: measured.losses[name] - measured.loss for name in names if name in measured.losses}
    most = max(costs.values(), default=1.0)
    rows = []
    for name, cost in sorted(costs.items(), key=lambda item: -item[1]):
        pays = cost > LIKE_NOISE
        amount = f"{cost:+.2f}".replace("-", "−")
        figure = amount if pays else f"{amount} · {say(f'speed.{verdict(cost)}')}"
        width = 60 * max(cost, 0.0) / most
        bar = f'<i style="width: {width:.1f}%"></i><span>{escape(figure)}</span>'
        rows.append(f"<div>{escape(say(f'speed.{name}_without'))}</div>")
        rows.append(f'<div class="bar{"" if pays else " no"}">{bar}</div>')
    st.markdown(f"**{say('speed.worth')}**")
    st.html(f'{_STYLE}<div class="speed-measured">{"".join(rows)}</div>')
    st.caption(say("speed.worth_axis", loss=f"{measured.loss:.2f}", steps=measured.steps))


def verdict(cost: float) -> str:
    """The phrase for what its absence cost, in nats, where that is no more than luck or less."""
    return "better_without" if cost < -LIKE_NOISE else "like_noise"


def honestly(name: str) -> str | None:
    """Of an ingredient that did not pay when it was measured: that it did not, and why it is kept."""
    measured = ingredients.measured()
    if name not in measured.losses or measured.losses[name] - measured.loss > LIKE_NOISE:
        return None
    found = say(f"speed.{verdict(measured.losses[name] - measured.loss)}")
    told = say("speed.does_not_pay", steps=measured.steps, found=found)
    return told + (say(f"speed.{name}_kept") if name in ("zero_start", "batch", "bfloat16") else "")
