"""Every pair of text and ground in the design tokens reads at 4.5:1 or better, in both themes (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).resolve().parents[2] / "webapp/static/css/src/tokens.css"
GROUNDS = ("page", "surface", "sunken", "hover")
STATES = ("good", "warn", "bad", "note", "quiet")

TEXT_PAIRS = [
    *((text, ground) for text in ("text", "text-muted", "text-faint", "accent-text") for ground in GROUNDS),
    *((text, ground) for text in STATES for ground in (*GROUNDS, f"{text}-soft")),
    *(("text", f"{state}-soft") for state in STATES),
    *((text, "selected") for text in ("text", "text-muted", "accent-text")),
    ("accent-text", "accent-soft"),
    ("text", "accent-soft"),
    ("text-muted", "accent-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("on-bad", "bad-solid"),
    ("on-bad", "bad-solid-hover"),
    ("bad", "code-ground"),
    *((f"code{part}", "code-ground") for part in ("", "-comment", "-keyword", "-string", "-number", "-name", "-variable")),
]
# Things that are seen and not read: borders of small controls, focus rings, chart series (WCAG 1.4.11: 3:1).
SHAPE_PAIRS = [
    ("focus", "surface"),
    ("focus", "page"),
    ("line-control", "surface"),
    *((f"chart-{n}", "surface") for n in (1, 3, 4, 5)),
]

Rgb = tuple[float, float, float]


def to_linear_rgb(lightness: float, chroma: float, hue: float) -> Rgb:
    """Return linear sRGB of an OKLCH colour (Ottosson's matrices), cut off to the gamut as a screen does."""
    a = chroma * math.cos(math.radians(hue))
    b = chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short
    return (min(max(red, 0.0), 1.0), min(max(green, 0.0), 1.0), min(max(blue, 0.0), 1.0))


def contrast(first: Rgb, second: Rgb) -> float:
    """Return the WCAG contrast ratio (1 to 21) of two linear sRGB colours."""
    one, two = (0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (first, second))
    return (max(one, two) + 0.05) / (min(one, two) + 0.05)


def read_tokens(css: str) -> dict[str, Rgb]:
    """Return the opaque OKLCH colours declared in a piece of CSS by token name."""
    found = re.findall(r"--([\w-]+): oklch\(([\d.]+) ([\d.]+) ?([\d.]*)\);", css)
    return {name: to_linear_rgb(float(lt), float(ch), float(hue or 0)) for name, lt, ch, hue in found}


def load_theme(theme: str) -> dict[str, Rgb]:
    """Return the colours in force in `light` or `dark`."""
    light_css, dark_css = TOKENS.read_text().split(':root[data-theme="dark"]')
    colours = read_tokens(light_css)
    return colours if theme == "light" else colours | read_tokens(dark_css)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_pair_reaches_four_and_a_half(theme: str) -> None:
    colours = load_theme(theme)
    ratios = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in TEXT_PAIRS}
    assert {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_shape_reaches_three(theme: str) -> None:
    colours = load_theme(theme)
    ratios = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in SHAPE_PAIRS}
    assert {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < 3} == {}


def test_black_on_white_is_twenty_one() -> None:
    assert round(contrast(to_linear_rgb(1, 0, 0), to_linear_rgb(0, 0, 0)), 1) == 21.0


def test_dark_theme_overrides_every_colour_of_the_light_one() -> None:
    light_css, dark_css = TOKENS.read_text().split(':root[data-theme="dark"]')
    assert set(read_tokens(light_css)) == set(read_tokens(dark_css))
