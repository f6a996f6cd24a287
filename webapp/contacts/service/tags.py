"""Acts on tags, and on who has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from webapp.activity.service import record
from webapp.contacts import queries
from webapp.contacts.models import ContactTag, Tag
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.errors import Conflict, NotFound
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope

DEFAULT_COLOR = "#64748b"
_UNIQUE = "uq_tags_tenant_id_name"


def create_tag(scope: Scope, name: str, color: str = DEFAULT_COLOR) -> Tag:
    """Add a tag; ``color`` as #rrggbb. Raises ``Conflict`` for a name in use."""
    scope.require(Permission.TAG_CREATE)
    tag = Tag(tenant_id=scope.tenant_id, name=name, color=color.lower())
    with refuse_on(scope.session, _UNIQUE, _taken(name)):
        scope.session.add(tag)
    record(scope, "tag.created", "tag", tag.id, tag.name)
    return tag


def update_tag(scope: Scope, tag_id: UUID, changes: dict[str, Any]) -> Tag:
    """Change name or color. Raises ``NotFound``, ``Conflict``."""
    scope.require(Permission.TAG_UPDATE)
    tag = queries.get_tag(scope.session, tag_id)
    changed = {name: [getattr(tag, name), value] for name, value in changes.items() if getattr(tag, name) != value}
    with refuse_on(scope.session, _UNIQUE, _taken(str(changes.get("name")))):
        for name, value in changes.items():
            setattr(tag, name, value)
    if changed:
        record(scope, "tag.updated", "tag", tag.id, tag.name, changed)
    return tag


def delete_tag(scope: Scope, tag_id: UUID) -> None:
    """Remove a tag from everybody."""
    scope.require(Permission.TAG_DELETE)
    tag = queries.get_tag(scope.session, tag_id)
    scope.session.delete(tag)
    scope.session.flush()
    record(scope, "tag.deleted", "tag", tag.id, tag.name)


def tag_contacts(scope: Scope, tag_id: UUID, contact_ids: Sequence[UUID]) -> int:
    """Give contacts a tag; how many had not got it. Raises ``NotFound``."""
    scope.require(Permission.CONTACT_UPDATE)
    tag = queries.get_tag(scope.session, tag_id)
    rows = [{"tenant_id": scope.tenant_id, "tag_id": tag.id, "contact_id": contact_id} for contact_id in sorted(set(contact_ids))]
    if not rows:
        return 0
    added = len(scope.session.execute(insert(ContactTag).values(rows).on_conflict_do_nothing().returning(ContactTag.contact_id)).all())
    record(scope, "tag.given", "tag", tag.id, tag.name, {"contacts": added})
    return added


def untag_contact(scope: Scope, tag_id: UUID, contact_id: UUID) -> None:
    """Take a tag off a contact. Raises ``NotFound``."""
    scope.require(Permission.CONTACT_UPDATE)
    tag = queries.get_tag(scope.session, tag_id)
    mine = sa.delete(ContactTag).where(ContactTag.tag_id == tag_id, ContactTag.contact_id == contact_id).returning(ContactTag.contact_id)
    if scope.session.execute(mine).one_or_none() is None:
        raise NotFound("tag on this contact")
    record(scope, "tag.taken", "tag", tag.id, tag.name, {"contact": str(contact_id)})


def set_tags(scope: Scope, contact_id: UUID, tag_ids: Sequence[UUID]) -> list[Tag]:
    """Give a contact exactly these tags. Raises ``NotFound`` for one that is not there."""
    scope.require(Permission.CONTACT_UPDATE)
    contact = queries.get_contact(scope.session, contact_id)
    tags = [queries.get_tag(scope.session, tag_id) for tag_id in dict.fromkeys(tag_ids)]
    scope.session.execute(sa.delete(ContactTag).where(ContactTag.contact_id == contact.id))
    scope.session.add_all(ContactTag(tenant_id=scope.tenant_id, tag_id=tag.id, contact_id=contact.id) for tag in tags)
    record(scope, "contact.tagged", "contact", contact.id, None, {"tags": sorted(tag.name for tag in tags)})
    return tags


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a tag with the name {name} already.", param="name")
