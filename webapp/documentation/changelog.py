"""The changelog of the product, out of one file for people: docs/changelog.md. Its few forms: ``## version, date``, ``- line``, `` `code` ``, **bold**."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from webapp.settings import ROOT

_FILE = ROOT / "docs" / "changelog.md"


@dataclass(frozen=True, slots=True)
class Release:
    """What changed at one time."""

    title: str
    lines: tuple[Markup, ...]


@functools.cache
def releases() -> tuple[Release, ...]:
    """The newest first; none where the file was not shipped."""
    text = _FILE.read_text() if _FILE.exists() else ""
    found = []
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        title, _, body = part.partition("\n")
        items = re.split(r"^- ", body, flags=re.M)[1:]
        found.append(Release(title.strip(), tuple(line(" ".join(item.split())) for item in items)))
    return tuple(found)


def line(text: str) -> Markup:
    """One line of Markdown as far as we use it."""
    safe = str(escape(text))
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", safe)
    return Markup(re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", safe))
