"""Links in mail of tenants that were suspended for abuse: they lead to a warning, not to where the tenant wanted people.

Asked with every click, so it must cost nothing as long as nobody is suspended for abuse: then a set that is at most four seconds old is empty. Unsubscribe
links are not asked: they work whatever happened.
"""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
import structlog

from webapp.kernel.db import unscoped
from webapp.kernel.ttl_cache import TtlCache
from webapp.messages.models import Message
from webapp.tenants.service import suspended_for_abuse

log = structlog.get_logger()
_tenants: TtlCache[UUID, UUID] = TtlCache(300.0, 50_000)


def is_stopped(message_id: UUID) -> bool:
    """Whether the message is of a tenant that is suspended for abuse. False while the database is away: honest links go on working."""
    try:
        stopped = suspended_for_abuse()
        return bool(stopped) and _tenant_of(message_id) in stopped
    except sa.exc.SQLAlchemyError as error:
        log.warning("database_away", what="suspended tenants", error=type(error).__name__)
        return False


def _tenant_of(message_id: UUID) -> UUID | None:
    found = _tenants.find(message_id)
    if found is None:
        with unscoped("the token of a link names its message, not its tenant") as session:
            tenant = session.scalar(sa.select(Message.tenant_id).where(Message.id == message_id))
        if tenant is None:
            return None
        _tenants.put(message_id, tenant)
        return tenant
    return found[0]
