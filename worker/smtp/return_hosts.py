"""Which hosts a return path may stand at: the platform's own, and a tenant's only for recipients of that tenant."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from webapp.kernel.db import unscoped

# By the domain above the host, whatever the host is called now: mail sent before a change still comes back.
_OWNER = sa.text(
    "select exists (select from recipients r join domains d on d.tenant_id = r.tenant_id "
    "where r.id = :recipient and d.name = :domain and d.verified_at is not null)"
)


def takes_returns(host: str, recipient_id: UUID) -> bool:
    """Whether mail to a valid token of ``recipient_id`` is taken at ``host``, which is not the platform's own. Asks the database."""
    with unscoped("a return path names its recipient, not its tenant") as session:
        return bool(session.scalar(_OWNER, {"recipient": recipient_id, "domain": host.lower().partition(".")[2]}))
