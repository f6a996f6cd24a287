"""The documentation's pages, and the document that other tools read."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, url_for

from webapp.documentation.errors import ERRORS
from webapp.documentation.guides import GUIDES
from webapp.documentation.openapi import Marks, complete
from webapp.http.api import Api
from webapp.http.guard import Access, public
from webapp.http.pages import page_blueprint, render
from webapp.kernel.errors import NotFound
from webapp.settings import get_settings

pages = page_blueprint("docs", "/docs")


def describe(app: Flask, api: Api) -> None:
    """Have the API's document completed when it is first asked for, with the marks of the routes."""

    def finish(document: dict[str, Any]) -> dict[str, Any]:
        return complete(document, _marks(app), get_settings().public_url.rstrip("/"))

    api.complete = finish  # type: ignore[method-assign]


def _marks(app: Flask) -> Marks:
    """Who may call each operation."""
    found: dict[tuple[str, str], Access] = {}
    for rule in app.url_map.iter_rules():
        path = "".join(f"{{{part}}}" if is_variable else part for is_variable, part in rule._trace).removeprefix("|")
        view = app.view_functions[rule.endpoint]
        of_class = getattr(view, "view_class", None)
        for method in rule.methods or ():
            marked = getattr(of_class, method.lower(), None) if of_class else view
            if (access := getattr(marked, "__access__", None)) is not None:
                found[method, path] = access
    return found


@pages.get("/")
@public
def index() -> Response:
    """All guides."""
    return render("docs/index.html", guides=GUIDES)


@pages.get("/errors")
@public
def error_codes() -> Response:
    """Every error code; `doc_url` of an error points here."""
    return render("docs/errors.html", rows=ERRORS, guides=GUIDES)


@pages.get("/api")
@public
def console() -> Response:
    """The API console."""
    return render("docs/api.html", document_url="/api/v1/openapi.json", guides=GUIDES)


@pages.get("/<slug>")
@public
def guide(slug: str) -> Response:
    """One guide."""
    found = next((g for g in GUIDES if g.slug == slug), None)
    if found is None:
        raise NotFound("page")
    settings = get_settings()
    base = url_for("docs.index", _external=True).removesuffix("/docs/")
    return render(f"docs/{slug}.html", guide=found, guides=GUIDES, base=base, settings=settings)
