"""Passkeys at the door: signing in with nothing else, as the second half of a sign-in, and as proof before what matters."""

from __future__ import annotations

import json
import secrets
from typing import Any
from uuid import UUID

from flask import session as cookie

from webapp.accounts import queries, service, throttle
from webapp.accounts.doors.entrance import open_door, take_over
from webapp.accounts.doors.factor import current_waiting, finish
from webapp.accounts.doors.session import current_person, renew_cookie
from webapp.accounts.models import SignInChallenge
from webapp.accounts.throttle import Attempt
from webapp.accounts.types import ChallengePurpose, SignInMethod
from webapp.http.guard import client_address
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Unauthenticated, ValidationFailed

_HELD = "passkey"
_LONGEST = 20_000
_TOO_LATE = ValidationFailed("This took too long; try again.", param="credential")


def ask_to_sign(purpose: ChallengePurpose, user_id: UUID | None) -> str:
    """What the browser shall sign, as JSON; the challenge waits on our side. Raises ``Conflict`` and ``RateLimited``."""
    throttle.check(Attempt.TOKEN, f"passkey|{user_id or secrets.token_hex(8)}", client_address())  # nobody named yet: the network alone counts
    with unscoped("question to a passkey") as rows:
        options, challenge = service.request_options(rows, user_id)
        cookie[_HELD] = service.open_challenge(rows, purpose, user_id=user_id, challenge=challenge)
    return options


def ask_to_make() -> str:
    """What the browser shall make, as JSON. Raises ``Conflict`` and ``LimitExceeded``."""
    user_id = current_person().user_id
    with unscoped("question to a new passkey") as rows:
        options, challenge = service.creation_options(rows, queries.get_user(rows, user_id))
        cookie[_HELD] = service.open_challenge(rows, ChallengePurpose.PASSKEY_REGISTER, user_id=user_id, challenge=challenge)
    return options


def take_question(purpose: ChallengePurpose) -> SignInChallenge:
    """What this browser was asked, once. Raises ``ValidationFailed``."""
    with unscoped("answer of a passkey") as rows:
        row = service.close_challenge(rows, cookie.pop(_HELD, ""), purpose)
    if row is None or row.challenge is None:
        raise _TOO_LATE
    return row


def read_credential(text: str) -> dict[str, Any]:
    """The browser's answer. Raises ``ValidationFailed``."""
    try:
        found = json.loads(text) if len(text) <= _LONGEST else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ValidationFailed("The browser sent no answer of a passkey. Try again, or use another way.", param="credential")
    return found


def sign_in_with_passkey(text: str) -> None:
    """First and second factor at once: the passkey is possession, and its own check of its owner is the other. Raises ``ValidationFailed``."""
    question = take_question(ChallengePurpose.PASSKEY_SIGN_IN)
    if question.user_id is not None:
        raise _TOO_LATE
    with unscoped("login with a passkey") as rows:
        row = service.check_passkey(rows, read_credential(text), question.challenge or b"", user_id=None)
        user = queries.get_user(rows, row.user_id)
        if user.disabled_at is not None:
            raise Unauthenticated("This account is closed.")
        token = open_door(rows, user, SignInMethod.PASSKEY, with_factor=True)
    take_over(token)


def finish_with_passkey(text: str) -> None:
    """The second half of a sign-in. Raises ``ValidationFailed``, ``Unauthenticated`` when none waits."""
    user_id = current_waiting().user_id
    _check(ChallengePurpose.PASSKEY_SIGN_IN, text, user_id)
    finish(user_id, SignInMethod.SECURITY_KEY)


def confirm_with_passkey(text: str) -> None:
    """Prove who one is. Raises ``ValidationFailed``."""
    _check(ChallengePurpose.PASSKEY_CONFIRM, text, current_person().user_id)
    renew_cookie(confirmed=True, with_factor=True)


def _check(purpose: ChallengePurpose, text: str, user_id: UUID) -> None:
    question = take_question(purpose)
    if question.user_id != user_id:
        raise _TOO_LATE
    with unscoped("second factor") as rows:
        service.check_passkey(rows, read_credential(text), question.challenge or b"", user_id=user_id)
