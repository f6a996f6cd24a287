"""SendGrid, Mailgun, Postmark, Brevo, and whoever speaks our own form."""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from webapp.kernel.errors import InvalidParameter
from webapp.webhooks.providers import fields
from webapp.webhooks.providers.proofs import AHEAD, check_equal, check_shared_secret, check_time, refuse
from webapp.webhooks.service.signing import key_of, sign
from webapp.webhooks.types import MtaEvent, MtaReport

# SendGrid's signed event webhook: ECDSA P-256 over timestamp and raw body; the secret is the public key it shows.


def verify_sendgrid(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """``X-Twilio-Email-Event-Webhook-Signature`` and ``-Timestamp``. Raises ``Unauthenticated``."""
    stamp = headers.get("x-twilio-email-event-webhook-timestamp", "")
    try:
        key = load_der_public_key(base64.b64decode(secret, validate=True))
        signature = base64.b64decode(headers.get("x-twilio-email-event-webhook-signature", ""), validate=True)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise refuse("the key of the hook is of another kind")
        key.verify(signature, stamp.encode("utf-8", "replace") + body, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, binascii.Error, ValueError):
        raise refuse("its signature is wrong") from None
    check_time(stamp)


_SENDGRID = {"bounce": MtaEvent.BOUNCE, "spamreport": MtaEvent.COMPLAINT, "delivered": MtaEvent.DELIVERED, "deferred": MtaEvent.DEFERRED}


def read_sendgrid(body: bytes) -> list[MtaReport]:
    """Events of the four kinds that concern us. A `blocked` bounce is no verdict about the address."""
    found = []
    for one in fields.objects(fields.load(body)):
        event = _SENDGRID.get(fields.text(one.get("event")))
        if event is MtaEvent.BOUNCE and one.get("type") == "blocked":
            event = MtaEvent.DEFERRED
        if event is not None:
            reason = one.get("reason") or one.get("response")
            key = fields.text(one.get("sg_event_id")) or f"{one.get('sg_message_id')}|{one.get('timestamp')}"
            found.append(fields.report(
                event, one.get("email"), key=key, message_id=one.get("smtp-id"), reason=reason, status=fields.status_of(one.get("status")),
                reference=fields.text(one.get("sg_message_id")).partition(".")[0],
            ))  # fmt: skip
    return [report for report in found if report is not None]


# Mailgun: HMAC-SHA256 of timestamp and token, inside of the body.


def verify_mailgun(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """The ``signature`` object. Raises ``Unauthenticated``."""
    try:
        signature = fields.inner(fields.load(body), "signature")
    except InvalidParameter:
        raise refuse("it is not JSON") from None
    stamp, token = (fields.text(fields.inner(signature, name)) for name in ("timestamp", "token"))
    expected = hmac.new(secret.encode(), f"{stamp}{token}".encode(), "sha256").hexdigest()
    check_equal(fields.text(fields.inner(signature, "signature")), expected, "its signature is wrong")
    check_time(stamp)


def read_mailgun(body: bytes) -> list[MtaReport]:
    """One event. A temporary failure is noted, and decides nothing."""
    said = fields.inner(fields.load(body), "event-data")
    name = fields.text(fields.inner(said, "event"))
    lasting = fields.inner(said, "severity") == "permanent"
    known = {"complained": MtaEvent.COMPLAINT, "delivered": MtaEvent.DELIVERED, "failed": MtaEvent.BOUNCE if lasting else MtaEvent.DEFERRED}
    if name not in known:
        return []
    status = fields.inner(said, "delivery-status")
    words = " ".join(filter(None, (fields.text(fields.inner(status, word)) for word in ("code", "message", "description"))))
    made = fields.report(
        known[name], fields.inner(said, "recipient"), key=fields.text(fields.inner(said, "id")),
        message_id=fields.inner(said, "message", "headers", "message-id"), sender=fields.inner(said, "envelope", "sender"), reason=words,
        status=fields.status_of(fields.inner(status, "enhanced-code")),
    )  # fmt: skip
    return [made] if made else []


# Postmark and Brevo sign nothing: they send a secret of ours, as Basic password, Bearer token or header.


def verify_shared_secret(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """The secret itself. Raises ``Unauthenticated``."""
    check_shared_secret(secret, headers)


_POSTMARK_HARD = {"HardBounce", "BadEmailAddress", "ManuallyDeactivated", "Blocked"}


def read_postmark(body: bytes) -> list[MtaReport]:
    """Bounce, SpamComplaint and Delivery records. Its soft bounces are noted, and decide nothing."""
    said = fields.load(body)
    kind, type_ = fields.text(fields.inner(said, "RecordType")), fields.text(fields.inner(said, "Type"))
    if kind == "SpamComplaint" or type_ == "SpamComplaint":
        event = MtaEvent.COMPLAINT
    elif kind == "Bounce":
        event = MtaEvent.BOUNCE if type_ in _POSTMARK_HARD else MtaEvent.DEFERRED
    elif kind == "Delivery":
        event = MtaEvent.DELIVERED
    else:
        return []
    address = fields.inner(said, "Email") or fields.inner(said, "Recipient")
    own = fields.inner(said, "Metadata", "message-id")
    key = fields.text(fields.inner(said, "ID")) or f"{kind}|{fields.inner(said, 'MessageID')}"
    reason = fields.inner(said, "Details") or fields.inner(said, "Description")
    made = fields.report(event, address, key=key, message_id=own or fields.inner(said, "MessageID"), reason=reason, reference=fields.inner(said, "MessageID"))
    return [made] if made else []


_BREVO = {
    "hard_bounce": MtaEvent.BOUNCE, "invalid_email": MtaEvent.BOUNCE, "soft_bounce": MtaEvent.DEFERRED, "deferred": MtaEvent.DEFERRED,
    "spam": MtaEvent.COMPLAINT, "complaint": MtaEvent.COMPLAINT, "delivered": MtaEvent.DELIVERED,
}  # fmt: skip


def read_brevo(body: bytes) -> list[MtaReport]:
    """Transactional events, one or a batch."""
    found = []
    for one in fields.objects(fields.load(body)):
        event = _BREVO.get(fields.text(one.get("event")))
        if event is not None:
            key = f"{one.get('id')}|{one.get('message-id')}|{one.get('ts_event') or one.get('ts')}"
            found.append(fields.report(event, one.get("email"), key=key, message_id=one.get("message-id"), reason=one.get("reason")))
    return [report for report in found if report is not None]


# Anybody else: our own form, signed as Standard Webhooks.


def verify_generic(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """``webhook-id``, ``webhook-timestamp`` (within five minutes) and ``webhook-signature``. Raises ``Unauthenticated``."""
    stamp = headers.get("webhook-timestamp", "")
    if not stamp.isdigit() or len(stamp) > 12 or abs(time.time() - int(stamp)) > AHEAD:
        raise refuse("its webhook-timestamp is missing, or more than five minutes away")
    try:
        expected = sign([key_of(secret)], headers.get("webhook-id", ""), int(stamp), body)
    except ValueError:
        raise refuse("the hook's secret is no whsec_ secret") from None
    given = headers.get("webhook-signature", "").split(" ")[:10]
    if not any(hmac.compare_digest(one.encode("utf-8", "replace"), expected.encode()) for one in given):
        raise refuse("its webhook-signature is wrong")


def read_generic(body: bytes) -> list[MtaReport]:
    """``{"reports": [{"event", "recipient", "message_id"|"sender", "reason", "status", "id"}]}``, or one such object."""
    loaded = fields.load(body)
    rows = fields.objects(loaded["reports"] if isinstance(loaded, dict) and "reports" in loaded else loaded)
    found = [_generic(one) for one in rows if one.get("event") in list(MtaEvent)]
    return [report for report in found if report is not None]


def _generic(one: dict[str, Any]) -> MtaReport | None:
    key = fields.text(one.get("id")) or "|".join(fields.text(one.get(name)) for name in ("message_id", "sender", "reason", "status"))
    return fields.report(
        MtaEvent(one["event"]), one.get("recipient"), key=key, message_id=one.get("message_id"), sender=one.get("sender"), reason=one.get("reason"),
        status=fields.status_of(one.get("status")),
    )  # fmt: skip
