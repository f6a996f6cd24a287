"""Second factors of a person: an authenticator app and recovery codes; passkeys have a file of their own.

Whatever changes them ends the person's other sessions and tells them by mail.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts import recovery, totp
from webapp.accounts.models import Passkey, RecoveryCode, TotpSecret, User, UserSession
from webapp.accounts.queries import count_factors, get_user
from webapp.accounts.service.notices import tell
from webapp.accounts.service.sessions import end_sessions
from webapp.accounts.types import NoticeKind, SignInMethod
from webapp.kernel import clock
from webapp.kernel.errors import Conflict, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.secrets import seal, unseal

_WRONG = "This code is not right, or it was used already. Wait for the next one and check the clock of your phone."


def begin_totp(session: Session, user_id: UUID) -> str:
    """The secret for a new authenticator app: the one that waits for its first code, or a new one. Raises ``Conflict`` when an app is in force."""
    row = session.get(TotpSecret, user_id, with_for_update=True)
    if row is not None and row.confirmed_at is not None:
        raise Conflict("You have an authenticator app already; remove it before you set up another one.")
    if row is not None:
        return unseal(row.sealed, _place(user_id))
    secret = totp.new_secret()
    session.add(TotpSecret(user_id=user_id, sealed=seal(secret, _place(user_id))))
    session.flush()
    return secret


def confirm_totp(session: Session, user_id: UUID, code: str) -> None:
    """Put the app in force with its first right code. Raises ``ValidationFailed`` and ``Conflict``."""
    begin_totp(session, user_id)
    row = session.get_one(TotpSecret, user_id)
    if not _take_step(row, code):
        raise ValidationFailed(_WRONG, param="code")
    row.confirmed_at = clock.now()
    tell(session, get_user(session, user_id), NoticeKind.TOTP_ADDED)


def remove_totp(session: Session, user_id: UUID) -> None:
    """Take the app away. Raises ``Conflict`` when there is none."""
    gone = session.execute(sa.delete(TotpSecret).where(TotpSecret.user_id == user_id).returning(TotpSecret.confirmed_at)).scalar()
    if gone is None:
        raise Conflict("You have no authenticator app.")
    drop_codes_without_factor(session, user_id)
    tell(session, get_user(session, user_id), NoticeKind.TOTP_REMOVED)


def renew_codes(session: Session, user_id: UUID) -> list[str]:
    """Ten new recovery codes; the ones before are void. Raises ``Conflict`` for a person without a second factor."""
    if not count_factors(session, user_id):
        raise Conflict("Recovery codes stand in for a second factor; set one up first.")
    session.execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = recovery.new_codes()
    session.add_all(RecoveryCode(id=uuid7(), user_id=user_id, code_hash=recovery.hash_code(user_id, code)) for code in codes)
    session.flush()
    return codes


def take_code(session: Session, user_id: UUID, typed: str) -> SignInMethod | None:
    """What the typed text proves: a code of the app or a recovery code, each taken once; None when it proves nothing."""
    if recovery.looks_like_one(typed):
        return SignInMethod.RECOVERY_CODE if _take_recovery_code(session, user_id, typed) else None
    row = session.get(TotpSecret, user_id, with_for_update=True)
    if row is None or row.confirmed_at is None:
        return None
    return SignInMethod.TOTP if _take_step(row, typed) else None


def reset_factors(session: Session, user: User, by: str) -> None:
    """Take every second factor from a person, end all their sessions and tell them who did it."""
    for table in (TotpSecret, Passkey, RecoveryCode):
        session.execute(sa.delete(table).where(table.user_id == user.id))
    end_sessions(session, user.id)
    tell(session, user, NoticeKind.FACTORS_RESET, by=by)


def drop_factors_since(session: Session, user_id: UUID, since: datetime) -> None:
    """Take away what was added to an account while somebody else had it."""
    session.execute(sa.delete(TotpSecret).where(TotpSecret.user_id == user_id, TotpSecret.created_at >= since))
    session.execute(sa.delete(Passkey).where(Passkey.user_id == user_id, Passkey.created_at >= since))
    drop_codes_without_factor(session, user_id)


def note_proof(session: Session, session_id: UUID, *, with_factor: bool) -> None:
    """The person has proven who they are in this session, by a second factor or by the password alone."""
    values = {"confirmed_at": clock.now()} | ({"factor_at": clock.now()} if with_factor else {})
    session.execute(sa.update(UserSession).where(UserSession.id == session_id).values(values))


def drop_codes_without_factor(session: Session, user_id: UUID) -> None:
    """Recovery codes go with the last factor they stood in for."""
    session.flush()
    if not count_factors(session, user_id):
        session.execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


def _take_recovery_code(session: Session, user_id: UUID, typed: str) -> bool:
    found = session.scalar(
        sa.update(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.code_hash == recovery.hash_code(user_id, typed), RecoveryCode.used_at.is_(None))
        .values(used_at=clock.now()).returning(RecoveryCode.id)
    )  # fmt: skip
    if found is None:
        return False
    left = count_factors(session, user_id).codes_left
    tell(session, get_user(session, user_id), NoticeKind.RECOVERY_CODE_USED, left=left)
    return True


def _take_step(row: TotpSecret, typed: str) -> bool:
    code = "".join(c for c in typed if c.isascii() and c.isdigit())
    step = totp.matching_step(unseal(row.sealed, _place(row.user_id)), code, row.last_step) if len(code) == 6 else None
    if step is not None:
        row.last_step = step
    return step is not None


def _place(user_id: UUID) -> str:
    return f"{user_id}|totp_secrets|sealed"
