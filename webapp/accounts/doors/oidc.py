"""The door of people who come from an identity provider. It stands for the first factor: a second one set up here is asked for all the same."""

from __future__ import annotations

import secrets
from uuid import UUID

from flask import session as cookie

from webapp.accounts import oidc, queries, service
from webapp.accounts.doors.entrance import PROOF, enter
from webapp.accounts.doors.session import current_person
from webapp.accounts.models import SignInChallenge
from webapp.accounts.types import ChallengePurpose, SignInMethod
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Forbidden, ValidationFailed

_HELD = "oidc"
_TOO_LATE = "This took too long, or was begun in another browser. Try again."


def set_out(wanted: str, *, link_to: UUID | None = None) -> str:
    """Begin a journey to the provider; the address to go to. ``link_to``: the signed-in person who wants to connect their identity."""
    journey = oidc.begin()
    purpose = ChallengePurpose.OIDC_LINK if link_to else ChallengePurpose.OIDC
    data = {"state": journey.state, "nonce": journey.nonce, "verifier": journey.verifier, "next": wanted}
    with unscoped("a journey to the identity provider") as rows:
        cookie[_HELD] = service.open_challenge(rows, purpose, user_id=link_to, data=data)
    return journey.url


def arrive(state: str, code: str) -> tuple[str, str]:
    """Back from the provider: what came of it (``in``, ``factor``, ``linked``, ``prove``) and where the person was going.

    ``prove``: there is an account with this address; its owner signs in there once, and the identity is connected then.
    Raises ``ValidationFailed``, ``Forbidden``, ``Conflict`` and ``Unavailable``.
    """
    row = _take_journey()
    if not secrets.compare_digest(str(row.data["state"]), state) or not code:
        raise ValidationFailed(_TOO_LATE)
    claims = oidc.finish(code, row.data["verifier"], row.data["nonce"])
    wanted = str(row.data["next"])
    if row.purpose == ChallengePurpose.OIDC_LINK:
        if current_person().user_id != row.user_id:
            raise ValidationFailed(_TOO_LATE)
        with unscoped("an identity is connected") as rows:
            service.link_identity(rows, current_person().user_id, claims.issuer, claims.subject, claims.email)
        return "linked", wanted
    return _let_in(claims), wanted


def _take_journey() -> SignInChallenge:
    held = cookie.pop(_HELD, "")
    with unscoped("back from the identity provider") as rows:
        for purpose in (ChallengePurpose.OIDC, ChallengePurpose.OIDC_LINK):
            if (row := service.close_challenge(rows, held, purpose)) is not None:
                return row
    raise ValidationFailed(_TOO_LATE)


def _let_in(claims: oidc.Claims) -> str:
    with unscoped("login by an identity") as rows:
        known = service.find_identity(rows, claims.issuer, claims.subject)
        if known is not None:
            service.note_identity_use(known, claims.email)
        user = queries.get_user(rows, known.user_id) if known else queries.find_user(rows, claims.email)
        if user is None:
            raise Forbidden(f"There is no account for {claims.email}. Ask for an invitation, or make an account and connect it in your security settings.")
        if user.disabled_at is not None:
            raise Forbidden("This account is closed.")
        user_id = user.id
        if known is None:
            data = {"issuer": claims.issuer, "subject": claims.subject, "email": claims.email}
            cookie[PROOF] = service.open_challenge(rows, ChallengePurpose.OIDC_PROOF, user_id=user_id, data=data)
            cookie["email_hint"] = claims.email
            return "prove"
    return "in" if enter(user_id, SignInMethod.OIDC) else "factor"
