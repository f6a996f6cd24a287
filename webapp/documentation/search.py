"""Search over guides, error codes and operations: in memory, made once, small enough to go through at each question."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape

from webapp.documentation.anchors import anchor_of, plain

_SPLIT = re.compile(r"<h2[^>]*>(.*?)</h2>", re.S)
_WORD = re.compile(r"[a-z0-9_./@-]+")
_MOST, _AROUND = 20, 70


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that can be found. ``kind``: Guide, Error or API."""

    kind: str
    title: str
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """A hit with a piece of its text around the first word, marked."""

    entry: Entry
    excerpt: Markup


def entries_of(title: str, url: str, article: str) -> Iterable[Entry]:
    """A guide as one entry a heading. ``article``: its HTML."""
    parts = _SPLIT.split(article)
    yield Entry("Guide", title, url, plain(parts[0]))
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        name = plain(heading)
        yield Entry("Guide", f"{title}: {name}", f"{url}#{anchor_of(name)}", plain(body))


def find(entries: Iterable[Entry], question: str) -> list[Found]:
    """Entries that hold every word, those with the words in their title first."""
    words = _WORD.findall(question.lower())[:8]
    if not words:
        return []
    scored = []
    for number, entry in enumerate(entries):
        title, text = entry.title.lower(), entry.text.lower()
        if all(word in title or word in text for word in words):
            score = sum(10 * (word in title) + min(text.count(word), 5) for word in words)
            scored.append((-score, number, entry))
    return [Found(entry, _excerpt(entry.text, words)) for _, _, entry in sorted(scored)[:_MOST]]


def _excerpt(text: str, words: list[str]) -> Markup:
    lower = text.lower()
    at = min((place for word in words if (place := lower.find(word)) >= 0), default=0)
    start, end = max(0, at - _AROUND), at + 2 * _AROUND
    piece = ("… " if start else "") + text[start:end].strip() + (" …" if end < len(text) else "")
    pattern = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)), re.I)
    marked, last = Markup(""), 0
    for hit in pattern.finditer(piece):
        marked += escape(piece[last : hit.start()]) + Markup("<mark>") + escape(hit[0]) + Markup("</mark>")
        last = hit.end()
    return marked + escape(piece[last:])
