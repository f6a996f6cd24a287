"""DANE for SMTP (RFC 7672): which TLSA records count, and whether the certificates a server showed match one of them.

Only the usages 2 (DANE-TA) and 3 (DANE-EE) count; records of usage 0 and 1, of unknown selectors or matching types, or of a wrong length
are unusable. Records that are all unusable still demand TLS, without a check (RFC 7672 2.2).
"""

from __future__ import annotations

import datetime
import hashlib
import ssl
from collections.abc import Sequence
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

DANE_TA, DANE_EE = 2, 3
_FULL, _SHA256, _SHA512 = 0, 1, 2
_DIGEST = {_SHA256: (hashlib.sha256, 32), _SHA512: (hashlib.sha512, 64)}
_MAX_CHAIN = 10


class TlsaRecord(NamedTuple):
    """One TLSA record: usage, selector (0 certificate, 1 key), matching type (0 full, 1 SHA-256, 2 SHA-512), data."""

    usage: int
    selector: int
    matching: int
    data: bytes

    @property
    def usable(self) -> bool:
        """Whether SMTP may judge by it."""
        if self.usage not in (DANE_TA, DANE_EE) or self.selector not in (0, 1):
            return False
        if self.matching == _FULL:
            return bool(self.data)
        return self.matching in _DIGEST and len(self.data) == _DIGEST[self.matching][1]

    def __str__(self) -> str:
        return f"{self.usage} {self.selector} {self.matching} {self.data.hex()}"


class TlsaSet(NamedTuple):
    """The TLSA records that hold for a host: `base` is the name they stand at, which is also the name for SNI. Empty: no DANE."""

    base: str
    records: tuple[TlsaRecord, ...]


def presented_chain(tls: ssl.SSLObject) -> list[bytes]:
    """The certificates (DER) that the server sent, its own first. Nothing about them has been checked."""
    public = getattr(tls, "get_unverified_chain", None)
    if public is not None:  # Python 3.13
        return [bytes(der) for der in public()]
    inner = getattr(getattr(tls, "_sslobj", None), "get_unverified_chain", None)
    if inner is not None:
        return [ssl.PEM_cert_to_DER_cert(entry.public_bytes()) for entry in inner() or ()]
    own = tls.getpeercert(binary_form=True)
    return [own] if own else []


def matches(records: Sequence[TlsaRecord], chain: Sequence[bytes], names: Sequence[str], now: datetime.datetime) -> bool:
    """Whether a usable record holds for the certificates (DER, the server's own first).

    Usage 3 asks nothing but the match; usage 2 wants an unbroken, unexpired chain to the anchor and one of `names` in the server's
    certificate (RFC 7672 3.1, 3.2). Unreadable certificates match nothing.
    """
    if not chain:
        return False
    try:
        certificates = [x509.load_der_x509_certificate(der) for der in chain[:_MAX_CHAIN]]
        if any(record.usage == DANE_EE and record.usable and _holds(record, certificates[0]) for record in records):
            return True
        anchors = [record for record in records if record.usage == DANE_TA and record.usable]
        return bool(anchors) and _leads_to_anchor(certificates, anchors, names, now)
    except ValueError:
        return False


def _holds(record: TlsaRecord, certificate: x509.Certificate) -> bool:
    if record.selector == 0:
        data = certificate.public_bytes(Encoding.DER)
    else:
        data = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return record.data == (data if record.matching == _FULL else _DIGEST[record.matching][0](data).digest())


def _leads_to_anchor(chain: list[x509.Certificate], anchors: list[TlsaRecord], names: Sequence[str], now: datetime.datetime) -> bool:
    if not _is_valid(chain[0], now) or not _is_named(chain[0], names):
        return False
    candidates = [*chain[1:], *_whole_anchors(anchors)]
    current, seen = chain[0], 0
    if any(_holds(record, current) for record in anchors):  # a self-signed certificate that is its own anchor
        return True
    while seen < _MAX_CHAIN:
        issuer = next((one for one in candidates if one != current and _issued(one, current)), None)
        if issuer is None:
            return False
        if any(_holds(record, issuer) for record in anchors):
            return True  # the anchor itself is trusted as it is: its dates are not asked (RFC 7671 section 5.2)
        if not _is_valid(issuer, now):
            return False
        current, seen = issuer, seen + 1
    return False


def _whole_anchors(anchors: list[TlsaRecord]) -> list[x509.Certificate]:
    """Anchors given in full (2 0 0): the server need not send them."""
    return [x509.load_der_x509_certificate(record.data) for record in anchors if record.selector == 0 and record.matching == _FULL]


def _issued(issuer: x509.Certificate, subject: x509.Certificate) -> bool:
    try:
        if not issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        subject.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, InvalidSignature, ValueError, TypeError):
        return False
    return True


def _is_valid(certificate: x509.Certificate, now: datetime.datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _is_named(certificate: x509.Certificate, names: Sequence[str]) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        found = [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    return any(name_matches(pattern, name) for pattern in found for name in names)


def name_matches(pattern: str, name: str) -> bool:
    """Whether a certificate's or policy's DNS name covers `name`; `*.` stands for exactly one label, at the front only (RFC 6125)."""
    pattern, name = pattern.lower().rstrip("."), name.lower().rstrip(".")
    if pattern.startswith("*."):
        first, dot, rest = name.partition(".")
        return bool(first and dot) and rest == pattern[2:] and "." in rest
    return pattern == name
