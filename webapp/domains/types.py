"""Values of domains that other slices use."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class DomainStatus(StrEnum):
    """``pending``: challenge not seen yet; ``verified``: may be sent from; ``failed``: it was verified, the proof is gone."""

    PENDING = "pending"
    VERIFIED = "verified"
    FAILED = "failed"


class DkimAlgorithm(StrEnum):
    """Signature algorithms of RFC 8301 and RFC 8463."""

    RSA = "rsa-sha256"
    ED25519 = "ed25519-sha256"


class RecordState(StrEnum):
    """What the last look-up of one DNS record found."""

    UNCHECKED = "unchecked"
    OK = "ok"
    MISSING = "missing"
    DIFFERENT = "different"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One record to publish, with what the last check found. ``purpose``: challenge, dkim or dmarc; ``required``: sending waits for it."""

    purpose: str
    type: str
    name: str
    value: str
    required: bool
    state: RecordState
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signer:
    """One active DKIM key: ``d=domain; s=selector``, the private key as PKCS #8 PEM."""

    domain: str
    selector: str
    algorithm: DkimAlgorithm
    private_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SendingIdentity:
    """A verified domain that covers a From domain, with the keys to sign with (none until their records were seen)."""

    domain_id: UUID
    domain: str
    signers: tuple[Signer, ...]
