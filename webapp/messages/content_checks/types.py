"""The findings as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """How much a finding matters."""

    GOOD = "good"
    NOTE = "note"
    WARN = "warn"


class Topic(StrEnum):
    """Under which heading a finding stands."""

    CONTENT = "Content"
    LINKS = "Links"
    IMAGES = "Images"
    FILTERS = "Spam filters"
    DARK = "Dark mode"
    PROGRAMS = "Mail programs"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what it is, and in ``text`` what to do."""

    tone: Tone
    title: str
    text: str
    topic: Topic = Topic.CONTENT


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the mail: where it leads, its text, and what is wrong with it, if anything."""

    href: str
    text: str
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """An image of the mail. ``alt`` is None when the attribute is missing, empty for decoration."""

    src: str
    alt: str | None
    remark: str | None = None

    @property
    def is_remote(self) -> bool:
        """Whether showing it asks another host."""
        return self.src.lower().startswith(("http:", "https:", "//"))


@dataclass(frozen=True, slots=True)
class Look:
    """Links and images in the order of the mail, each once; the findings, those that matter most first; ``html_bytes`` of the HTML part."""

    links: tuple[Link, ...]
    images: tuple[Image, ...]
    checks: tuple[Check, ...]
    html_bytes: int

    @property
    def warnings(self) -> int:
        """How many findings ask for something to be done."""
        return sum(check.tone is Tone.WARN for check in self.checks)
