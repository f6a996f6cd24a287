"""Values of sending accounts that other slices use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TlsPolicy(StrEnum):
    """How a relay connection is encrypted. ``required`` and ``implicit`` verify the certificate; ``opportunistic`` takes what is offered."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"
    REQUIRED = "required"
    IMPLICIT = "implicit"


class AuthMethod(StrEnum):
    """How to log in at a relay. ``auto``: PLAIN, LOGIN or CRAM-MD5, whichever it offers; ``xoauth2``: the password is an access token."""

    AUTO = "auto"
    PLAIN = "plain"
    LOGIN = "login"
    CRAM_MD5 = "cram-md5"
    XOAUTH2 = "xoauth2"


@dataclass(frozen=True, slots=True)
class Usage:
    """Messages an account took in this hour and today (UTC), beside its quotas (None: no bound)."""

    this_hour: int
    today: int
    hourly_quota: int | None
    daily_quota: int | None
    #: When the quota that is used up begins anew; None while there is something left.
    resets_at: datetime | None

    @property
    def left(self) -> int | None:
        """How many more it may take now; None: no bound."""
        bounds = [quota - used for quota, used in ((self.hourly_quota, self.this_hour), (self.daily_quota, self.today)) if quota is not None]
        return max(0, min(bounds)) if bounds else None


@dataclass(frozen=True, slots=True)
class UsageHour:
    """Messages taken in one hour."""

    hour: datetime
    sent: int


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """How a test of a relay went: ``ok``, one sentence for a person, and the conversation, secrets blotted out."""

    ok: bool
    summary: str
    transcript: tuple[str, ...] = ()


def as_lines(headers: Mapping[str, str]) -> bytes:
    """The header fields of a relay as they stand in a mail, each with CR LF."""
    return "".join(f"{name}: {text}\r\n" for name, text in headers.items()).encode("ascii")
