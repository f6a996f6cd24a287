"""Suppressions as others read them: rows of a file, and all that is known of one address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from webapp.kernel.clock import now, rfc3339
from webapp.kernel.errors import NotFound
from webapp.kernel.scope import Scope
from webapp.suppressions import queries, service
from webapp.suppressions.queries import ListFilter
from webapp.suppressions.service.people import canonical_of

HEADER = ("email", "scope", "list", "reason", "source", "detail", "created_at", "expires_at")


def rows(session: Session, wanted: ListFilter) -> Iterator[tuple[object, ...]]:
    """Everything the filter finds, in the order of ``HEADER``; what is exported can be imported again."""
    for r in queries.all_suppressions(session, wanted):
        yield r.address, r.scope, r.list_key, r.reason, r.source, r.detail, rfc3339(r.created_at), rfc3339(r.expires_at)


def of_address(scope: Scope, email: str) -> dict[str, Any]:
    """One address with its suppressions in force. Raises ``NotFound`` when nothing at all stops mail to it."""
    address = canonical_of(email)
    [verdict] = service.check(scope, [address])
    found = [row for row in queries.list_of_address(scope.session, address) if row.expires_at is None or row.expires_at > now()]
    if not found and not verdict.transactional and not verdict.bulk:
        raise NotFound("suppression")
    return {"email": address, "transactional": verdict.transactional, "bulk": verdict.bulk, "suppressions": found}
