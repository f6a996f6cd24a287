"""Acts on segments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from webapp.activity.service import record
from webapp.contacts import queries
from webapp.contacts.models import Segment
from webapp.contacts.segment_rules import read_rules, to_json
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.errors import Conflict
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope

_UNIQUE = "uq_segments_tenant_id_name"


def create_segment(scope: Scope, name: str, rules: Any, description: str | None = None) -> Segment:
    """Add a segment. Raises ``ValidationFailed`` for rules that cannot be read, ``Conflict`` for a name in use."""
    scope.require(Permission.SEGMENT_CREATE)
    segment = Segment(tenant_id=scope.tenant_id, name=name, description=description, rules=to_json(read_rules(rules)))
    with refuse_on(scope.session, _UNIQUE, _taken(name)):
        scope.session.add(segment)
    record(scope, "segment.created", "segment", segment.id, segment.name)
    return segment


def update_segment(scope: Scope, segment_id: UUID, changes: dict[str, Any]) -> Segment:
    """Change name, description or rules. Raises as ``create_segment``, and ``NotFound``."""
    scope.require(Permission.SEGMENT_UPDATE)
    segment = queries.get_segment(scope.session, segment_id)
    if "rules" in changes:
        changes = {**changes, "rules": to_json(read_rules(changes["rules"]))}
    changed = {name: [getattr(segment, name), value] for name, value in changes.items() if getattr(segment, name) != value}
    with refuse_on(scope.session, _UNIQUE, _taken(str(changes.get("name")))):
        for name, value in changes.items():
            setattr(segment, name, value)
    if changed:
        record(scope, "segment.updated", "segment", segment.id, segment.name, changed)
    return segment


def delete_segment(scope: Scope, segment_id: UUID) -> None:
    """Remove a segment; its contacts stay."""
    scope.require(Permission.SEGMENT_DELETE)
    segment = queries.get_segment(scope.session, segment_id)
    scope.session.delete(segment)
    scope.session.flush()
    record(scope, "segment.deleted", "segment", segment.id, segment.name)


def preview_segment(scope: Scope, rules: Any) -> int:
    """How many contacts the rules choose; nothing is kept. Raises ``ValidationFailed``."""
    scope.require(Permission.SEGMENT_READ)
    return queries.count_in(scope.session, rules)


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a segment with the name {name} already.", param="name")
