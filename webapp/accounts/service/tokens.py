"""Mailed one-time tokens, and the letters that carry them.

Asking for one writes a row and wakes a job; the job makes the token, keeps its SHA-256 in the row and hands the letter over in the same
transaction. So no token lies in the broker, a lost wake-up is found again by the ticker, and the visitor's answer takes equally long
whether the address is known or not: only the job looks.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.letters import write_letter
from webapp.accounts.models import OneTimeToken, User
from webapp.accounts.queries import find_user
from webapp.accounts.types import Letter, MemberRole, TokenPurpose
from webapp.kernel import clock
from webapp.kernel.ids import uuid7
from webapp.kernel.jobs import QueueName, enqueue_after_commit
from webapp.kernel.secrets import digest, random_token
from webapp.settings import get_settings
from webapp.tenants.models import Tenant

_LIFE = {
    TokenPurpose.RESET_PASSWORD: timedelta(hours=1),
    TokenPurpose.INVITATION: timedelta(days=7),
    TokenPurpose.SIGN_UP_AGAIN: timedelta(hours=1),
    TokenPurpose.CHANGE_EMAIL: timedelta(hours=1),
    TokenPurpose.UNDO_EMAIL: timedelta(days=7),
    TokenPurpose.NOTICE: timedelta(days=2),
}
_PATH = {
    TokenPurpose.RESET_PASSWORD: "/reset-password",
    TokenPurpose.INVITATION: "/invitation",
    TokenPurpose.CHANGE_EMAIL: "/confirm-email",
    TokenPurpose.UNDO_EMAIL: "/undo-email",
}


def request_token(
    session: Session, purpose: TokenPurpose, email: str, *, user_id: UUID | None = None, tenant_id: UUID | None = None, role: MemberRole | None = None,
    data: dict[str, Any] | None = None,
) -> OneTimeToken:  # fmt: skip
    """Note that a mail with a token is wanted and wake the job that sends it. ``data``: what the letter tells besides, for people to read."""
    row = OneTimeToken(
        id=uuid7(), token_hash=secrets.token_bytes(32), purpose=purpose.value, user_id=user_id, tenant_id=tenant_id, email=email,
        role=role.value if role else None, expires_at=clock.now() + _LIFE[purpose], data=data or {},
    )  # fmt: skip
    session.add(row)
    session.flush()
    enqueue_after_commit(session, QueueName.DEFAULT, "worker.jobs.mail.send_system_mail", purpose.value, str(row.id))
    return row


def renew_token(session: Session, row: OneTimeToken) -> None:
    """Send the letter again, with a new token and a new life: the link in the letter before works no longer."""
    row.token_hash, row.mailed_at, row.expires_at = secrets.token_bytes(32), None, clock.now() + _LIFE[TokenPurpose(row.purpose)]
    session.flush()
    enqueue_after_commit(session, QueueName.DEFAULT, "worker.jobs.mail.send_system_mail", row.purpose, str(row.id))


def take_letter(session: Session, token_id: UUID) -> Letter | None:
    """Make the token and the letter of one request; None when it was sent already, is over, or nobody has that address.

    Locks the row and marks it mailed: the letter must be accepted in the same transaction.
    """
    row = session.scalar(sa.select(OneTimeToken).where(OneTimeToken.id == token_id, OneTimeToken.mailed_at.is_(None)).with_for_update(skip_locked=True))
    if row is None:
        return None
    row.mailed_at = clock.now()
    purpose = TokenPurpose(row.purpose)
    user = find_user(session, row.email)
    if row.used_at is not None or row.expires_at <= clock.now() or not _may_have_letter(purpose, user):
        return None
    if purpose is TokenPurpose.RESET_PASSWORD and user is not None:
        row.user_id = user.id
    plain = random_token(160)
    row.token_hash = digest(plain)
    tenant = session.get(Tenant, row.tenant_id) if row.tenant_id else None
    return write_letter(purpose, row.email, _link(purpose, plain), tenant.name if tenant else "", row.role or "", row.data)


def list_waiting(session: Session, limit: int = 100) -> list[tuple[TokenPurpose, UUID]]:
    """Requests whose mail was not handed over yet, oldest first: their wake-up was lost, or the platform could not send."""
    rows = session.execute(
        sa.select(OneTimeToken.purpose, OneTimeToken.id)
        .where(OneTimeToken.mailed_at.is_(None), OneTimeToken.used_at.is_(None), OneTimeToken.expires_at > clock.now())
        .order_by(OneTimeToken.id).limit(limit)
    )  # fmt: skip
    return [(TokenPurpose(purpose), token_id) for purpose, token_id in rows]


def _may_have_letter(purpose: TokenPurpose, user: User | None) -> bool:
    if purpose in (TokenPurpose.RESET_PASSWORD, TokenPurpose.SIGN_UP_AGAIN):
        return user is not None and user.disabled_at is None
    if purpose is TokenPurpose.CHANGE_EMAIL:
        return user is None  # the new address must still be free
    return True


def _link(purpose: TokenPurpose, plain: str) -> str:
    """In the query, not in the path: paths are logged."""
    base = get_settings().public_url.rstrip("/")
    if purpose is TokenPurpose.NOTICE:
        return f"{base}/settings/security"
    path = _PATH.get(purpose)
    return f"{base}{path}?token={quote(plain)}" if path else f"{base}/login"
