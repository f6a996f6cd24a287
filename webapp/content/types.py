"""Values of content that other slices use."""

from __future__ import annotations

from dataclasses import dataclass

#: Characters of one part of a template.
MAX_SOURCE = 512 * 1024


@dataclass(frozen=True, slots=True)
class RenderedTemplate:
    """A template with its variables filled in. ``html`` and ``text`` None: the template has no such part."""

    subject: str
    html: str | None
    text: str | None
