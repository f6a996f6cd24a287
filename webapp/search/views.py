"""The search page, and its results alone for the palette that opens with `/`."""

from __future__ import annotations

from typing import Any

from flask import Response

from webapp.http.forms import search_text
from webapp.http.guard import current_scope, requires
from webapp.http.pages import page_blueprint, render
from webapp.kernel.permissions import Permission
from webapp.search.queries import search

pages = page_blueprint("search", "/search")


def _found() -> dict[str, Any]:
    words = search_text() or ""
    return {"words": words, "groups": search(current_scope(), words)}


@pages.get("/")
@requires(Permission.ANALYTICS_READ)
def index() -> Response:
    """Search without scripts, and for links to a search."""
    return render("search/index.html", "search/_results.html", **_found())


@pages.get("/results")
@requires(Permission.ANALYTICS_READ)
def results() -> Response:
    """What the palette shows while somebody types."""
    return render("search/_results.html", **_found())
