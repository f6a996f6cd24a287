"""Asking for more: the tenant asks, staff decide."""

from __future__ import annotations

from uuid import UUID

from webapp.activity.service import record
from webapp.kernel import clock
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.errors import Conflict, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Scope
from webapp.tenants.models import LimitRequest
from webapp.tenants.queries import get_limit_request
from webapp.tenants.service.limits import MOST, limit_of, set_limit
from webapp.tenants.types import LIMIT_KINDS, LimitName, LimitRequestStatus

_LONGEST = 2000


def ask_limit(scope: Scope, name: LimitName, wanted: int, reason: str) -> LimitRequest:
    """Ask staff for a higher limit. Raises ``Conflict`` while one for it is open or where there is no limit, and ``ValidationFailed``."""
    present = limit_of(scope, name)
    if present is None:
        raise Conflict(f"There is no limit of {LIMIT_KINDS[name].noun} for you.", param="limit")
    if not present < wanted <= MOST:
        raise ValidationFailed(f"You have {present} already; ask for more, up to {MOST}.", param="wanted")
    row = LimitRequest(
        id=uuid7(), tenant_id=scope.tenant_id, limit_name=name.value, present=present, wanted=wanted, reason=_words(reason, "reason"),
        asked_by=scope.actor.name,
    )  # fmt: skip
    with refuse_on(scope.session, "uq_limit_requests_open", Conflict("A request for this limit is open already; withdraw it first.", param="limit")):
        scope.session.add(row)
    record(scope, "limit_request.made", "limit_request", row.id, name, {"wanted": [present, wanted], "reason": row.reason})
    return row


def withdraw_request(scope: Scope, request_id: UUID) -> LimitRequest:
    """Take a request back. Raises ``Conflict`` when it is decided, ``NotFound``."""
    row = _get_open(scope, request_id)
    row.status = LimitRequestStatus.WITHDRAWN
    record(scope, "limit_request.withdrawn", "limit_request", row.id, row.limit_name, {"status": [LimitRequestStatus.OPEN, row.status]})
    return row


def grant_request(scope: Scope, request_id: UUID, *, granted: int | None = None, answer: str | None = None) -> LimitRequest:
    """Staff: raise the limit to ``granted``, by default to what was asked for. Raises ``Conflict`` when it is decided, ``NotFound``."""
    row = _get_open(scope, request_id)
    row.granted = row.wanted if granted is None else granted
    set_limit(scope, LimitName(row.limit_name), row.granted)
    return _decide(scope, row, LimitRequestStatus.GRANTED, answer)


def decline_request(scope: Scope, request_id: UUID, answer: str) -> LimitRequest:
    """Staff: leave the limit as it is, and say why. Raises ``Conflict`` when it is decided, ``NotFound``, ``ValidationFailed``."""
    return _decide(scope, _get_open(scope, request_id), LimitRequestStatus.DECLINED, _words(answer, "answer"))


def _decide(scope: Scope, row: LimitRequest, status: LimitRequestStatus, answer: str | None) -> LimitRequest:
    row.status, row.answer = status.value, answer and _words(answer, "answer")
    row.decided_by, row.decided_at = scope.actor.name, clock.now()
    changes = {"status": [LimitRequestStatus.OPEN, status], "granted": [row.present, row.granted], "answer": row.answer}
    record(scope, f"limit_request.{status.value}", "limit_request", row.id, row.limit_name, changes)
    return row


def _get_open(scope: Scope, request_id: UUID) -> LimitRequest:
    row = get_limit_request(scope, request_id, lock=True)
    if row.status != LimitRequestStatus.OPEN:
        raise Conflict(f"This request is {row.status} already.")
    return row


def _words(text: str, param: str) -> str:
    cleaned = text.strip().replace("\x00", "")
    if not 1 <= len(cleaned) <= _LONGEST:
        raise ValidationFailed(f"Write 1 to {_LONGEST} characters.", param=param)
    return cleaned
