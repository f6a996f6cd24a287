"""/contacts and /events."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from webapp.contacts import exports, queries, schemas, service
from webapp.contacts.api.blueprint import blp
from webapp.contacts.models import Contact, ContactEvent, Tag
from webapp.contacts.queries import ContactFilter
from webapp.http.api import PageArgs
from webapp.http.csv_file import csv_file
from webapp.http.guard import current_scope, requires
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission


@blp.route("/contacts")
class Contacts(MethodView):
    """All contacts."""

    @requires(Permission.CONTACT_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.arguments(schemas.ContactQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.ContactOut)
    def get(self, paging: dict[str, Any], query: dict[str, Any]) -> Page[Contact]:
        """List contacts."""
        return queries.list_contacts(current_scope().session, ContactFilter(**query), **paging)

    @requires(Permission.CONTACT_CREATE)
    @blp.arguments(schemas.ContactIn)
    @blp.answer(201, schemas.ContactOut)
    def post(self, data: dict[str, Any]) -> Contact:
        """Create a contact; 409 when the address is there already."""
        return service.create_contact(current_scope(), service.ContactInput(**data))

    @requires(Permission.CONTACT_UPDATE)
    @blp.arguments(schemas.ContactIn)
    @blp.answer(200, schemas.ContactOut)
    def put(self, data: dict[str, Any]) -> Contact:
        """Create a contact or bring the one with this address up to date; what is not said stays."""
        return service.upsert_contact(current_scope(), service.ContactInput(**data))[0]


@blp.route("/contacts/batch", methods=["POST"])
@requires(Permission.CONTACT_CREATE)
@blp.arguments(schemas.ContactBatch)
@blp.answer(200, schemas.ContactBatchOut)
def batch(data: dict[str, Any]) -> dict[str, Any]:
    """Create or update up to 1,000 contacts."""
    saved = service.upsert_contacts(current_scope(), [service.ContactInput(**one) for one in data["contacts"]])
    made = {contact.id for contact, is_new in saved if is_new}
    return {"created": len(made), "updated": len({c.id for c, _ in saved} - made), "ids": [contact.id for contact, _ in saved]}


@blp.route("/contacts/export")
@requires(Permission.CONTACT_READ)
@blp.arguments(schemas.ContactQuery(unknown="exclude"), location="query")
@blp.response(200, {"type": "string"}, content_type="text/csv", description="The filtered contacts")
def export(query: dict[str, Any]) -> Response:
    """Download contacts as CSV."""
    return csv_file("contacts", exports.HEADER, exports.rows(current_scope().session, ContactFilter(**query)))


@blp.route("/contacts/<uuid:contact_id>")
class OneContact(MethodView):
    """One contact."""

    @requires(Permission.CONTACT_READ)
    @blp.answer(200, schemas.ContactOut)
    def get(self, contact_id: UUID) -> Contact:
        """Read a contact."""
        return queries.get_contact(current_scope().session, contact_id)

    @requires(Permission.CONTACT_UPDATE)
    @blp.arguments(schemas.ContactChange)
    @blp.answer(200, schemas.ContactOut)
    def patch(self, data: dict[str, Any], contact_id: UUID) -> Contact:
        """Change a contact; metadata is merged."""
        return service.update_contact(current_scope(), contact_id, data)

    @requires(Permission.CONTACT_DELETE)
    @blp.answer(200)
    def delete(self, contact_id: UUID) -> None:
        """Delete a contact; suppressions of the address stay."""
        service.delete_contact(current_scope(), contact_id)


@blp.route("/contacts/<uuid:contact_id>/erase", methods=["POST"])
@requires(Permission.CONTACT_DELETE)
@blp.answer(200)
def erase(contact_id: UUID) -> None:
    """Forget a person (GDPR, article 17): the contact, its events, and its address in our log."""
    service.erase_contact(current_scope(), contact_id)


@blp.route("/contacts/<uuid:contact_id>/merge", methods=["POST"])
@requires(Permission.CONTACT_UPDATE)
@blp.arguments(schemas.ContactMergeIn)
@blp.answer(200, schemas.ContactOut)
def merge(data: dict[str, Any], contact_id: UUID) -> Contact:
    """Move everything of a contact to another one and delete the first."""
    return service.merge_contacts(current_scope(), contact_id, data["into"])


@blp.route("/contacts/<uuid:contact_id>/export")
@requires(Permission.CONTACT_READ)
@blp.answer(200)
def export_one(contact_id: UUID) -> dict[str, Any]:
    """Everything that is kept about a person (GDPR, article 15)."""
    return exports.of_contact(current_scope().session, contact_id)


@blp.route("/contacts/<uuid:contact_id>/events")
@requires(Permission.CONTACT_READ)
@blp.arguments(PageArgs, location="query")
@blp.answer_page(schemas.ContactEventOut)
def list_events(paging: dict[str, Any], contact_id: UUID) -> Page[ContactEvent]:
    """List what a contact did."""
    scope = current_scope()
    return queries.list_events(scope.session, queries.get_contact(scope.session, contact_id).id, **paging)


@blp.route("/contacts/<uuid:contact_id>/tags")
class ContactTags(MethodView):
    """The tags of a contact."""

    @requires(Permission.CONTACT_READ)
    @blp.answer_page(schemas.TagOut)
    def get(self, contact_id: UUID) -> Page[Tag]:
        """List a contact's tags."""
        scope = current_scope()
        contact = queries.get_contact(scope.session, contact_id)
        return Page(queries.tags_of(scope.session, [contact.id]).get(contact.id, []), None)

    @requires(Permission.CONTACT_UPDATE)
    @blp.arguments(schemas.ContactTagsIn)
    @blp.answer_page(schemas.TagOut)
    def put(self, data: dict[str, Any], contact_id: UUID) -> Page[Tag]:
        """Give a contact exactly these tags."""
        return Page(service.set_tags(current_scope(), contact_id, data["tag_ids"]), None)


@blp.route("/contacts/<uuid:contact_id>/tags/<uuid:tag_id>")
class ContactTagOne(MethodView):
    """One tag of a contact."""

    @requires(Permission.CONTACT_UPDATE)
    @blp.answer(200)
    def put(self, contact_id: UUID, tag_id: UUID) -> None:
        """Give a contact a tag."""
        scope = current_scope()
        service.tag_contacts(scope, tag_id, [queries.get_contact(scope.session, contact_id).id])

    @requires(Permission.CONTACT_UPDATE)
    @blp.answer(200)
    def delete(self, contact_id: UUID, tag_id: UUID) -> None:
        """Take a tag off a contact."""
        service.untag_contact(current_scope(), tag_id, contact_id)


@blp.route("/events", methods=["POST"])
@requires(Permission.EVENT_SEND)
@blp.arguments(schemas.ContactEventIn)
@blp.answer(201, schemas.ContactEventOut)
def send_event(data: dict[str, Any]) -> ContactEvent:
    """Tell what a contact did."""
    return service.send_events(current_scope(), [service.EventInput(**data)])[0]


@blp.route("/events/batch", methods=["POST"])
@requires(Permission.EVENT_SEND)
@blp.arguments(schemas.ContactEventBatch)
@blp.answer(200, schemas.ContactEventBatchOut)
def send_events(data: dict[str, Any]) -> dict[str, int]:
    """Tell up to 1,000 events."""
    return {"accepted": len(service.send_events(current_scope(), [service.EventInput(**one) for one in data["events"]]))}
