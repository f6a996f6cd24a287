"""Support sessions: started by staff on a tenant's consent, for thirty minutes at most, one at a time, read-only until the tenant grants more.

Acts take a scope of the tenant whose actor is the staff member. What a session may do stands in ``policy``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.models import Membership, User
from webapp.activity.service import record
from webapp.backoffice.models import SupportAction, SupportGrant, SupportSession
from webapp.backoffice.service.notices import notify
from webapp.backoffice.types import END_WORDS, EndCause, NoticeKind, SupportWish
from webapp.kernel import clock
from webapp.kernel.clock import rfc3339
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.errors import Conflict, Forbidden, NotFound, Problem, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Scope
from webapp.kernel.secrets import digest, random_token
from webapp.settings import get_settings
from webapp.tenants.models import Tenant
from webapp.tenants.service import SYSTEM_SLUG

#: Nothing makes a session longer: neither a setting nor an extension. The database holds it too.
LONGEST = timedelta(minutes=30)
SHORTEST_REASON = 15
_TOKEN_BITS = 256
_MOST_IN_SUMMARY = 20


def start_session(scope: Scope, member_id: UUID, wish: SupportWish, *, login_id: UUID, staff_email: str) -> tuple[SupportSession, str]:
    """Begin; the token goes into a cookie of its own and is kept as SHA-256 only. The caller has checked role and fresh second factor.

    ``login_id``: the staff member's own browser session, to which this one is bound. Raises ``ValidationFailed`` (reason, ticket), ``NotFound`` (no such
    member), ``Forbidden`` (no consent, a staff member as target, the platform's own tenant) and ``Conflict`` (another session runs).
    """
    reason, ticket = _check(wish)
    tenant, member = _target(scope, member_id)
    assert scope.actor.id is not None
    token, moment = random_token(_TOKEN_BITS), clock.now()
    session = SupportSession(
        id=uuid7(), tenant_id=tenant.id, staff_id=scope.actor.id, staff_name=scope.actor.name, staff_email=staff_email, member_id=member.id,
        member_name=member.name, login_id=login_id, token_hash=digest(token), grant_id=_take_grant(scope, moment).id, reason=reason, ticket=ticket,
        address=scope.address, started_at=moment, expires_at=moment + min(LONGEST, timedelta(minutes=get_settings().support_minutes)),
    )  # fmt: skip
    with refuse_on(scope.session, "uq_support_sessions_staff", Conflict("You have a session already; stop it first. One at a time.")):
        scope.session.add(session)
    record(scope, "support_session.started", "support_session", session.id, member.name, {"reason": reason, "ticket": ticket, "until": session.expires_at})
    facts = [*_names(session), ("Ends by", _words(session.expires_at))]
    opening = f"{session.staff_name} of support has opened your dashboard. They can look, but change nothing unless you allow it."
    notify(scope, NoticeKind.SUPPORT_STARTED, [opening, "Every request is logged for you, and you can end the session at any moment."], facts)
    return session, token


def start_writing(scope: Scope, session: SupportSession) -> None:
    """The second step: changes, on a grant of the tenant that allows them. Raises ``Forbidden`` without one."""
    moment = clock.now()
    if session.write_since is not None:
        return
    grant = scope.session.scalar(_grants(moment, SupportGrant.allow_write, or_id=session.grant_id))
    if grant is None:
        raise Forbidden("The tenant has not allowed changes. One of its owners can, on its page Support access; then try again.")
    grant.used_at = grant.used_at or moment
    session.write_since, session.write_grant_id = moment, grant.id
    record(scope, "support_session.changes_begun", "support_session", session.id, session.member_name, {"granted_by": grant.granted_by})


def unmask(scope: Scope, session: SupportSession, reason: str) -> None:
    """Show addresses in full from now on, for a reason that the tenant reads. Raises ``ValidationFailed``."""
    words = " ".join(reason.split())
    if not SHORTEST_REASON <= len(words) <= 500:
        raise ValidationFailed(f"Say in {SHORTEST_REASON} to 500 characters what you need the addresses for; the tenant reads it.", param="reason")
    session.unmasked_at, session.unmask_reason = clock.now(), words
    record(scope, "support_session.addresses_shown", "support_session", session.id, session.member_name, {"reason": words})


def end_session(scope: Scope, session: SupportSession, cause: EndCause) -> None:
    """End it, and have the owners told what was done. Does nothing the second time."""
    row = scope.session.scalar(sa.select(SupportSession).where(SupportSession.id == session.id, SupportSession.ended_at.is_(None)).with_for_update())
    if row is None:
        return
    row.ended_at, row.end_cause = min(clock.now(), row.expires_at), cause.value
    minutes = max(1, round((row.ended_at - row.started_at).total_seconds() / 60))
    record(scope, "support_session.ended", "support_session", row.id, row.member_name, {"cause": cause, "minutes": minutes})
    notify(scope, NoticeKind.SUPPORT_ENDED, *_summary(scope, row, minutes))


def list_over(session: Session) -> list[tuple[UUID, UUID]]:
    """``(tenant, session)`` of those whose time is over and that nobody stopped. Needs an unscoped session."""
    wanted = sa.select(SupportSession.tenant_id, SupportSession.id).where(SupportSession.ended_at.is_(None), SupportSession.expires_at <= clock.now())
    return [(tenant_id, session_id) for tenant_id, session_id in session.execute(wanted)]


def _check(wish: SupportWish) -> tuple[str, str]:
    reason, ticket = " ".join(wish.reason.split()), " ".join(wish.ticket.split())
    problems = []
    if not SHORTEST_REASON <= len(reason) <= 500:
        problems.append(Problem("reason", f"Say in {SHORTEST_REASON} to 500 characters why you need this; the tenant reads it."))
    if not 1 <= len(ticket) <= 100:
        problems.append(Problem("ticket", "Name the ticket in which the tenant asked, in at most 100 characters."))
    if problems:
        raise ValidationFailed.of(problems)
    return reason, ticket


def _target(scope: Scope, member_id: UUID) -> tuple[Tenant, User]:
    tenant = scope.session.get(Tenant, scope.tenant_id)
    if tenant is None or tenant.slug == SYSTEM_SLUG:
        raise Forbidden("Nobody acts for the platform's own tenant.")
    is_member = scope.session.scalar(sa.select(Membership.id).where(Membership.user_id == member_id)) is not None
    member = scope.session.get(User, member_id) if is_member else None
    if member is None:
        raise NotFound("member")
    if member.is_staff:
        raise Forbidden("Nobody acts in place of a staff member.")
    if member.disabled_at is not None:
        raise Forbidden("This member's account is disabled.")
    return tenant, member


def _take_grant(scope: Scope, moment: datetime) -> SupportGrant:
    """The standing consent, else the oldest grant for one session, which is used up by it. Raises ``Forbidden`` without either."""
    grant = scope.session.scalar(_grants(moment))
    if grant is None:
        raise Forbidden("The tenant has not consented. One of its owners can, on its page Support access: standing, or for one session.")
    if not grant.standing:
        grant.used_at = moment
    return grant


def _grants(moment: datetime, *more: sa.ColumnExpressionArgument[bool], or_id: UUID | None = None) -> sa.Select[SupportGrant]:
    """Grants that are good now, the standing one first; a used one only for the session ``or_id`` that used it. Locked."""
    unused = SupportGrant.used_at.is_(None) if or_id is None else sa.or_(SupportGrant.used_at.is_(None), SupportGrant.id == or_id)
    wanted = sa.select(SupportGrant).where(
        SupportGrant.revoked_at.is_(None), sa.or_(SupportGrant.standing, sa.and_(SupportGrant.expires_at > moment, unused)), *more
    )  # fmt: skip
    return wanted.order_by(SupportGrant.standing.desc(), SupportGrant.allow_write, SupportGrant.id).limit(1).with_for_update()


def _summary(scope: Scope, session: SupportSession, minutes: int) -> tuple[list[str], list[tuple[str, str]]]:
    actions = list(scope.session.scalars(sa.select(SupportAction).where(SupportAction.session_id == session.id).order_by(SupportAction.id)))
    changed = [action for action in actions if action.writes and action.refused is None]
    refused = [action for action in actions if action.refused is not None]
    facts = [
        *_names(session), ("Began", _words(session.started_at)), ("Lasted", f"{minutes} minute{'' if minutes == 1 else 's'}"),
        ("Ended because", END_WORDS[EndCause(session.end_cause or "")]),
        ("Requests", str(len(actions))), ("Changes", str(len(changed))), ("Refused", str(len(refused))),
        ("Addresses shown in full", session.unmask_reason or "no"),
    ]  # fmt: skip
    facts += [("Changed", f"{action.method} {action.path}") for action in changed[:_MOST_IN_SUMMARY]]
    return [f"{session.staff_name} of support has left your dashboard."], facts


def _names(session: SupportSession) -> list[tuple[str, str]]:
    who = f"{session.staff_name} of support"
    return [("Who", who), ("In place of", session.member_name), ("Reason", session.reason), ("Ticket", session.ticket)]


def _words(moment: datetime) -> str:
    return rfc3339(moment.replace(microsecond=0)) or ""
