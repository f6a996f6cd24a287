"""Values of transport security that other slices and the delivery processes use."""

from __future__ import annotations

import datetime
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PolicyRecord:
    """An MTA-STS policy of a domain, as it is kept. Times are aware UTC."""

    domain: str
    policy_id: str
    mode: str
    mx: tuple[str, ...]
    fetched_at: datetime.datetime
    expires_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class TlsSessions:
    """``sessions`` of one kind on one day; the words are those of RFC 8460."""

    day: datetime.date
    domain: str
    policy_type: str
    result: str
    mx: str
    source_ip: str
    remote_ip: str
    sessions: int
    reason: str = ""
    policy: str = ""


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One domain on one day: what a report of it would count."""

    day: datetime.date
    domain: str
    policy_type: str
    good: int
    bad: int
