"""The documentation's pages, and the documents that other tools read."""

from __future__ import annotations

import functools
from typing import Any

from flask import Flask, Response, current_app, jsonify, render_template, request, url_for
from markupsafe import Markup

from webapp.documentation import changelog, postman, reference, search
from webapp.documentation.anchors import with_anchors
from webapp.documentation.errors import ERRORS
from webapp.documentation.guides import GUIDES, Guide, sections
from webapp.documentation.openapi import Marks, complete
from webapp.http.api import Api, document_of
from webapp.http.guard import Access, public
from webapp.http.pages import page_blueprint, render
from webapp.kernel.errors import NotFound
from webapp.settings import get_settings

pages = page_blueprint("docs")


def describe(app: Flask, api: Api) -> None:
    """Have the API's document completed when it is first asked for, with the marks of the routes."""

    def finish(document: dict[str, Any]) -> dict[str, Any]:
        return complete(document, _marks(app), _base())

    api.complete = finish


def _base() -> str:
    return get_settings().public_url.rstrip("/")


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


def _page(template: str, **context: Any) -> Response:
    """A page with the menu; its headings get addresses, and stand in a list beside it when there are several."""
    groups = _groups(current_app._get_current_object())  # type: ignore[attr-defined]
    response = render(template, sections=sections(), groups=groups, base=_base(), settings=get_settings(), **context)
    text, headings = with_anchors(response.get_data(as_text=True))
    links = render_template("docs/_headings.html", headings=headings if len(headings) > 2 else [])
    response.set_data(text.replace("<!-- headings -->", links))
    return response


@functools.cache
def _groups(app: Flask) -> list[reference.Group]:
    return reference.groups(document_of(app))


@functools.cache
def _entries(app: Flask, tag: str) -> list[reference.Entry]:
    return reference.entries(document_of(app), tag, _base())


@functools.cache
def _everything(app: Flask) -> tuple[search.Entry, ...]:
    """What search goes through."""
    found: list[search.Entry] = []
    for guide in GUIDES:
        article = render_template(f"docs/{guide.slug}.html", guide=guide, only_article=True, base=_base(), settings=get_settings())
        article = article.partition("<article")[2].partition(">")[2].partition("</article>")[0]
        found += search.entries_of(guide.title, url_for("docs.guide", slug=guide.slug), f"<p>{guide.lead}</p>{article}")
    for code in ERRORS:
        text = " ".join([str(code.status), code.meaning, code.todo, *code.causes])
        found.append(search.Entry("Error", code.code, url_for("docs.error_codes", _anchor=code.code), text))
    for group in _groups(app):
        for entry in _entries(app, group.slug):
            words = " ".join([entry.method, entry.path, *entry.description, *(field.name for field in (*entry.parameters, *entry.body))])
            found.append(search.Entry("API", entry.summary, url_for("docs.operations_of", tag=group.slug, _anchor=entry.name), words))
    return tuple(found)


@pages.get("/docs/")
@public
def index() -> Response:
    """All guides."""
    return _page("docs/index.html")


@pages.get("/docs/search")
@public
def find() -> Response:
    """Pages that hold all words of ``q``."""
    question = request.args.get("q", "")[:200].strip()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    return _page("docs/search.html", question=question, found=search.find(_everything(app), question) if question else [])


@pages.get("/docs/errors")
@public
def error_codes() -> Response:
    """Every error code; `doc_url` of an error points here."""
    return _page("docs/errors.html", rows=ERRORS)


@pages.get("/docs/changelog")
@public
def changes() -> Response:
    """What changed."""
    return _page("docs/changelog.html", releases=changelog.releases())


@pages.get("/docs/reference")
@public
def reference_index() -> Response:
    """Every operation in one list."""
    return _page("docs/reference.html")


@pages.get("/docs/reference/<tag>")
@public
def operations_of(tag: str) -> Response:
    """The operations of one tag in full."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    group = next((group for group in _groups(app) if group.slug == tag), None)
    if group is None:
        raise NotFound("page")
    return _page("docs/operations.html", group=group, entries=_entries(app, tag))


@pages.get("/docs/api")
@public
def console() -> Response:
    """The API console, which is loaded when it is asked for."""
    return _page("docs/api.html", document_url="/api/v1/openapi.json")


@pages.get("/docs/<slug>")
@public
def guide(slug: str) -> Response:
    """One guide."""
    found: Guide | None = next((g for g in GUIDES if g.slug == slug), None)
    if found is None:
        raise NotFound("page")
    return _page(f"docs/{slug}.html", guide=found)


@pages.get("/api/v1/postman.json")
@public
def postman_collection() -> Response:
    """The collection, made of the OpenAPI document."""
    response = jsonify(postman.collection(document_of(current_app._get_current_object())))  # type: ignore[attr-defined]
    response.headers["Cache-Control"] = "no-cache"
    return response


@pages.app_template_filter("words")
def words(text: str) -> Markup:
    """Text of the document: `code` between backticks, **bold**, paragraphs."""
    return changelog.line(text)
