"""Steps that wait for an answer: the second half of a sign-in, what a passkey is asked to sign, a journey to an identity provider.

The browser holds a token, the row its SHA-256; an answer closes the row, so that none serves twice.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.models import SignInChallenge
from webapp.accounts.types import ChallengePurpose
from webapp.kernel import clock
from webapp.kernel.ids import uuid7
from webapp.kernel.secrets import digest, random_token

_LIFE = timedelta(minutes=10)


def open_challenge(
    session: Session, purpose: ChallengePurpose, *, user_id: UUID | None = None, challenge: bytes | None = None, data: dict[str, Any] | None = None
) -> str:
    """Begin to wait, ten minutes at most; the token for the browser."""
    token = random_token(200)
    row = SignInChallenge(token_hash=digest(token), user_id=user_id, purpose=purpose.value, challenge=challenge, data=data or {})
    row.id, row.expires_at = uuid7(), clock.now() + _LIFE
    session.add(row)
    session.flush()
    return token


def find_challenge(session: Session, token: str, purpose: ChallengePurpose) -> SignInChallenge | None:
    """What waits under this token for this purpose; None when it was answered, is too old, or is for something else."""
    return session.scalar(sa.select(SignInChallenge).where(*_is(token, purpose)))


def close_challenge(session: Session, token: str, purpose: ChallengePurpose) -> SignInChallenge | None:
    """As ``find_challenge``, and take it away: of two answers at once, one finds it."""
    return session.scalar(
        sa.delete(SignInChallenge).where(*_is(token, purpose)).returning(SignInChallenge), execution_options={"synchronize_session": False}
    )


def _is(token: str, purpose: ChallengePurpose) -> tuple[sa.ColumnElement[bool], ...]:
    return SignInChallenge.token_hash == digest(token[:256]), SignInChallenge.purpose == purpose, SignInChallenge.expires_at > clock.now()
