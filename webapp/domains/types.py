"""Values of domains that other slices use."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class DomainStatus(StrEnum):
    """``pending``: challenge not seen yet; ``verified``: may be sent from; ``failing``: the proof is gone, mail still leaves for some days;
    ``off``: it stayed away, or another tenant proved the domain; nothing leaves."""

    PENDING = "pending"
    VERIFIED = "verified"
    FAILING = "failing"
    OFF = "off"


class OffReason(StrEnum):
    """Why a domain is off."""

    LAPSED = "lapsed"
    TAKEN_OVER = "taken_over"


class DkimAlgorithm(StrEnum):
    """Signature algorithms of RFC 8301 and RFC 8463."""

    RSA = "rsa-sha256"
    ED25519 = "ed25519-sha256"


class KeyState(StrEnum):
    """``waiting``: its record was not seen yet; ``signing``; ``withdrawn``: the published key is another one, so it does not sign;
    ``replaced``: a newer key signs, this record stays for mail under way; ``retired``: destroyed."""

    WAITING = "waiting"
    SIGNING = "signing"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"
    RETIRED = "retired"


class Purpose(StrEnum):
    """What a record is for."""

    CHALLENGE = "challenge"
    DKIM = "dkim"
    RETURN_PATH = "return_path"
    DMARC = "dmarc"
    MX = "mx"
    TRACKING = "tracking"


class Need(StrEnum):
    """``required``: sending waits for it; ``recommended``: receivers trust mail more with it; ``optional``: only for those who want it."""

    REQUIRED = "required"
    RECOMMENDED = "recommended"
    OPTIONAL = "optional"


class RecordState(StrEnum):
    """What the last look-up of one DNS record found."""

    UNCHECKED = "unchecked"
    OK = "ok"
    MISSING = "missing"
    DIFFERENT = "different"
    UNREACHABLE = "unreachable"


class NoticeKind(StrEnum):
    """What the owners of a tenant are written about."""

    FAILING = "failing"
    LAST_DAY = "last_day"
    SWITCHED_OFF = "switched_off"
    TAKEN_OVER = "taken_over"
    DKIM_WITHDRAWN = "dkim_withdrawn"


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One record to publish, with what the last check found.

    ``key`` names it within its domain. ``host``: the name as providers want it that add the zone themselves. ``todo``: what is wrong and what
    to do, None when nothing is. ``note``: what should be known besides.
    """

    key: str
    purpose: Purpose
    type: str
    name: str
    value: str
    need: Need
    host: str = ""
    state: RecordState = RecordState.UNCHECKED
    found: tuple[str, ...] = ()
    todo: str | None = None
    note: str | None = None

    @property
    def required(self) -> bool:
        """Whether sending waits for it."""
        return self.need is Need.REQUIRED


@dataclass(frozen=True, slots=True)
class Signer:
    """One active DKIM key: ``d=domain; s=selector``, the private key as PKCS #8 PEM."""

    domain: str
    selector: str
    algorithm: DkimAlgorithm
    private_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SendingIdentity:
    """A verified domain that covers a From domain, with the keys to sign with (none until their records were seen).

    ``return_path``, ``tracking_host``: the tenant's own hosts, None while their CNAMEs were not seen.
    """

    domain_id: UUID
    domain: str
    signers: tuple[Signer, ...]
    return_path: str | None = None
    tracking_host: str | None = None


@dataclass(frozen=True, slots=True)
class Alignment:
    """Whether what mail is signed and sent with stands for its From domain, as DMARC judges it. ``why``: one sentence for people.

    ``signed_by``: the ``d=`` of the signature, None when unsigned. ``return_path``: the domain of the envelope sender.
    """

    from_domain: str
    dkim: bool
    spf: bool
    signed_by: str | None
    return_path: str
    why: str

    @property
    def passes(self) -> bool:
        """Whether either of the two is aligned, which is what DMARC asks for."""
        return self.dkim or self.spf


@dataclass(frozen=True, slots=True)
class ScoreItem:
    """One part of the score: ``points`` of ``most``, and the reason."""

    key: str
    label: str
    points: int
    most: int
    reason: str


@dataclass(frozen=True, slots=True)
class Score:
    """How well a domain is set up, 0 to 100."""

    score: int
    items: tuple[ScoreItem, ...]
    checked_at: datetime | None
