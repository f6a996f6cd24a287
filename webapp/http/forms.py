"""What form pages share: refusals as errors of fields, and what a list's address asks for."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

from flask import current_app, request, url_for

from webapp.kernel.errors import DomainError

Errors = dict[str, list[str]]
Choice = TypeVar("Choice", bound=StrEnum)
_LONGEST_SEARCH = 200


def errors_of(error: DomainError) -> Errors:
    """A refusal of a service by the field it names; ``_`` for the whole form."""
    found: Errors = {}
    for param, message in [(p.param, p.message) for p in error.problems] or [(error.param, error.message)]:
        found.setdefault((param or "_").partition("[")[0].partition(".")[0], []).append(message)
    return found


def search_text() -> str | None:
    """What was typed into the list's search box, without what no database takes."""
    return "".join(c for c in request.args.get("q", "") if c.isprintable()).strip()[:_LONGEST_SEARCH] or None


def kept_query() -> dict[str, str]:
    """The list's filter as it stands in the address, without the cursor: for links to other pages of the same list."""
    return {name: value for name, value in request.args.items() if name != "cursor" and value}


def find_url(endpoint: str, **values: Any) -> str | None:
    """The address of another slice's view, None when that view does not exist: pages are put together by address, not by import."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else None


def choice(kind: type[Choice], name: str) -> Choice | None:
    """The filter ``name`` of the list as a member of an enum; None when it is absent or no member."""
    try:
        return kind(request.args.get(name, ""))
    except ValueError:
        return None
