"""The palette, defined once: the Streamlit theme, the plotly templates, the widgets and the notebooks all use it.

Query, key and value keep the same hues everywhere; categories are those of Okabe and Ito (2008), safe for
colour-blind eyes. The dark shades are lighter versions of the same hues.
"""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, kw_only=True)
class Palette:
    """The colours of one appearance, as `#RRGGBB`."""

    background: str
    """The paper."""
    surface: str
    """Panels on the paper."""
    text: str
    """The ink."""
    border: str
    """Hairlines."""
    accent: str
    """The one accent: what can be acted on."""
    query: str
    """Queries."""
    key: str
    """Keys."""
    value: str
    """Values."""
    prediction: str
    """What the model predicts."""
    residual: str
    """The residual stream, reference lines and everything in the background."""


LIGHT = Palette(
    background="#FCFBF8",
    surface="#F3F1EB",
    text="#1D2126",
    border="#DDD9CF",
    accent="#0072B2",
    query="#0072B2",
    key="#D55E00",
    value="#009E73",
    prediction="#7B5EA7",
    residual="#7A7F87",
)
DARK = Palette(
    background="#15181D",
    surface="#1F242B",
    text="#E6E3DB",
    border="#363C45",
    accent="#3A9AD9",
    query="#3A9AD9",
    key="#E8813A",
    value="#2DB58A",
    prediction="#A48BCB",
    residual="#8C929B",
)
PALETTE = {"light": LIGHT, "dark": DARK}

FONT = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'PingFang SC', 'Hiragino Sans GB', "
    "'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif"
)


def categories(appearance: str = "light") -> list[str]:
    """Seven colours for categories, in order of use."""
    palette = PALETTE[appearance]
    return [palette.query, palette.key, palette.value, palette.prediction, "#E69F00", "#56B4E9", "#CC79A7"]


def css_variables() -> str:
    """CSS declarations `--llm-query: light-dark(#0072B2, #3A9AD9); …` for the widgets."""
    return " ".join(
        f"--llm-{field.name}: light-dark({getattr(LIGHT, field.name)}, {getattr(DARK, field.name)});"
        for field in fields(Palette)
    )


def template(appearance: str = "light") -> "go.layout.Template":
    """The plotly template of one appearance; also registered as `llmlab_light` or `llmlab_dark`."""
    import plotly.graph_objects as go
    import plotly.io as pio

    palette = PALETTE[appearance]
    axis: dict[str, Any] = {
        "gridcolor": palette.border,
        "linecolor": palette.border,
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": palette.border,
        "title": {"standoff": 8},
    }
    made = go.layout.Template(
        layout={
            "colorway": categories(appearance),
            "font": {"family": FONT, "color": palette.text, "size": 13},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "title": {"x": 0, "xanchor": "left", "font": {"size": 15}},
            "xaxis": axis,
            "yaxis": axis,
            "margin": {"l": 56, "r": 16, "t": 44, "b": 48},
            "colorscale": {
                "sequential": [[0, palette.surface], [1, palette.accent]],
                "diverging": [[0, palette.query], [0.5, palette.background], [1, palette.key]],
            },
            "hoverlabel": {"bgcolor": palette.surface, "font": {"color": palette.text}},
            "legend": {"orientation": "h", "y": 1.08, "x": 0},
        }
    )
    pio.templates[f"llmlab_{appearance}"] = made
    return made
