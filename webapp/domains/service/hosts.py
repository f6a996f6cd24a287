"""Hosts under tenants' domains that lead here: which names are answered for, remembered for a minute."""

from __future__ import annotations

import sqlalchemy as sa

from webapp.domains.models import Domain
from webapp.kernel.db import unscoped
from webapp.kernel.ttl_cache import TtlCache

_known: TtlCache[str, bool] = TtlCache(seconds=60.0, size=10_000)


def is_tracking_host(host: str) -> bool:
    """Whether ``host`` (lower case, no port) is a tenant's tracking host whose CNAME was seen. Asks the database once a minute and host."""
    found = _known.find(host)
    if found is None:
        label, _, name = host.partition(".")
        wanted = sa.select(Domain.id).where(Domain.name == name, Domain.tracking_label == label, Domain.tracking_verified_at.is_not(None))
        with unscoped("a Host header names no tenant") as session:
            found = (session.scalar(wanted.where(Domain.verified_at.is_not(None)).limit(1)) is not None,)
        _known.put(host, found[0])
    return found[0]


def forget_hosts() -> None:
    """Ask anew; for tests."""
    _known.clear()
