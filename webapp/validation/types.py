"""Values of address checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What to do with an address: write, think twice, do not write, ask again later."""

    VALID = "valid"
    RISKY = "risky"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """How one check ended. ``skipped``: an earlier one had decided."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class MailServers(StrEnum):
    """What DNS says about mail to a domain."""

    MX = "mx"
    #: No MX, but an address: mail goes there (RFC 5321 section 5.1).
    IMPLICIT = "implicit_mx"
    #: The domain says that it takes no mail (RFC 7505).
    NULL = "null_mx"
    NONE = "no_mail_server"
    #: The resolver failed, or had no time.
    UNKNOWN = "dns_unavailable"


@dataclass(frozen=True, slots=True)
class DomainFacts:
    """What was found about a domain. ``hosts``: its mail servers, the preferred first."""

    mail: MailServers
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One check, in words. ``records``: mail servers, for the check of DNS."""

    status: Outcome
    detail: str | None = None
    records: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """The judgement of one address. ``email`` as it was given, ``address`` as it would be written to; ``reasons`` name what spoke against it."""

    email: str
    address: str | None
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    suggestion: str | None = None
    checks: dict[str, Check] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        """Whether mail would be taken for delivery: everything but invalid and unknown."""
        return self.verdict in (Verdict.VALID, Verdict.RISKY)
