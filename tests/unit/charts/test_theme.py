"""One palette: what the Streamlit theme says is what `charts.theme` says."""

import tomllib
from pathlib import Path

import pytest

from llmlab.charts import theme

CONFIG = tomllib.loads((Path(__file__).parents[3] / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_the_apps_theme_has_our_colours(appearance):
    palette, chosen = theme.PALETTE[appearance], CONFIG["theme"][appearance]
    assert chosen["backgroundColor"] == palette.background
    assert chosen["secondaryBackgroundColor"] == palette.surface
    assert chosen["textColor"] == palette.text
    assert chosen["borderColor"] == palette.border
    assert chosen["primaryColor"] == palette.accent
    assert chosen["chartCategoricalColors"] == theme.categories(appearance)


def test_the_server_stays_on_this_machine():
    assert CONFIG["server"]["address"] == "127.0.0.1"
    assert CONFIG["server"]["enableXsrfProtection"] is True
    assert set(CONFIG["server"]["allowedHosts"]) == {"127.0.0.1", "localhost"}
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert CONFIG["server"]["showEmailPrompt"] is False


def _luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_colours_stand_out_from_the_paper(appearance):
    palette = theme.PALETTE[appearance]
    paper = _luminance(palette.background)
    for name, least in (("text", 7), ("accent", 4.5), ("key", 3), ("value", 3), ("prediction", 3), ("residual", 3)):
        high, low = sorted((_luminance(getattr(palette, name)), paper), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= least, name


def test_the_template_is_registered_by_name():
    import plotly.io as pio

    made = theme.template("dark")
    assert pio.templates["llmlab_dark"] == made
    assert made.layout.font.color == theme.DARK.text
