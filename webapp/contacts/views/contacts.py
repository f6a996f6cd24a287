"""Pages of contacts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.contacts import exports, forms, queries, service
from webapp.contacts.models import Contact
from webapp.contacts.queries import ContactFilter
from webapp.contacts.types import ContactStatus
from webapp.contacts.views.blueprint import pages
from webapp.http.csv_file import csv_file
from webapp.http.forms import Errors, choice, errors_of, kept_query, search_text
from webapp.http.guard import current_scope, requires
from webapp.http.pages import flash, load_form, redirect_to, render
from webapp.kernel.errors import DomainError
from webapp.kernel.ids import parse_uuid
from webapp.kernel.permissions import Permission


def _wanted() -> ContactFilter:
    return ContactFilter(search_text(), choice(ContactStatus, "status"), parse_uuid(request.args.get("list", "")), parse_uuid(request.args.get("tag", "")))


def _index(data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    session, wanted = current_scope().session, _wanted()
    page = queries.list_contacts(session, wanted, cursor=request.args.get("cursor"))
    return render(
        "contacts/index.html", None if errors else "contacts/_table.html", 422 if errors else 200, page=page, kept=kept_query(), data=data or {},
        errors=errors or {}, total=queries.count_contacts(session, wanted), tags=queries.tags_of(session, [c.id for c in page.items]),
        lists=queries.list_choices(session), tag_choices=queries.tag_choices(session),
    )  # fmt: skip


@pages.get("/contacts/")
@requires(Permission.CONTACT_READ)
def index() -> Response:
    """Everybody, or whom the filter finds."""
    return _index()


@pages.get("/contacts/export.csv")
@requires(Permission.CONTACT_READ)
def export() -> Response:
    """The filtered contacts as CSV."""
    return csv_file("contacts", exports.HEADER, exports.rows(current_scope().session, _wanted()))


@pages.post("/contacts/")
@requires(Permission.CONTACT_CREATE)
def create() -> Response:
    """Add a contact."""
    data, errors = load_form(forms.ContactForm)
    try:
        contact = service.create_contact(current_scope(), _input(data)) if not errors else None
    except DomainError as error:
        errors, contact = errors_of(error), None
    if contact is None:
        return _index(data, errors)
    flash(f"{contact.email} was added.")
    return redirect_to("contacts.show", contact_id=contact.id)


def _input(data: dict[str, Any]) -> service.ContactInput:
    named = {name: data[name] for name in ("email", "first_name", "last_name", "language", "time_zone", "consent_source")}
    return service.ContactInput(**named, metadata=data["own_fields"] or {})


def _show(contact: Contact, data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    session = current_scope().session
    memberships, tags = queries.lists_of(session, contact.id), queries.tags_of(session, [contact.id]).get(contact.id, [])
    taken = {one.id for one, _ in memberships} | {tag.id for tag in tags}
    lines = "\n".join(f"{key}: {value}" for key, value in sorted(contact.meta.items()))
    return render(
        "contacts/show.html", None, 422 if errors else 200, contact=contact, data=data or {"own_fields": lines}, errors=errors or {},
        memberships=memberships, tags=tags, events=queries.list_events(session, contact.id, limit=30).items, statuses=list(ContactStatus),
        other_lists=[choice for choice in queries.list_choices(session) if choice[0] not in taken],
        other_tags=[choice for choice in queries.tag_choices(session) if choice[0] not in taken],
    )  # fmt: skip


@pages.get("/contacts/<uuid:contact_id>")
@requires(Permission.CONTACT_READ)
def show(contact_id: UUID) -> Response:
    """One contact: what is known, its lists and tags, what it did."""
    return _show(queries.get_contact(current_scope().session, contact_id))


@pages.post("/contacts/<uuid:contact_id>")
@requires(Permission.CONTACT_UPDATE)
def update(contact_id: UUID) -> Response:
    """Change what is known."""
    contact = queries.get_contact(current_scope().session, contact_id)
    data, errors = load_form(forms.ContactForm)
    try:
        if not errors:
            service.update_contact(current_scope(), contact_id, _changes(contact, data))
    except DomainError as error:
        errors = errors_of(error)
    if errors:
        return _show(contact, data, errors)
    flash("Saved.")
    return redirect_to("contacts.show", contact_id=contact_id)


def _changes(contact: Contact, data: dict[str, Any]) -> dict[str, Any]:
    """The form shows every own field, so one that is missing was taken out; one that reads the same keeps its type."""
    shown = data.pop("own_fields") or {}
    own = {key: (contact.meta[key] if str(contact.meta.get(key)) == text else text) for key, text in shown.items()}
    gone = {key: None for key in contact.meta if key not in own}
    return {**data, "status": data["status"] or contact.status, "metadata": {**gone, **own}}


@pages.post("/contacts/<uuid:contact_id>/delete")
@requires(Permission.CONTACT_DELETE)
def delete(contact_id: UUID) -> Response:
    """Delete a contact."""
    service.delete_contact(current_scope(), contact_id)
    flash("The contact is deleted. Suppressions of the address stay.")
    return redirect_to("contacts.index")


@pages.post("/contacts/<uuid:contact_id>/lists")
@requires(Permission.LIST_UPDATE)
def join(contact_id: UUID) -> Response:
    """Put a contact on a list."""
    data, errors = load_form(forms.PickForm)
    scope = current_scope()
    if not errors and data["list_id"]:
        service.add_to_list(scope, data["list_id"], [queries.get_contact(scope.session, contact_id).id], "dashboard")
    return redirect_to("contacts.show", contact_id=contact_id)


@pages.post("/contacts/<uuid:contact_id>/lists/<uuid:list_id>/leave")
@requires(Permission.LIST_UPDATE)
def leave(contact_id: UUID, list_id: UUID) -> Response:
    """Note that the person left a list."""
    service.leave_list(current_scope(), list_id, contact_id)
    return redirect_to("contacts.show", contact_id=contact_id)


@pages.post("/contacts/<uuid:contact_id>/tags")
@requires(Permission.CONTACT_UPDATE)
def tag(contact_id: UUID) -> Response:
    """Give a contact a tag."""
    data, errors = load_form(forms.PickForm)
    scope = current_scope()
    if not errors and data["tag_id"]:
        service.tag_contacts(scope, data["tag_id"], [queries.get_contact(scope.session, contact_id).id])
    return redirect_to("contacts.show", contact_id=contact_id)


@pages.post("/contacts/<uuid:contact_id>/tags/<uuid:tag_id>/remove")
@requires(Permission.CONTACT_UPDATE)
def untag(contact_id: UUID, tag_id: UUID) -> Response:
    """Take a tag off a contact."""
    service.untag_contact(current_scope(), tag_id, contact_id)
    return redirect_to("contacts.show", contact_id=contact_id)
