"""Acts on lists, and on who stands on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from webapp.activity.service import record
from webapp.contacts import queries
from webapp.contacts.models import Contact, ContactList, ListMember
from webapp.contacts.service.contacts import ContactInput, upsert_contact
from webapp.contacts.types import MemberState
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.errors import Conflict, NotFound, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope

_UNIQUE = "uq_contact_lists_tenant_id_name"


@dataclass(frozen=True, slots=True)
class ListInput:
    """What is said about a list."""

    name: str
    description: str | None = None
    double_opt_in: bool = False
    from_address: str | None = None


def create_list(scope: Scope, data: ListInput) -> ContactList:
    """Add a list. Raises ``Conflict`` for a name in use."""
    scope.require(Permission.LIST_CREATE)
    _check(data.double_opt_in, data.from_address)
    made = ContactList(
        tenant_id=scope.tenant_id, name=data.name, description=data.description, double_opt_in=data.double_opt_in, from_address=data.from_address
    )
    with refuse_on(scope.session, _UNIQUE, _taken(data.name)):
        scope.session.add(made)
    record(scope, "list.created", "list", made.id, made.name)
    return made


def update_list(scope: Scope, list_id: UUID, changes: dict[str, Any]) -> ContactList:
    """Change fields of ``ListInput``. Raises ``NotFound``, ``Conflict``."""
    scope.require(Permission.LIST_UPDATE)
    found = queries.get_list(scope.session, list_id)
    _check(changes.get("double_opt_in", found.double_opt_in), changes.get("from_address", found.from_address))
    changed = {name: [getattr(found, name), value] for name, value in changes.items() if getattr(found, name) != value}
    with refuse_on(scope.session, _UNIQUE, _taken(str(changes.get("name")))):
        for name, value in changes.items():
            setattr(found, name, value)
        found.problem = None  # what was refused may pass now
    if changed:
        record(scope, "list.updated", "list", found.id, found.name, changed)
    return found


def delete_list(scope: Scope, list_id: UUID) -> None:
    """Remove a list; its contacts stay."""
    scope.require(Permission.LIST_DELETE)
    found = queries.get_list(scope.session, list_id)
    scope.session.delete(found)
    scope.session.flush()
    record(scope, "list.deleted", "list", found.id, found.name)


def add_to_list(scope: Scope, list_id: UUID, contact_ids: Sequence[UUID], source: str = "api", *, state: MemberState = MemberState.SUBSCRIBED) -> int:
    """Put contacts on a list; how many were not on it. Who has left stays away. ``state`` pending: they still have to confirm."""
    scope.require(Permission.LIST_UPDATE)
    found = queries.get_list(scope.session, list_id)
    rows = [
        {"tenant_id": scope.tenant_id, "list_id": found.id, "contact_id": contact_id, "state": state, "source": source}
        for contact_id in sorted(set(contact_ids))
    ]
    if not rows:
        return 0
    statement = insert(ListMember).values(rows).on_conflict_do_nothing().returning(ListMember.contact_id)
    added = len(scope.session.execute(statement).all())
    record(scope, "list.members_added", "list", found.id, found.name, {"added": added})
    return added


def join_list(scope: Scope, list_id: UUID, data: ContactInput, source: str = "api") -> Contact:
    """Put a person on a list, making the contact when the address is new; on a list with double opt-in they still have to confirm."""
    found = queries.get_list(scope.session, list_id)
    contact, _ = upsert_contact(scope, data)
    state = MemberState.PENDING if found.double_opt_in else MemberState.SUBSCRIBED
    add_to_list(scope, list_id, [contact.id], source, state=state)
    return contact


def remove_from_list(scope: Scope, list_id: UUID, contact_id: UUID) -> None:
    """Take a contact off a list as if they had never been on it. Raises ``NotFound``."""
    scope.require(Permission.LIST_UPDATE)
    found = queries.get_list(scope.session, list_id)
    mine = sa.delete(ListMember).where(ListMember.list_id == list_id, ListMember.contact_id == contact_id).returning(ListMember.contact_id)
    if scope.session.execute(mine).one_or_none() is None:
        raise NotFound("contact on this list")
    record(scope, "list.member_removed", "list", found.id, found.name, {"contact": str(contact_id)})


def ask_again(scope: Scope, list_id: UUID) -> int:
    """Ask everybody who has not confirmed once more; how many. Raises ``NotFound``."""
    scope.require(Permission.LIST_UPDATE)
    found = queries.get_list(scope.session, list_id)
    found.problem = None
    waiting = sa.update(ListMember).where(ListMember.list_id == list_id, ListMember.state == MemberState.PENDING)
    asked = len(scope.session.execute(waiting.values(asked_at=None).returning(ListMember.contact_id)).all())
    record(scope, "list.asked_again", "list", found.id, found.name, {"contacts": asked})
    return asked


def leave_list(scope: Scope, list_id: UUID, contact_id: UUID) -> None:
    """The person left: they stay away until they come back themselves. Raises ``NotFound``."""
    scope.require(Permission.LIST_UPDATE)
    found = queries.get_list(scope.session, list_id)
    mine = sa.update(ListMember).where(ListMember.list_id == list_id, ListMember.contact_id == contact_id)
    left = mine.values(state=MemberState.UNSUBSCRIBED, left_at=sa.func.now()).returning(ListMember.contact_id)
    if scope.session.execute(left).one_or_none() is None:
        raise NotFound("contact on this list")
    record(scope, "list.member_left", "list", found.id, found.name, {"contact": str(contact_id)})


def _check(double_opt_in: bool, from_address: str | None) -> None:
    if double_opt_in and not from_address:
        raise ValidationFailed("A list with double opt-in needs the address from which new members are asked to confirm.", param="from_address")


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a list with the name {name} already.", param="name")
