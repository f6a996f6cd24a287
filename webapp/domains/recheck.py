"""When a domain is looked up again by itself: often while somebody waits for it, daily once it stands."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from webapp.domains.models import DkimKey, Domain
from webapp.domains.types import DnsRecord, DomainStatus, KeyState, Need, OffReason, RecordState
from webapp.settings import get_settings

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: How long somebody is taken to sit in front of the page.
_WATCHED = timedelta(minutes=15)


def next_check(domain: Domain, keys: Sequence[DkimKey], records: Sequence[DnsRecord], at: datetime) -> datetime | None:
    """The time of the next check after one at ``at``; None: only when somebody asks for it."""
    if domain.vouched:
        return None
    if domain.status == DomainStatus.PENDING:
        return _while_waiting(domain.challenge_at, at)
    if domain.status == DomainStatus.FAILING:
        return min(at + _HOUR, max(ends_at(domain), at + _MINUTE))
    if domain.status == DomainStatus.OFF:
        lapsed = domain.off_reason == OffReason.LAPSED and domain.failing_since
        return at + _DAY if lapsed and at < ends_at(domain) + timedelta(days=get_settings().domain_pending_days) else None
    soon = _while_waiting(_waits_since(domain, keys, records), at)
    daily = at + timedelta(hours=get_settings().domain_active_hours) * random.uniform(0.9, 1.0)  # not all at the same minute
    return min(soon, daily) if soon else daily


def ends_at(domain: Domain) -> datetime:
    """When a failing domain is switched off."""
    assert domain.failing_since is not None
    return domain.failing_since + timedelta(days=get_settings().domain_grace_days)


def _waits_since(domain: Domain, keys: Sequence[DkimKey], records: Sequence[DnsRecord]) -> datetime | None:
    """Since when a verified domain waits for a record that should come: a new key, or what was recommended at the start."""
    waiting = [key.created_at for key in keys if key.state is KeyState.WAITING]
    if any(record.need is Need.RECOMMENDED and record.state is not RecordState.OK for record in records) and domain.verified_at:
        waiting.append(domain.verified_at)
    return max(waiting, default=None)


def _while_waiting(since: datetime | None, at: datetime) -> datetime | None:
    settings = get_settings()
    if since is None or at - since > timedelta(days=settings.domain_pending_days):
        return None
    if at - since < _WATCHED:
        return at + _MINUTE
    return at + (timedelta(minutes=settings.domain_pending_minutes) if at - since < _DAY else _HOUR)
