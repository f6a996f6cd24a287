"""Template sends: the content slice renders, accept keeps the result, so that a later change of the template changes no accepted message."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.content.service import render_source
from webapp.kernel.errors import NotFound
from webapp.messages.service.checks import check_size, named
from webapp.messages.service.units import Draft, content_size


@dataclass(frozen=True, slots=True)
class Source:
    """An active template as stored."""

    slug: str
    subject: str
    html: str | None
    text: str | None


def fill(draft: Draft, source: Source | None) -> None:
    """Put the rendered template into the draft; a subject of the request's own wins. Raises ``NotFound`` and ``ValidationFailed``."""
    if source is None:
        raise named(NotFound("active template with this slug"), "template")
    rendered = render_source(source.subject, source.html, source.text, draft.submission.variables)
    draft.subject = draft.submission.subject or rendered.subject
    draft.html, draft.text = rendered.html, rendered.text
    draft.size = content_size(draft)
    check_size(draft.size)
