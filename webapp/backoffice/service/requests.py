"""Asking staff: for live sending, or against a suspension. Staff decide in a scope of that tenant whose actor is the staff member."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

import sqlalchemy as sa

from webapp.activity.service import record
from webapp.backoffice.models import StaffRequest
from webapp.backoffice.service.notices import notify
from webapp.backoffice.types import ApprovalWish, Decision, NoticeKind, RequestKind, RequestStatus
from webapp.kernel import clock
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.errors import Conflict, NotFound, Problem, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Scope
from webapp.settings import get_settings
from webapp.tenants import service as tenants
from webapp.tenants.models import Tenant
from webapp.tenants.types import LimitName, TenantStatus

_LONGEST = 4000
_SHORTEST = 20
_OPEN_ALREADY = Conflict("You have asked already; staff will answer. Take the request back first to ask anew.")


def ask_production(scope: Scope, wish: ApprovalWish) -> StaffRequest:
    """Ask for live sending. Raises ``Conflict`` (approved or asked already, suspended) and ``ValidationFailed`` naming every field at fault."""
    tenant = _tenant(scope)
    if tenant.status != TenantStatus.SANDBOX:
        raise Conflict("Your tenant is approved already." if tenant.status == TenantStatus.APPROVED else "Your tenant is suspended; appeal first.")
    website = _check(wish)
    values = {"what": _plain(wish.what), "volume": wish.volume, "sources": _plain(wish.sources), "website": website}
    return _ask(scope, RequestKind.PRODUCTION, **values)


def appeal(scope: Scope, text: str) -> StaffRequest:
    """Answer to a suspension. Raises ``Conflict`` when the tenant is not suspended or has appealed already, and ``ValidationFailed``."""
    if _tenant(scope).status != TenantStatus.SUSPENDED:
        raise Conflict("Your tenant is not suspended.")
    if problems := _too_short("what", text):
        raise ValidationFailed.of(problems)
    return _ask(scope, RequestKind.APPEAL, what=_plain(text))


def withdraw(scope: Scope, request_id: UUID) -> StaffRequest:
    """Take a request back. Raises ``NotFound`` and ``Conflict`` (decided already)."""
    row = _get_open(scope, request_id)
    row.status = RequestStatus.WITHDRAWN
    record(scope, f"{row.kind}_request.withdrawn", "staff_request", row.id, None)
    return row


def decide(scope: Scope, request_id: UUID, decision: Decision) -> StaffRequest:
    """Staff answers; the owners get a letter. Raises ``NotFound``, ``Conflict`` (decided already) and ``ValidationFailed``.

    Approving starts a new tenant with the first limits of the settings, which grow with clean days; limiting gives it the limits of the decision,
    which do not; refusing needs a reason. An appeal is approved by ending the suspension.
    """
    row = _get_open(scope, request_id)
    reason = _plain(decision.reason)
    if decision.status is RequestStatus.REFUSED and len(reason) < 10:
        raise ValidationFailed("Say why, and what the tenant can do about it; it reads this.", param="reason")
    if decision.status is RequestStatus.LIMITED and decision.daily_limit is None:
        raise ValidationFailed("Say how many recipients a day the tenant may send to.", param="daily_limit")
    if decision.status in (RequestStatus.APPROVED, RequestStatus.LIMITED):
        _approve(scope, row, decision)
    row.status, row.answer = decision.status.value, reason or None
    row.decided_at, row.decided_by = clock.now(), scope.actor.name
    record(scope, f"{row.kind}_request.{row.status}", "staff_request", row.id, None, {"reason": row.answer})
    notify(scope, NoticeKind.REQUEST_DECIDED, *_letter(scope, row), title=_TITLES[RequestKind(row.kind), decision.status].format(tenant=_tenant(scope).name))
    return row


_TITLES = {
    (RequestKind.PRODUCTION, RequestStatus.APPROVED): "{tenant} may send live mail",
    (RequestKind.PRODUCTION, RequestStatus.LIMITED): "{tenant} may send live mail, within limits",
    (RequestKind.PRODUCTION, RequestStatus.REFUSED): "Live sending for {tenant} was not approved",
    (RequestKind.APPEAL, RequestStatus.APPROVED): "The suspension of {tenant} is over",
    (RequestKind.APPEAL, RequestStatus.LIMITED): "The suspension of {tenant} is over, with limits",
    (RequestKind.APPEAL, RequestStatus.REFUSED): "{tenant} stays suspended",
}


def _approve(scope: Scope, row: StaffRequest, decision: Decision) -> None:
    if row.kind == RequestKind.APPEAL:
        tenants.resume(scope)
    else:
        tenants.approve(scope, _plain(decision.reason) or None)
    tenant = _tenant(scope)
    if decision.status is RequestStatus.LIMITED:
        tenant.limit_grows = False
        wanted = (
            (LimitName.DAILY_RECIPIENTS, decision.daily_limit), (LimitName.MONTHLY_RECIPIENTS, decision.monthly_limit),
            (LimitName.MINUTE_RECIPIENTS, decision.minute_limit),
        )  # fmt: skip
        for name, value in wanted:
            tenants.set_limit(scope, name, value)
    elif row.kind == RequestKind.PRODUCTION:
        start_growth(scope)


def start_growth(scope: Scope) -> None:
    """Give a new tenant its first daily limit, which doubles with each clean day (see ``growth``). Nothing is set where the setting is 0."""
    settings, tenant = get_settings(), _tenant(scope)
    if settings.approval_daily <= 0:
        return
    tenants.set_limit(scope, LimitName.DAILY_RECIPIENTS, settings.approval_daily)
    if settings.approval_minute > 0:
        tenants.set_limit(scope, LimitName.MINUTE_RECIPIENTS, settings.approval_minute)
    tenant.limit_grows, tenant.clean_days, tenant.grown_on = True, 0, clock.now().date()


def _letter(scope: Scope, row: StaffRequest) -> tuple[list[str], list[tuple[str, str]]]:
    approved = row.status in (RequestStatus.APPROVED, RequestStatus.LIMITED)
    opening = {
        RequestStatus.REFUSED: "Staff looked at your request and could not agree to it for now.",
        RequestStatus.LIMITED: "Staff agreed to your request, with the limits below.",
    }.get(RequestStatus(row.status), "Staff agreed to your request.")
    paragraphs = [opening, *([row.answer] if row.answer else [])]
    if approved:
        paragraphs.append("Live keys and live bridges work from now on, for mail from your verified domains.")
        if _tenant(scope).limit_grows:
            paragraphs.append("The daily limit doubles with each day of clean sending.")
        return paragraphs, _limit_facts(scope)
    return [*paragraphs, "You can change what is said there and ask again."], []


def _limit_facts(scope: Scope) -> list[tuple[str, str]]:
    shown = ((LimitName.DAILY_RECIPIENTS, "Recipients a day"), (LimitName.MONTHLY_RECIPIENTS, "Recipients a month"), (LimitName.MINUTE_RECIPIENTS, "A minute"))
    found = ((label, tenants.limit_of(scope, name)) for name, label in shown)
    return [(label, f"{limit:,}") for label, limit in found if limit is not None]


def _ask(scope: Scope, kind: RequestKind, **values: object) -> StaffRequest:
    row = StaffRequest(
        id=uuid7(), tenant_id=scope.tenant_id, kind=kind.value, status=RequestStatus.OPEN, asked_by=scope.actor.name, address=scope.address, **values
    )  # fmt: skip
    with refuse_on(scope.session, "uq_staff_requests_open", _OPEN_ALREADY):
        scope.session.add(row)
    record(scope, f"{kind.value}_request.made", "staff_request", row.id, None)
    return row


def _get_open(scope: Scope, request_id: UUID) -> StaffRequest:
    row = scope.session.scalar(sa.select(StaffRequest).where(StaffRequest.id == request_id).with_for_update())
    if row is None or row.tenant_id != scope.tenant_id:
        raise NotFound("request")
    if row.status != RequestStatus.OPEN:
        raise Conflict(f"This request is {row.status} already.")
    return row


def _tenant(scope: Scope) -> Tenant:
    tenant = scope.session.get(Tenant, scope.tenant_id)
    assert tenant is not None
    return tenant


def _check(wish: ApprovalWish) -> str:
    """Every fault at once; the website as it is kept."""
    problems = [*_too_short("what", wish.what), *_too_short("sources", wish.sources)]
    if not 1 <= wish.volume <= tenants.MOST:
        problems.append(Problem("volume", "Say how many recipients a month you expect: a whole number of 1 or more."))
    website = wish.website.strip()
    website = website if "://" in website else f"https://{website}"
    parts = urlsplit(website) if len(website) <= 500 and website.isprintable() else urlsplit("")
    if parts.scheme not in ("http", "https") or "." not in (parts.hostname or "") or parts.username:
        problems.append(Problem("website", "Give the address of a website that shows who you are, like https://example.com."))
    if problems:
        raise ValidationFailed.of(problems)
    return website


def _too_short(param: str, text: str) -> list[Problem]:
    length = len(_plain(text))
    if _SHORTEST <= length <= _LONGEST:
        return []
    return [Problem(param, f"Write {_SHORTEST} to {_LONGEST:,} characters: staff decides by what you say here.")]


def _plain(text: str) -> str:
    return text.replace("\x00", "").strip()
