"""Pages of segments: the list, and the builder with its live count."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.contacts import builder, forms, queries, service
from webapp.contacts.models import Segment
from webapp.contacts.views.blueprint import pages
from webapp.http.forms import Errors, errors_of, kept_query, search_text
from webapp.http.guard import current_scope, requires
from webapp.http.pages import flash, load_form, redirect_to, render
from webapp.kernel.errors import DomainError, ValidationFailed
from webapp.kernel.permissions import Permission


@pages.get("/segments/")
@requires(Permission.SEGMENT_READ)
def segments() -> Response:
    """The tenant's segments."""
    page = queries.list_segments(current_scope().session, search=search_text(), cursor=request.args.get("cursor"))
    return render("contacts/segments.html", "contacts/_segments.html", page=page, kept=kept_query(), words=builder.in_words)


def _choices() -> dict[str, Any]:
    session = current_scope().session
    return {
        "lists": queries.list_choices(session),
        "tags": queries.tag_choices(session),
        "event_names": queries.event_names(session),
        "fields": builder.FIELDS,
        "operator_names": builder.OPERATORS,
        "operators_of": builder.operators_of_row,
    }


def _editor(draft: builder.Draft, data: dict[str, Any], errors: Errors, segment: Segment | None = None) -> Response:
    return render("contacts/segment.html", None, 422 if errors else 200, draft=draft, data=data, errors=errors, segment=segment, **_choices())


@pages.get("/segments/new")
@requires(Permission.SEGMENT_CREATE)
def new_segment() -> Response:
    """The builder with one empty condition."""
    return _editor(builder.Draft.empty(), {}, {})


@pages.get("/segments/<uuid:segment_id>")
@requires(Permission.SEGMENT_READ)
def one_segment(segment_id: UUID) -> Response:
    """The builder with a segment in it."""
    segment = queries.get_segment(current_scope().session, segment_id)
    return _editor(builder.Draft.of(segment.rules), {"name": segment.name, "description": segment.description}, {}, segment)


@pages.post("/segments/builder")
@requires(Permission.SEGMENT_READ)
def segment_builder() -> Response:
    """The rows again, after a field was chosen, a row added or taken out; and the count."""
    draft = builder.Draft.posted(request.form.to_dict(flat=False))
    return render("contacts/_builder.html", draft=draft, **_choices())


@pages.post("/segments/count")
@requires(Permission.SEGMENT_READ)
def segment_count() -> Response:
    """How many contacts the conditions on the screen choose."""
    try:
        count, wrong = service.preview_segment(current_scope(), builder.Draft.posted(request.form.to_dict(flat=False)).rules()), None
    except ValidationFailed as error:
        count, wrong = None, (error.problems[0].message if error.problems else error.message)
    return render("contacts/_count.html", count=count, wrong=wrong)


@pages.post("/segments/new")
@requires(Permission.SEGMENT_CREATE)
def create_segment() -> Response:
    """Save a new segment."""
    return _save(None)


@pages.post("/segments/<uuid:segment_id>")
@requires(Permission.SEGMENT_UPDATE)
def update_segment(segment_id: UUID) -> Response:
    """Save a changed segment."""
    return _save(queries.get_segment(current_scope().session, segment_id))


def _save(segment: Segment | None) -> Response:
    data, errors = load_form(forms.SegmentForm)
    draft = builder.Draft.posted(request.form.to_dict(flat=False))
    try:
        if not errors and segment is None:
            segment = service.create_segment(current_scope(), data["name"], draft.rules(), data["description"])
        elif not errors and segment is not None:
            service.update_segment(current_scope(), segment.id, {**data, "rules": draft.rules()})
    except DomainError as error:
        errors = errors_of(error)
    if errors or segment is None:
        return _editor(draft, data, errors, segment)
    flash("Saved.")
    return redirect_to("contacts.one_segment", segment_id=segment.id)


@pages.get("/segments/<uuid:segment_id>/contacts")
@requires(Permission.SEGMENT_READ)
def segment_contacts(segment_id: UUID) -> Response:
    """Who is in, for the page of a segment."""
    session = current_scope().session
    segment = queries.get_segment(session, segment_id)
    page = queries.list_in(session, segment.rules, limit=20, cursor=request.args.get("cursor"))
    tags = queries.tags_of(session, [c.id for c in page.items])
    return render("contacts/_segment_contacts.html", segment=segment, page=page, tags=tags, count=queries.count_in(session, segment.rules))


@pages.post("/segments/<uuid:segment_id>/delete")
@requires(Permission.SEGMENT_DELETE)
def delete_segment(segment_id: UUID) -> Response:
    """Delete a segment."""
    service.delete_segment(current_scope(), segment_id)
    flash("The segment is deleted. The contacts stay.")
    return redirect_to("contacts.segments")
