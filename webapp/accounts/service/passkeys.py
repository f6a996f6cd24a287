"""Passkeys (WebAuthn level 2): what a browser is asked to make or sign, and the check of its answer. The library is loaded with the first one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.models import Passkey, User
from webapp.accounts.queries import get_user, list_passkeys
from webapp.accounts.relying_party import RelyingParty, relying_party
from webapp.accounts.service.factors import drop_codes_without_factor
from webapp.accounts.service.notices import tell
from webapp.accounts.types import NoticeKind
from webapp.kernel import clock
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.errors import Conflict, LimitExceeded, NotFound, ValidationFailed
from webapp.kernel.ids import uuid7

_MOST = 20
_TRANSPORTS = {"usb", "nfc", "ble", "internal", "hybrid", "smart-card", "cable"}
_REFUSED = "The passkey was not accepted. Try again, or use another way."


def our_party() -> RelyingParty:
    """Raises ``Conflict`` where passkeys cannot work."""
    party = relying_party()
    if party is None:
        raise Conflict("Passkeys need a host name: this server is reached by a bare address (setting POSTBRIDGE_PUBLIC_URL).")
    return party


def creation_options(session: Session, user: User) -> tuple[str, bytes]:
    """What the browser shall make, as JSON, and its challenge. Raises ``LimitExceeded`` and ``Conflict``."""
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import AuthenticatorSelectionCriteria, ResidentKeyRequirement, UserVerificationRequirement

    known = list_passkeys(session, user.id)
    if len(known) >= _MOST:
        raise LimitExceeded(f"An account has at most {_MOST} passkeys; remove one first.")
    options = generate_registration_options(
        rp_id=our_party().id, rp_name="Postbridge", user_name=user.email, user_id=user.id.bytes, user_display_name=user.name,
        exclude_credentials=_descriptors(known),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
    )  # fmt: skip
    return options_to_json(options), options.challenge


def request_options(session: Session, user_id: UUID | None) -> tuple[str, bytes]:
    """What the browser shall sign, as JSON, and its challenge. Without a person any passkey of ours will do, but it must check its owner (PIN, finger)."""
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import UserVerificationRequirement

    options = generate_authentication_options(
        rp_id=our_party().id, allow_credentials=_descriptors(list_passkeys(session, user_id)) if user_id else None,
        user_verification=UserVerificationRequirement.PREFERRED if user_id else UserVerificationRequirement.REQUIRED,
    )  # fmt: skip
    return options_to_json(options), options.challenge


def add_passkey(session: Session, user_id: UUID, credential: dict[str, Any], challenge: bytes, name: str) -> Passkey:
    """Keep the passkey a browser made. Raises ``ValidationFailed`` for an answer that does not fit, ``Conflict`` for one we have."""
    from webauthn import verify_registration_response
    from webauthn.helpers.exceptions import WebAuthnException

    party = our_party()
    try:
        made = verify_registration_response(credential=credential, expected_challenge=challenge, expected_rp_id=party.id, expected_origin=party.origin)
    except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError):
        raise ValidationFailed(_REFUSED, param="credential") from None
    transports = credential.get("response", {}).get("transports") or []
    row = Passkey(
        id=uuid7(), user_id=user_id, credential_id=made.credential_id, public_key=made.credential_public_key, sign_count=made.sign_count, name=name,
        transports=sorted(_TRANSPORTS.intersection(t for t in transports if isinstance(t, str))), synced=made.credential_backed_up,
    )  # fmt: skip
    with refuse_on(session, "uq_passkeys_credential_id", Conflict("This passkey is known already.", param="credential")):
        session.add(row)
    tell(session, get_user(session, user_id), NoticeKind.PASSKEY_ADDED, name=name)
    return row


def check_passkey(session: Session, credential: dict[str, Any], challenge: bytes, *, user_id: UUID | None) -> Passkey:
    """The passkey that signed the challenge. ``user_id`` None: whoever it belongs to, and it must have checked its owner.

    Raises ``ValidationFailed`` for an unknown passkey, somebody else's, a wrong signature, and a count that went back (a copied key).
    """
    from webauthn import base64url_to_bytes, verify_authentication_response
    from webauthn.helpers.exceptions import WebAuthnException

    party = our_party()
    try:
        wanted = sa.select(Passkey).where(Passkey.credential_id == base64url_to_bytes(credential["id"])).with_for_update()
        row = session.scalar(wanted)
        if row is None or user_id not in (None, row.user_id):
            raise ValidationFailed(_REFUSED, param="credential")
        signed = verify_authentication_response(
            credential=credential, expected_challenge=challenge, expected_rp_id=party.id, expected_origin=party.origin,
            credential_public_key=row.public_key, credential_current_sign_count=row.sign_count, require_user_verification=user_id is None,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError):
        raise ValidationFailed(_REFUSED, param="credential") from None
    row.sign_count, row.synced, row.last_used_at = signed.new_sign_count, signed.credential_backed_up, clock.now()
    return row


def rename_passkey(session: Session, user_id: UUID, passkey_id: UUID, name: str) -> Passkey:
    """Raises ``NotFound``, for other people's too."""
    row = get_passkey(session, user_id, passkey_id)
    row.name = name
    return row


def remove_passkey(session: Session, user_id: UUID, passkey_id: UUID) -> str:
    """Its name. Raises ``NotFound``, for other people's too."""
    row = get_passkey(session, user_id, passkey_id)
    session.delete(row)
    drop_codes_without_factor(session, user_id)
    tell(session, get_user(session, user_id), NoticeKind.PASSKEY_REMOVED, name=row.name)
    return row.name


def get_passkey(session: Session, user_id: UUID, passkey_id: UUID) -> Passkey:
    """Raises ``NotFound``, for other people's too."""
    row = session.scalar(sa.select(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == user_id))
    if row is None:
        raise NotFound("passkey")
    return row


def _descriptors(rows: list[Passkey]) -> list[Any]:
    from webauthn.helpers.structs import AuthenticatorTransport, PublicKeyCredentialDescriptor

    return [PublicKeyCredentialDescriptor(id=row.credential_id, transports=[AuthenticatorTransport(t) for t in row.transports]) for row in rows]
