"""Pages of tags."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.contacts import forms, queries, service
from webapp.contacts.views.blueprint import pages
from webapp.http.forms import Errors, errors_of, kept_query, search_text
from webapp.http.guard import current_scope, requires
from webapp.http.pages import flash, load_form, redirect_to, render
from webapp.kernel.errors import DomainError
from webapp.kernel.permissions import Permission


def _index(data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    session = current_scope().session
    page = queries.list_tags(session, search=search_text(), cursor=request.args.get("cursor"))
    counts = queries.tag_counts(session, [tag.id for tag in page.items])
    fragment = None if errors else "contacts/_tags.html"
    return render("contacts/tags.html", fragment, 422 if errors else 200, page=page, kept=kept_query(), counts=counts, data=data or {}, errors=errors or {})


@pages.get("/tags/")
@requires(Permission.TAG_READ)
def tags() -> Response:
    """The tenant's tags."""
    return _index()


@pages.post("/tags/")
@requires(Permission.TAG_CREATE)
def create_tag() -> Response:
    """Add a tag."""
    data, errors = load_form(forms.TagForm)
    try:
        tag = service.create_tag(current_scope(), data["name"], data["color"]) if not errors else None
    except DomainError as error:
        errors, tag = errors_of(error), None
    if tag is None:
        return _index(data, errors)
    flash(f"The tag {tag.name} was added.")
    return redirect_to("contacts.tags")


@pages.post("/tags/<uuid:tag_id>/delete")
@requires(Permission.TAG_DELETE)
def delete_tag(tag_id: UUID) -> Response:
    """Delete a tag."""
    service.delete_tag(current_scope(), tag_id)
    flash("The tag is deleted. The contacts stay.")
    return redirect_to("contacts.tags")
