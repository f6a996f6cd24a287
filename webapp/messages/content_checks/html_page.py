"""HTML as far as the checks need it: links, images, styles, text. Broken HTML is read as far as it goes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

#: No mail is longer; what is, is looked at so far.
_LONGEST = 1_000_000
_LONGEST_TEXT = 200


@dataclass(slots=True)
class HtmlPage:
    """``links``: address to text; ``images``: address to alternative text; ``styles``: all CSS, of style elements and attributes, in lower case."""

    links: dict[str, str] = field(default_factory=dict)
    images: dict[str, str | None] = field(default_factory=dict)
    unsized: int = 0
    tags: Counter[str] = field(default_factory=Counter)
    metas: dict[str, str] = field(default_factory=dict)
    sheets: list[str] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    external_sheets: int = 0

    @property
    def styles(self) -> str:
        """All CSS there is."""
        return "\n".join([*self.sheets, *self.inline]).lower()

    @property
    def text(self) -> str:
        """What a person reads, in one line."""
        return " ".join(" ".join(self.words).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = HtmlPage()
        self.link: str | None = None
        self.inside: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.page.tags[tag] += 1
        if style := found.get("style"):
            self.page.inline.append(style)
        if tag == "a" and "href" in found:
            self.link = found["href"].strip()
            self.page.links.setdefault(self.link, "")
        elif tag == "img":
            self._image(found, dict(attrs).get("alt"))
        elif tag == "meta":
            self.page.metas[found.get("name", "").lower()] = found.get("content", "").lower()
        elif tag == "link" and "stylesheet" in found.get("rel", "").lower():
            self.page.external_sheets += 1
        if tag in ("style", "script", "title"):
            self.inside = tag

    def _image(self, found: dict[str, str], alt: str | None) -> None:
        source = found.get("src", "").strip()
        self.page.images.setdefault(source, found.get("alt") if "alt" in found else alt)
        self.page.unsized += "width" not in found and "width" not in found.get("style", "")
        if self.link is not None and not self.page.links.get(self.link):
            self.page.links[self.link] = (found.get("alt") or "").strip()[:_LONGEST_TEXT]

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self.link = None
        if tag == self.inside:
            self.inside = None

    def handle_data(self, data: str) -> None:
        if self.inside == "style":
            self.page.sheets.append(data)
        if self.inside is not None:
            return
        self.page.words.append(data)
        if self.link is not None:
            self.page.links[self.link] = " ".join(f"{self.page.links[self.link]} {data}".split())[:_LONGEST_TEXT]


def read_page(html: str) -> HtmlPage:
    """The parts of ``html`` that the checks look at."""
    reader = _Reader()
    reader.feed(html[:_LONGEST])
    reader.close()
    return reader.page
