"""Second factors at the door: the second half of a sign-in, and the proof asked for before what matters (step-up).

What needs a fresh proof asks ``has_fresh_second_factor`` or ``is_confirmed`` and else sends the person to ``/confirm-it-is-you?next=...``, which brings
them back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from flask import session as cookie

from webapp.accounts import queries, service, throttle
from webapp.accounts.doors.entrance import WAITING, open_door, take_over, this_device
from webapp.accounts.doors.session import SessionDoor, current_person, renew_cookie
from webapp.accounts.passwords import verify_password
from webapp.accounts.throttle import Attempt
from webapp.accounts.types import ChallengePurpose, Factors, Outcome, SignInMethod
from webapp.http.guard import client_address
from webapp.kernel import clock
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Unauthenticated, ValidationFailed
from webapp.settings import get_settings

_WRONG_CODE = "This code is not right, or it was used already. Wait for the next one of your app, or give a recovery code."
_TOO_LATE = "The sign-in took too long; begin again."


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sign-in whose first factor was right. ``tenant_id``: where it leads, if it came by an invitation."""

    user_id: UUID
    factors: Factors
    method: SignInMethod
    tenant_id: UUID | None


def has_fresh_second_factor(max_age: timedelta, door: SessionDoor | None = None) -> bool:
    """Whether the person gave a second factor in this browser within ``max_age``. A password, however fresh, is none."""
    given = (door or current_person()).factor_at
    return given is not None and clock.now() - given <= max_age


def is_confirmed(door: SessionDoor | None = None) -> bool:
    """Whether the person proved within the minutes of the settings who they are: by second factor when they have one, else by password."""
    person = door or current_person()
    max_age = timedelta(minutes=get_settings().confirm_minutes)
    if has_fresh_second_factor(max_age, person):
        return True
    if my_factors(person):
        return False
    return person.confirmed_at is not None and clock.now() - person.confirmed_at <= max_age


def my_factors(door: SessionDoor | None = None) -> Factors:
    """The second factors of the person who is logged in."""
    with unscoped("second factors of a person") as rows:
        return queries.count_factors(rows, (door or current_person()).user_id)


def find_waiting() -> Waiting | None:
    """The sign-in of this browser that waits for its second factor."""
    token = cookie.get(WAITING)
    if not token:
        return None
    with unscoped("a sign-in that waits") as rows:
        row = service.find_challenge(rows, token, ChallengePurpose.SECOND_FACTOR)
        if row is None or row.user_id is None:
            return None
        tenant = row.data.get("tenant")
        return Waiting(row.user_id, queries.count_factors(rows, row.user_id), SignInMethod(row.data["method"]), UUID(tenant) if tenant else None)


def current_waiting() -> Waiting:
    """As ``find_waiting``. Raises ``Unauthenticated``."""
    waiting = find_waiting()
    if waiting is None:
        raise Unauthenticated(_TOO_LATE)
    return waiting


def finish_with_code(code: str) -> None:
    """The second half of a sign-in. Raises ``ValidationFailed`` for a wrong code, ``Unauthenticated`` when there is none that waits, ``RateLimited``."""
    user_id = current_waiting().user_id
    finish(user_id, prove_by_code(user_id, code))


def finish(user_id: UUID, method: SignInMethod) -> None:
    """Open the session of a sign-in whose second factor was right. Its challenge is gone afterwards: it serves once."""
    waiting = current_waiting()
    with unscoped("login") as rows:
        if service.close_challenge(rows, cookie.get(WAITING, ""), ChallengePurpose.SECOND_FACTOR) is None or waiting.user_id != user_id:
            raise Unauthenticated(_TOO_LATE)
        token = open_door(rows, queries.get_user(rows, user_id), method, tenant_id=waiting.tenant_id, with_factor=True)
    take_over(token)


def prove_by_code(user_id: UUID, code: str) -> SignInMethod:
    """Take a code of the app or a recovery code. Raises ``ValidationFailed`` and ``RateLimited``."""
    throttle.check(Attempt.FACTOR, str(user_id), client_address())
    with unscoped("second factor") as rows:
        method = service.take_code(rows, user_id, code)
        if method is None:
            service.note_sign_in(rows, queries.get_user(rows, user_id), SignInMethod.TOTP, Outcome.WRONG_FACTOR, this_device())
    if method is None:
        throttle.blame(Attempt.FACTOR, client_address())
        raise ValidationFailed(_WRONG_CODE, param="code")
    throttle.forgive(Attempt.FACTOR, str(user_id))
    return method


def confirm_by_code(code: str) -> None:
    """Prove who one is by second factor. Raises ``ValidationFailed`` and ``RateLimited``."""
    prove_by_code(current_person().user_id, code)
    renew_cookie(confirmed=True, with_factor=True)


def confirm_by_password(password: str) -> None:
    """Prove who one is by password; not enough for people who have a second factor. Raises ``ValidationFailed`` and ``RateLimited``."""
    person = current_person()
    if my_factors(person):
        raise ValidationFailed("You have a second factor: give a code of it.", param="code")
    throttle.check(Attempt.LOGIN, f"change|{person.user_id}", client_address())
    with unscoped("proof by password") as rows:
        known = queries.get_user(rows, person.user_id).password_hash
    if not verify_password(known, password):
        raise ValidationFailed("This is not your current password.", param="password")
    throttle.forgive(Attempt.LOGIN, f"change|{person.user_id}")
    renew_cookie(confirmed=True)
