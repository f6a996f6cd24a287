"""What people do who are not logged in yet: sign in, sign up, ask for a new password, accept an invitation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from flask import request
from flask import session as cookie
from sqlalchemy.orm import Session

from webapp.accounts import queries, service, throttle
from webapp.accounts.doors.session import end, load_session, set_cookie
from webapp.accounts.models import User
from webapp.accounts.passwords import check_password, hash_password, needs_rehash, verify_password
from webapp.accounts.throttle import Attempt
from webapp.accounts.types import ChallengePurpose, Device, Outcome, SignInMethod, TokenPurpose
from webapp.http.guard import client_address
from webapp.kernel import clock
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Conflict, Forbidden, Unauthenticated
from webapp.settings import get_settings

T = TypeVar("T")
_WRONG = "The address or the password is wrong."
#: Where the browser keeps the token of a sign-in that waits for its second factor.
WAITING = "sign_in"
#: Where it keeps the token of an identity that waits for the proof of the account's owner.
PROOF = "identity_proof"


def this_device() -> Device:
    """Where the request comes from."""
    return Device(client_address(), request.user_agent.string)


def log_in(email: str, password: str) -> bool:
    """Check the password, and open a session unless a second factor is asked for; False then: the browser holds the sign-in that waits.

    Raises ``Unauthenticated`` (the same for every reason) and ``RateLimited``.
    """
    user_id = check_login(email, password, client_address())
    return enter(user_id, SignInMethod.PASSWORD)


def enter(user_id: UUID, method: SignInMethod, *, tenant_id: UUID | None = None) -> bool:
    """Let somebody in whose first factor was right: at once, or (False) once they give their second one."""
    with unscoped("login") as rows:
        user = queries.get_user(rows, user_id)
        waits = bool(queries.count_factors(rows, user_id))
        if waits:
            data = {"method": method.value, "tenant": str(tenant_id) if tenant_id else None}
            token = service.open_challenge(rows, ChallengePurpose.SECOND_FACTOR, user_id=user_id, data=data)
        else:
            token = open_door(rows, user, method, tenant_id=tenant_id)
    if waits:
        cookie[WAITING] = token
        return False
    take_over(token)
    return True


def open_door(rows: Session, user: User, method: SignInMethod, *, tenant_id: UUID | None = None, with_factor: bool = False) -> str:
    """A session for somebody who has proven everything that is asked for; its token. Written into the history, and told when it is unusual."""
    device = this_device()
    service.note_sign_in(rows, user, method, Outcome.SUCCESS, device)
    factor_at = clock.now() if with_factor else None
    return service.open_session(rows, user, device.address, device.user_agent, tenant_id=tenant_id, method=method, factor_at=factor_at)


def take_over(token: str) -> None:
    """Put the new session into this browser. One it had before ends: nobody may have planted it."""
    old, proof = load_session(), cookie.get(PROOF)
    if old is not None:
        end(old)
    set_cookie(token)
    if proof:
        _connect_identity(proof)


def _connect_identity(proof: str) -> None:
    """The provider proved who they are there, and now they proved who they are here: the same person, if the account is the one that was meant."""
    person = load_session()
    with contextlib.suppress(Conflict), unscoped("an identity is connected after proof of both") as rows:
        row = service.close_challenge(rows, proof, ChallengePurpose.OIDC_PROOF)
        if row is not None and person is not None and row.user_id == person.user_id:
            service.link_identity(rows, person.user_id, row.data["issuer"], row.data["subject"], row.data["email"])


def check_login(email: str, password: str, address: str) -> UUID:
    """Who has this address and password. Raises ``Unauthenticated`` and ``RateLimited``. No connection is held while Argon2 works."""
    throttle.check(Attempt.LOGIN, email, address)
    with unscoped("login look-up") as rows:
        user = queries.find_user(rows, email)
    right = verify_password(user.password_hash if user else None, password)
    if user is None or not right or user.disabled_at is not None:
        throttle.blame(Attempt.LOGIN, address)
        with unscoped("login history") as rows:
            service.note_sign_in(rows, user, SignInMethod.PASSWORD, Outcome.WRONG_PASSWORD, this_device())
        raise Unauthenticated(_WRONG)
    throttle.forgive(Attempt.LOGIN, email)
    if needs_rehash(user.password_hash or ""):
        renewed = hash_password(password)
        with unscoped("password rehash") as rows:
            queries.get_user(rows, user.id).password_hash = renewed
    return user.id


def sign_up(email: str, name: str, tenant_name: str, password: str, request_id: str | None) -> None:
    """Make user, tenant and membership. The same answer and work for an address that has an account. Raises ``ValidationFailed``, ``RateLimited``."""
    if not get_settings().signup_open:
        raise Forbidden("Sign-up is closed on this server; ask its operator for an invitation.")
    check_password(password, (email, name, tenant_name))
    throttle.check(Attempt.SIGN_UP, email, client_address())
    wish = service.NewAccount(email, name, tenant_name, hash_password(password))
    with unscoped("sign-up") as rows:
        service.sign_up(rows, wish, address=client_address(), request_id=request_id)


def request_reset(email: str) -> None:
    """Ask for a reset mail. Raises ``RateLimited``."""
    throttle.check(Attempt.RESET, email, client_address())
    with unscoped("password reset") as rows:
        service.request_reset(rows, email)


def with_token(token: str, reason: str, act: Callable[[Session], T]) -> T:
    """Run an act that a mailed token allows, in a transaction over all tenants. Raises what ``act`` raises, and ``RateLimited``."""
    throttle.check(Attempt.TOKEN, token[:64], client_address())
    with unscoped(reason) as rows:
        return act(rows)


def join(token: str, name: str | None, password: str) -> bool:
    """Accept an invitation and log in, as ``log_in`` does: a person with an account by its password, or by being signed in with the invited address;
    a new one by choosing name and password.

    Raises ``ValidationFailed`` (the link is over, weak password), ``Unauthenticated`` (wrong password), ``Conflict`` and ``RateLimited``.
    """
    throttle.check(Attempt.TOKEN, token[:64], client_address())
    with unscoped("invitation") as rows:
        row = queries.find_token(rows, token, TokenPurpose.INVITATION)
        email, tenant_id = (row.email, row.tenant_id) if row else (None, None)
        known = email is not None and queries.find_user(rows, email) is not None
    here = load_session()
    if here is not None and here.email == email:
        return _join_as(token, here.user_id, tenant_id)
    if known and email:
        user_id = check_login(email, password, client_address())
        with unscoped("second factors of a person who is invited") as rows:
            if queries.count_factors(rows, user_id):
                raise Forbidden("Your account has a second factor: sign in first, then open the link of the invitation again.")
        return _join_as(token, user_id, tenant_id)
    with unscoped("invitation") as rows:
        user = service.accept_invitation(rows, token, name=name, password=password, user_id=None)
    return enter(user.id, SignInMethod.INVITATION, tenant_id=tenant_id)


def _join_as(token: str, user_id: UUID, tenant_id: UUID | None) -> bool:
    """Somebody with an account, who has proven it. One who is signed in stays so, and works for the new tenant from now on."""
    here = load_session()
    with unscoped("invitation") as rows:
        user = service.accept_invitation(rows, token, name=None, password=None, user_id=user_id)
        if here is not None and here.user_id == user_id and tenant_id is not None:
            set_later = service.switch_tenant(rows, here.session_id, user_id, tenant_id)
        else:
            set_later = open_door(rows, user, SignInMethod.PASSWORD, tenant_id=tenant_id)
    if here is not None and here.user_id == user_id:
        set_cookie(set_later)
    else:
        take_over(set_later)
    return True
