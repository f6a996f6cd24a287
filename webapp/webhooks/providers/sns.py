"""Amazon SES by way of SNS: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html. The hook's secret is the topic's ARN.

The certificate comes from the address in the message, which must be Amazon's own; so must the one that confirms the subscription. Both are fetched from
checked addresses only, without redirects.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from webapp.kernel.errors import InvalidParameter
from webapp.webhooks.providers import fields
from webapp.webhooks.providers.fetching import fetch
from webapp.webhooks.providers.proofs import check_equal, check_time, refuse
from webapp.webhooks.types import MtaEvent, MtaReport

_HOST = re.compile(r"sns\.[a-z]{2}(-[a-z]+)+-\d\.amazonaws\.com(\.cn)?")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_certificates: dict[str, tuple[float, rsa.RSAPublicKey]] = {}
_KEEP_SECONDS = 86400.0


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Topic, certificate, signature and time. Raises ``Unauthenticated``."""
    envelope = _envelope(body)
    check_equal(fields.text(envelope.get("TopicArn")), secret, "it is of another topic")
    kind = fields.text(envelope.get("Type"))
    if kind not in _SIGNED:
        raise refuse("SNS has no such type of message")
    version = fields.text(envelope.get("SignatureVersion"))
    if version not in ("1", "2"):
        raise refuse("its SignatureVersion is unknown")
    _check_signature(envelope, kind, hashes.SHA1() if version == "1" else hashes.SHA256())
    check_time(_seconds(fields.text(envelope.get("Timestamp"))))


def _envelope(body: bytes) -> dict[str, Any]:
    try:
        loaded = fields.load(body)
    except InvalidParameter:
        raise refuse("it is no message of SNS") from None
    if not isinstance(loaded, dict):
        raise refuse("it is no message of SNS")
    return loaded


def _check_signature(envelope: dict[str, Any], kind: str, algorithm: hashes.HashAlgorithm) -> None:
    said = "".join(f"{name}\n{envelope[name]}\n" for name in _SIGNED[kind] if isinstance(envelope.get(name), str))
    key = _key(fields.text(envelope.get("SigningCertURL")))
    try:
        signature = base64.b64decode(fields.text(envelope.get("Signature")), validate=True)
        key.verify(signature, said.encode(), padding.PKCS1v15(), algorithm)
    except (InvalidSignature, binascii.Error, ValueError):
        raise refuse("its signature is wrong") from None


def _key(url: str) -> rsa.RSAPublicKey:
    known = _certificates.get(url)
    if known is not None and known[0] > time.monotonic():
        return known[1]
    if not is_amazons(url) or not urlsplit(url).path.endswith(".pem"):
        raise refuse("its certificate is not at Amazon's address")
    try:
        key = x509.load_pem_x509_certificate(fetch(url)).public_key()
    except (OSError, ValueError):
        raise refuse("its certificate cannot be had") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise refuse("its certificate is of another kind")
    if len(_certificates) > 50:
        _certificates.clear()
    _certificates[url] = (time.monotonic() + _KEEP_SECONDS, key)
    return key


def is_amazons(url: str) -> bool:
    """Whether an address is one of SNS itself: https, its host, its port."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme == "https" and parts.port in (None, 443) and parts.username is None
    except ValueError:
        return False
    return plain and _HOST.fullmatch(parts.hostname or "") is not None


def _seconds(timestamp: str) -> float | None:
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except ValueError:
        return None


def read(body: bytes) -> list[MtaReport]:
    """Bounces, complaints, deliveries and delays of a notification (or event); a subscription is confirmed, and reports nothing."""
    envelope = fields.load(body)
    if envelope.get("Type") == "SubscriptionConfirmation":
        url = fields.text(envelope.get("SubscribeURL"))
        if not is_amazons(url):
            raise refuse("its SubscribeURL is not Amazon's")
        fetch(url)
        return []
    if envelope.get("Type") != "Notification":
        return []
    said = fields.load(fields.text(envelope.get("Message"), 300_000).encode())
    return [made for made in _reports(said) if made is not None] if isinstance(said, dict) else []


def _reports(said: dict[str, Any]) -> list[MtaReport | None]:
    kind = fields.text(said.get("notificationType") or said.get("eventType"))
    mail = {
        "message_id": _original_id(said), "sender": fields.inner(said, "mail", "source"), "reference": fields.inner(said, "mail", "messageId"),
    }  # fmt: skip
    unique = fields.text(fields.inner(said, "mail", "messageId"))
    match kind:
        case "Bounce":
            event = MtaEvent.BOUNCE if fields.inner(said, "bounce", "bounceType") == "Permanent" else MtaEvent.DEFERRED
            people = fields.objects(fields.inner(said, "bounce", "bouncedRecipients"))
            return [_bounce(event, one, f"{kind}|{unique}", mail) for one in people]
        case "Complaint":
            people = fields.objects(fields.inner(said, "complaint", "complainedRecipients"))
            reason = fields.inner(said, "complaint", "complaintFeedbackType")
            return [fields.report(MtaEvent.COMPLAINT, one.get("emailAddress"), key=f"{kind}|{unique}", reason=reason, **mail) for one in people]
        case "Delivery":
            people_ = fields.inner(said, "delivery", "recipients")
            reply = fields.inner(said, "delivery", "smtpResponse")
            return [fields.report(MtaEvent.DELIVERED, one, key=f"{kind}|{unique}", reason=reply, **mail) for one in people_ or () if isinstance(one, str)]
    return []


def _bounce(event: MtaEvent, person: dict[str, Any], key: str, mail: dict[str, Any]) -> MtaReport | None:
    status = fields.status_of(person.get("status"))
    return fields.report(event, person.get("emailAddress"), key=key, reason=person.get("diagnosticCode"), status=status, **mail)


def _original_id(said: dict[str, Any]) -> str:
    """The Message-ID we gave: SES puts its own in its place, and shows ours when original headers are included."""
    headers = {fields.text(one.get("name")).lower(): one.get("value") for one in fields.objects(fields.inner(said, "mail", "headers"))}
    return fields.text(headers.get("message-id"), 998)
