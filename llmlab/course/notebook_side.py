"""What a notebook of the course calls: its language, words in it, diagrams, pictures that fit the page."""

from pathlib import Path
from typing import Any

from llmlab.i18n import Language

CJK_FONTS = ["Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "Noto Sans SC", "WenQuanYi Micro Hei"]

_language: Language = "en"


def begin(language: Language | None = None) -> None:
    """Settle the notebook's language (by the folder it lies in) and give matplotlib the palette and readable fonts."""
    global _language
    _language = language or ("zh" if Path.cwd().name == "zh" else "en")
    _style()


def current_language() -> Language:
    """The notebook's language; English outside of one."""
    return _language


def words(*, en: str, zh: str) -> str:
    """The one in the notebook's language."""
    return {"en": en, "zh": zh}[_language]


def diagram(name: str) -> Any:
    """A drawing of the course, as a notebook displays it."""
    from IPython.display import SVG

    from llmlab.charts.diagrams import draw

    return SVG(draw(name, _language))


def _style() -> None:
    import matplotlib
    from cycler import cycler
    from matplotlib import font_manager

    from llmlab.charts.theme import LIGHT, categories

    known = {font.name for font in font_manager.fontManager.ttflist}
    fonts = [font for font in CJK_FONTS if font in known] if _language == "zh" else []
    matplotlib.rcParams.update(
        {
            "font.family": [*fonts, "DejaVu Sans"],  # each glyph from the first that has it
            "axes.unicode_minus": False,
            "axes.prop_cycle": cycler(color=categories("light")),
            "axes.edgecolor": LIGHT.border,
            "axes.labelcolor": LIGHT.text,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "text.color": LIGHT.text,
            "xtick.color": LIGHT.residual,
            "ytick.color": LIGHT.residual,
            "figure.figsize": (6.4, 3.2),
            "figure.dpi": 96,
            "figure.facecolor": "white",
            "image.cmap": "Blues",
        }
    )
