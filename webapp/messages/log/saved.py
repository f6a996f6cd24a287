"""Filters of the log that members gave names: each sees their own."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import sqlalchemy as sa

from webapp.kernel.errors import NotFound, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Scope
from webapp.messages.models import SavedFilter

#: What a saved filter may hold: the fields of the filter bar.
FIELDS = (
    "q", "state", "bridge", "domain", "tag", "provider", "sender", "recipient", "subject", "template", "error", "days", "from", "to", "sort",
)  # fmt: skip
_MOST = 50
_LONGEST_NAME, _LONGEST_QUERY = 60, 1500


def list_filters(scope: Scope) -> Sequence[SavedFilter]:
    """The caller's own, by name."""
    return scope.session.scalars(sa.select(SavedFilter).where(SavedFilter.user_id == scope.actor.id).order_by(SavedFilter.name).limit(_MOST)).all()


def save_filter(scope: Scope, name: str, query: str) -> SavedFilter:
    """Keep a filter under a name; the same name again replaces it. Raises ``ValidationFailed``."""
    label = " ".join(name.split())
    if not 1 <= len(label) <= _LONGEST_NAME or not label.isprintable():
        raise ValidationFailed(f"Give the filter a name of 1 to {_LONGEST_NAME} characters.", param="name")
    kept = urlencode([(key, value) for key, value in parse_qsl(query[:_LONGEST_QUERY]) if key in FIELDS and value and value.isprintable()])
    if not kept:
        raise ValidationFailed("There is nothing to save: choose a filter first.", param="name")
    found = scope.session.scalar(sa.select(SavedFilter).where(SavedFilter.user_id == scope.actor.id, SavedFilter.name == label))
    if found is None:
        if len(list_filters(scope)) >= _MOST:
            raise ValidationFailed(f"You have {_MOST} saved filters; delete one first.", param="name")
        assert scope.actor.id is not None
        found = SavedFilter(id=uuid7(), user_id=scope.actor.id, name=label, query=kept)
        scope.session.add(found)
    found.query = kept
    scope.session.flush()
    return found


def delete_filter(scope: Scope, filter_id: UUID) -> None:
    """Forget one of the caller's own. Raises ``NotFound``."""
    found = scope.session.scalar(sa.select(SavedFilter).where(SavedFilter.id == filter_id, SavedFilter.user_id == scope.actor.id))
    if found is None:
        raise NotFound("saved filter")
    scope.session.delete(found)
    scope.session.flush()
