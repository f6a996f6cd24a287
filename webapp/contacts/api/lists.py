"""/lists."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.contacts import queries, schemas, service
from webapp.contacts.api.blueprint import blp
from webapp.contacts.models import Contact, ContactList
from webapp.contacts.queries import ContactFilter
from webapp.contacts.service.lists import ListInput, join_list
from webapp.http.api import PageArgs
from webapp.http.guard import current_scope, requires
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission


@blp.route("/lists")
class Lists(MethodView):
    """All lists."""

    @requires(Permission.LIST_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.arguments(schemas.NameQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.ListOut)
    def get(self, paging: dict[str, Any], query: dict[str, Any]) -> Page[ContactList]:
        """List lists."""
        return queries.list_lists(current_scope().session, **query, **paging)

    @requires(Permission.LIST_CREATE)
    @blp.arguments(schemas.ListIn)
    @blp.answer(201, schemas.ListOut)
    def post(self, data: dict[str, Any]) -> ContactList:
        """Create a list."""
        return service.create_list(current_scope(), ListInput(**data))


@blp.route("/lists/<uuid:list_id>")
class OneList(MethodView):
    """One list."""

    @requires(Permission.LIST_READ)
    @blp.answer(200, schemas.ListOut)
    def get(self, list_id: UUID) -> ContactList:
        """Read a list."""
        return queries.get_list(current_scope().session, list_id)

    @requires(Permission.LIST_UPDATE)
    @blp.arguments(schemas.ListChange)
    @blp.answer(200, schemas.ListOut)
    def patch(self, data: dict[str, Any], list_id: UUID) -> ContactList:
        """Change a list."""
        return service.update_list(current_scope(), list_id, data)

    @requires(Permission.LIST_DELETE)
    @blp.answer(200)
    def delete(self, list_id: UUID) -> None:
        """Delete a list; its contacts stay."""
        service.delete_list(current_scope(), list_id)


@blp.route("/lists/<uuid:list_id>/contacts")
class ListContacts(MethodView):
    """Who stands on a list."""

    @requires(Permission.LIST_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.arguments(schemas.MemberQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.ContactOut)
    def get(self, paging: dict[str, Any], query: dict[str, Any], list_id: UUID) -> Page[Contact]:
        """List the contacts of a list."""
        session = current_scope().session
        wanted = ContactFilter(search=query["search"], list_id=queries.get_list(session, list_id).id, member_state=query["state"])
        return queries.list_contacts(session, wanted, **paging)

    @requires(Permission.LIST_UPDATE)
    @blp.arguments(schemas.ListMemberIn)
    @blp.answer(201, schemas.ContactOut)
    def post(self, data: dict[str, Any], list_id: UUID) -> Contact:
        """Add a contact to a list, making it when the address is new. Who has left stays away."""
        return join_list(current_scope(), list_id, service.ContactInput(**data))


@blp.route("/lists/<uuid:list_id>/contacts/<uuid:contact_id>")
class ListContact(MethodView):
    """One contact of a list."""

    @requires(Permission.LIST_UPDATE)
    @blp.answer(200)
    def delete(self, list_id: UUID, contact_id: UUID) -> None:
        """Take a contact off a list."""
        service.remove_from_list(current_scope(), list_id, contact_id)


@blp.route("/lists/<uuid:list_id>/contacts/<uuid:contact_id>/unsubscribe", methods=["POST"])
@requires(Permission.LIST_UPDATE)
@blp.answer(200)
def leave(list_id: UUID, contact_id: UUID) -> None:
    """Note that a person left the list: no import and no call of yours brings them back."""
    service.leave_list(current_scope(), list_id, contact_id)
