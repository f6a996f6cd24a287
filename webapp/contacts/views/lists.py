"""Pages of lists."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.contacts import exports, forms, queries, service
from webapp.contacts.queries import ContactFilter
from webapp.contacts.service.lists import ListInput, ask_again, join_list
from webapp.contacts.types import MemberState
from webapp.contacts.views.blueprint import pages
from webapp.http.csv_file import csv_file
from webapp.http.forms import Errors, choice, errors_of, kept_query, search_text
from webapp.http.guard import current_scope, requires
from webapp.http.pages import flash, load_form, redirect_to, render
from webapp.kernel.errors import DomainError
from webapp.kernel.permissions import Permission


def _index(data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    session = current_scope().session
    page = queries.list_lists(session, search=search_text(), cursor=request.args.get("cursor"))
    counts = queries.member_counts(session, [one.id for one in page.items])
    fragment = None if errors else "contacts/_lists.html"
    return render("contacts/lists.html", fragment, 422 if errors else 200, page=page, kept=kept_query(), counts=counts, data=data or {}, errors=errors or {})


@pages.get("/lists/")
@requires(Permission.LIST_READ)
def lists() -> Response:
    """The tenant's lists."""
    return _index()


@pages.post("/lists/")
@requires(Permission.LIST_CREATE)
def create_list() -> Response:
    """Add a list."""
    data, errors = load_form(forms.ListForm)
    try:
        made = service.create_list(current_scope(), ListInput(**data)) if not errors else None
    except DomainError as error:
        errors, made = errors_of(error), None
    return _index(data, errors) if made is None else redirect_to("contacts.one_list", list_id=made.id)


def _wanted(list_id: UUID) -> ContactFilter:
    return ContactFilter(search=search_text(), list_id=list_id, member_state=choice(MemberState, "state"))


def _show(list_id: UUID, data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    session = current_scope().session
    found = queries.get_list(session, list_id)
    page = queries.list_contacts(session, _wanted(found.id), cursor=request.args.get("cursor"))
    return render(
        "contacts/list.html", None if errors else "contacts/_members.html", 422 if errors else 200, list=found, page=page, kept=kept_query(),
        counts=queries.member_counts(session, [found.id]).get(found.id, {}), states=list(MemberState), data=data or {}, errors=errors or {},
        tags=queries.tags_of(session, [c.id for c in page.items]), imports=queries.list_imports(session, list_id=found.id, limit=5).items,
    )  # fmt: skip


@pages.get("/lists/<uuid:list_id>")
@requires(Permission.LIST_READ)
def one_list(list_id: UUID) -> Response:
    """One list and who stands on it."""
    return _show(list_id)


@pages.get("/lists/<uuid:list_id>/export.csv")
@requires(Permission.LIST_READ)
def export_list(list_id: UUID) -> Response:
    """The members of a list as CSV."""
    session = current_scope().session
    return csv_file("contacts", exports.HEADER, exports.rows(session, _wanted(queries.get_list(session, list_id).id)))


@pages.post("/lists/<uuid:list_id>")
@requires(Permission.LIST_UPDATE)
def update_list(list_id: UUID) -> Response:
    """Change a list."""
    data, errors = load_form(forms.ListForm)
    try:
        if not errors:
            service.update_list(current_scope(), list_id, data)
    except DomainError as error:
        errors = errors_of(error)
    if errors:
        return _show(list_id, data, errors)
    flash("Saved.")
    return redirect_to("contacts.one_list", list_id=list_id)


@pages.post("/lists/<uuid:list_id>/delete")
@requires(Permission.LIST_DELETE)
def delete_list(list_id: UUID) -> Response:
    """Delete a list."""
    service.delete_list(current_scope(), list_id)
    flash("The list is deleted. Its contacts stay.")
    return redirect_to("contacts.lists")


@pages.post("/lists/<uuid:list_id>/ask")
@requires(Permission.LIST_UPDATE)
def ask_members_again(list_id: UUID) -> Response:
    """Ask everybody who has not confirmed once more."""
    flash(f"{ask_again(current_scope(), list_id)} will be asked in a moment.")
    return redirect_to("contacts.one_list", list_id=list_id)


@pages.post("/lists/<uuid:list_id>/members")
@requires(Permission.LIST_UPDATE)
def add_member(list_id: UUID) -> Response:
    """Put somebody on a list."""
    data, errors = load_form(forms.MemberForm)
    try:
        contact = join_list(current_scope(), list_id, service.ContactInput(**data), "dashboard") if not errors else None
    except DomainError as error:
        errors, contact = errors_of(error), None
    if contact is None:
        return _show(list_id, data, {**errors, "member": []})
    flash(f"{contact.email} is on the list.")
    return redirect_to("contacts.one_list", list_id=list_id)
