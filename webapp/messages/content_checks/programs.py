"""Which widespread mail programs do not show what a mail uses.

Source of the facts: caniemail.com's tables for Outlook (Windows, the Word engine), Gmail and Apple Mail, as of 2026.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from webapp.messages.content_checks.html_page import HtmlPage
from webapp.messages.content_checks.types import Check, Tone, Topic

#: (pattern in the CSS, what it is, who does not show it, what to do)
_CSS = (
    (r"display\s*:\s*(?:inline-)?flex", "Flexbox", "Outlook on Windows", "Lay out with tables, or let the parts stand one under the other."),
    (r"display\s*:\s*(?:inline-)?grid", "CSS grid", "Outlook on Windows and Gmail on some phones", "Lay out with tables."),
    (r"position\s*:\s*(?:absolute|fixed|sticky)", "Positioned elements", "Gmail and Outlook", "They fall back into the flow: check that they read well there."),
    (r"background(?:-image)?\s*:[^;}]*url\(", "Background images", "Outlook on Windows", "Set a background colour too, on which the text can be read."),
    (r"@font-face|@import[^;]*fonts", "Web fonts", "Gmail and Outlook", "Name a common font after yours."),
    (r"var\(\s*--", "CSS variables", "Gmail and Outlook", "Write the values out."),
    (r"@keyframes|animation\s*:", "Animations", "Gmail and Outlook", "What matters must stand in the first picture."),
    (r"border-radius\s*:", "Rounded corners", "Outlook on Windows", "Corners are square there, and nothing else changes."),
)
_TAGS = (
    ("video", "Video", "most programs", "Show a still picture that links to the video."),
    ("svg", "SVG inside the HTML", "Gmail and Outlook", "Use a PNG image."),
    ("audio", "Audio", "most programs", "Link to it."),
    ("picture", "Picture sources", "Outlook on Windows", "The img inside it is what is shown there."),
)
_NEEDLESS = frozenset(("Rounded corners", "Web fonts", "Picture sources"))
#: Gmail drops a whole style element that is longer.
_LONGEST_SHEET = 8_192


def look_at_support(page: HtmlPage) -> Iterator[Check]:
    """What some of the recipients' programs leave out."""
    styles = page.styles
    used = [(name, who, what) for pattern, name, who, what in _CSS if re.search(pattern, styles)]
    used += [(name, who, what) for tag, name, who, what in _TAGS if page.tags[tag]]
    for name, who, what in used:
        yield Check(Tone.NOTE if name in _NEEDLESS else Tone.WARN, f"{name}: not in {who}", what, Topic.PROGRAMS)
    if page.external_sheets:
        yield Check(Tone.WARN, "A style sheet from elsewhere", "No mail program loads it. Put the styles into the mail.", Topic.PROGRAMS)
    if any(len(sheet) > _LONGEST_SHEET for sheet in page.sheets):
        what = "Gmail drops those of more than 8 kB whole. Split it, or put styles on elements."
        yield Check(Tone.WARN, "A style element is too long for Gmail", what, Topic.PROGRAMS)
    if page.sheets and not page.inline:
        what = "Some programs drop it when mail is forwarded; styles on elements stay."
        yield Check(Tone.NOTE, "All styles stand in a style element", what, Topic.PROGRAMS)


def look_at_darkness(page: HtmlPage) -> Iterator[Check]:
    """Whether the mail is ready for readers in dark mode."""
    styles = page.styles
    has_own = "prefers-color-scheme" in styles
    declared = "color-scheme" in page.metas or re.search(r"(?<!prefers-)color-scheme\s*:", styles)
    text = re.search(r"(?<![-\w])color\s*:\s*(?:#000(?:000)?\b|black\b|#[0-3][0-9a-f][0-3][0-9a-f][0-3][0-9a-f]\b)", styles)
    back = re.search(r"background(?:-color)?\s*:", styles)
    if has_own and not declared:
        what = 'Add <meta name="color-scheme" content="light dark">, else Apple Mail may not use them.'
        yield Check(Tone.NOTE, "Dark colours are there but not announced", what, Topic.DARK)
    if text and not back and not has_own:
        what = "Programs in dark mode put a dark page under it. Set both colours, or neither."
        yield Check(Tone.WARN, "Dark text without a background", what, Topic.DARK)
