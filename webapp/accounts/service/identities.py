"""A person's accounts at the identity provider, bound to the account here after proof of both."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.models import Identity
from webapp.accounts.queries import count_factors, get_user
from webapp.accounts.service.notices import tell
from webapp.accounts.types import NoticeKind
from webapp.kernel import clock
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.errors import Conflict, NotFound
from webapp.kernel.ids import uuid7


def find_identity(session: Session, issuer: str, subject: str) -> Identity | None:
    """By what the provider calls the person; never by address, which the provider may give to somebody else one day."""
    return session.scalar(sa.select(Identity).where(Identity.issuer == issuer, Identity.subject == subject))


def link_identity(session: Session, user_id: UUID, issuer: str, subject: str, email: str) -> Identity:
    """Bind it. Raises ``Conflict`` when it belongs to an account already."""
    row = Identity(id=uuid7(), user_id=user_id, issuer=issuer, subject=subject, email=email)
    with refuse_on(session, "uq_identities_issuer_subject", Conflict("This identity is connected to an account already.")):
        session.add(row)
    tell(session, get_user(session, user_id), NoticeKind.IDENTITY_ADDED, email=email, issuer=issuer)
    return row


def note_identity_use(row: Identity, email: str) -> None:
    """It signed somebody in."""
    row.last_used_at, row.email = clock.now(), email


def unlink_identity(session: Session, user_id: UUID, identity_id: UUID) -> None:
    """Raises ``NotFound``, for other people's too, and ``Conflict`` when nothing else would open the account."""
    row = session.scalar(sa.select(Identity).where(Identity.id == identity_id, Identity.user_id == user_id))
    if row is None:
        raise NotFound("identity")
    if get_user(session, user_id).password_hash is None and not count_factors(session, user_id).passkeys:
        raise Conflict("Nothing else opens your account: choose a password or add a passkey first.")
    session.delete(row)
