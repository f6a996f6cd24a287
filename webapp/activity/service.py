"""Writing the activity log. Every act of every slice that changes something ends here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from webapp.activity.models import ActivityEntry
from webapp.kernel.clock import rfc3339
from webapp.kernel.scope import Scope

#: Names under which a secret could slip in; their values are never written, whoever passes them.
_SECRET = re.compile(r"password|secret|token|hash|sealed|private|credential|plain", re.IGNORECASE)
_LONGEST = 500


def record(
    scope: Scope, action: str, object_kind: str, object_id: UUID | None, object_name: str | None = None, changes: Mapping[str, Any] | None = None
) -> None:
    """Note who did what to which object, in the transaction of the act itself.

    ``action``: ``noun.verb`` in the past (``bridge.renamed``). ``changes``: field -> ``[old, new]`` or a value; must hold no secret.
    """
    scope.session.add(
        ActivityEntry(
            tenant_id=scope.tenant_id,
            actor_kind=scope.actor.kind.value,
            actor_id=scope.actor.id,
            actor_name=scope.actor.name,
            on_behalf_of=scope.actor.on_behalf_of,
            action=action,
            object_kind=object_kind,
            object_id=object_id,
            object_name=object_name,
            changes={key: "(changed)" if _SECRET.search(key) else _plain(value) for key, value in (changes or {}).items()},
            request_id=scope.request_id,
            address=scope.address,
        )
    )


def _plain(value: Any) -> Any:
    """``value`` as JSON can hold it, cut to a length a person reads."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, bool | int | float) or value is None:
        return value
    text = str(value).replace("\x00", "")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
