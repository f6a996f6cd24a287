"""Headings of a rendered page: addresses for them, and the list of what is on the page."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

_HEADING = re.compile(r"<h2(?P<attributes>[^>]*)>(?P<inner>.*?)</h2>", re.S)
_TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True, slots=True)
class Heading:
    """``text`` as plain text, ``anchor`` without the #."""

    anchor: str
    text: str


def plain(markup: str) -> str:
    """The words of a piece of HTML."""
    return " ".join(html.unescape(_TAG.sub(" ", markup)).split())


def anchor_of(text: str) -> str:
    """A heading as an address."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def with_anchors(page: str) -> tuple[str, list[Heading]]:
    """The page with an id on every heading of the second level that has none, and those headings."""
    found: list[Heading] = []

    def mark(hit: re.Match[str]) -> str:
        text = plain(hit["inner"])
        if "id=" in hit["attributes"]:
            return hit[0]
        found.append(Heading(anchor_of(text), text))
        return f'<h2 id="{found[-1].anchor}"{hit["attributes"]}>{hit["inner"]}</h2>'

    return _HEADING.sub(mark, page), found
