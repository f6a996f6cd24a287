"""What a look at a mail's content tells before it is sent to anybody: its links, and what filters or readers may stumble over."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser

from webapp.messages.rendered import Rendered

#: Gmail cuts HTML longer than this many bytes and hides the rest behind a link, the unsubscribe link with it.
_CLIPPED = 102_000
_LONG_SUBJECT = 70


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. ``tone``: good or warn; ``text`` says what to do."""

    tone: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Look:
    """``links``: (address, text) in the order of the mail, each once."""

    links: tuple[tuple[str, str], ...]
    checks: tuple[Check, ...]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: dict[str, str] = {}
        self.open: str | None = None
        self.nameless = self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "a" and found.get("href"):
            self.open = str(found["href"])
            self.links.setdefault(self.open, "")
        elif tag == "img" and found.get("alt") is None:
            self.nameless += 1
        elif tag in ("script", "form", "iframe"):
            self.scripts += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self.open = None

    def handle_data(self, data: str) -> None:
        if self.open is not None:
            self.links[self.open] = " ".join(f"{self.links[self.open]} {data}".split())[:200]


def look_at(rendered: Rendered, subject: str) -> Look:
    """Links and findings of a message; broken HTML is read as far as it goes."""
    reader = _Reader()
    reader.feed((rendered.html or "")[:1_000_000])
    reader.close()
    found = [
        (not rendered.text, "No text part", "Add one: some readers show only text, and some filters count its absence."),
        (not subject.strip(), "No subject", "Write one; mail without is often taken for spam."),
        (len(subject) > _LONG_SUBJECT, "Long subject", f"It has {len(subject)} characters; phones show the first 30 to 70."),
        (len((rendered.html or "").encode()) > _CLIPPED, "HTML is cut in Gmail", "It is longer than 102 kB; what comes after is hidden behind a link."),
        (reader.nameless, "Images without alt text", f"{reader.nameless} of them say nothing while images are off. Add alt, empty for decoration."),
        (reader.scripts, "Scripts, forms or frames", "Mail programs take them out. Link to a page instead."),
        (any(href.startswith("http://") for href in reader.links), "Links without encryption", "Use https:// for every link."),
        (any(href.strip() in ("", "#") for href in reader.links), "Links that lead nowhere", "An address is still missing."),
        (any("{{" in part for part in (rendered.html or "", rendered.text or "", subject)), "A variable is left", "Something in {{ }} was not filled in."),
    ]
    checks = [Check("warn", title, text) for wrong, title, text in found if wrong]
    return Look(tuple(reader.links.items()), tuple(checks) or (Check("good", "Nothing found", "Text and HTML are there, and links and images look right."),))
