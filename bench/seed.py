"""Makes the tenant that the measurements send as, through the same services as everybody else, and prints how to act as it.

``python -m bench.seed --sink PORT`` under the environment of a prepared stack. One live API key, one bridge without and one with tracking, a verified
domain with active DKIM keys (RSA-2048 only, unless told otherwise), a pool whose only member is the sink, and a list of suppressed addresses to look
through.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from uuid import UUID

from bench import mail
from webapp.access.service.keys import KeyWish, create_key
from webapp.accounts.passwords import hash_password
from webapp.accounts.service.people import NewAccount, create_account
from webapp.bootstrap import ensure_verified_domain, system_scope
from webapp.bridges.service import BridgeInput, create_bridge
from webapp.domains.models import DkimKey
from webapp.domains.types import DkimAlgorithm
from webapp.kernel.db import unscoped
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Mode, Scope
from webapp.pools.models import Pool, PoolMember
from webapp.sending_accounts.models import SendingAccount
from webapp.sending_accounts.types import TlsPolicy
from webapp.suppressions.service import NewSuppression, suppress_many
from webapp.suppressions.types import SuppressionReason, SuppressionScope
from webapp.tenants.types import TenantStatus

_SUPPRESSED = 5000
EMAIL, PASSWORD = "bench@bench.example.com", "a-password-for-measuring-only"


@dataclass(frozen=True, slots=True)
class Seeded:
    """What is needed to send as the tenant. The SMTP logins are ``name:password``."""

    tenant_id: str
    pool_id: str
    api_key: str
    plain_bridge: str
    plain_login: str
    plain_token: str
    tracked_bridge: str
    tracked_login: str
    email: str = EMAIL
    password: str = PASSWORD


def seed(sink_port: int, connections: int, *, both_signatures: bool = False) -> Seeded:
    """Make everything; ``connections``: how many all delivery processes together may open to the sink."""
    with unscoped("the measurements make their tenant") as session:
        wish = NewAccount(EMAIL, "Bench", "Bench", hash_password(PASSWORD))
        tenant_id = create_account(session, wish, status=TenantStatus.APPROVED, slug="bench").tenant.id
        pool = Pool(id=uuid7(), name="Sink", is_default=False)
        # The platform's own account, as a tenant's may not lead to loopback.
        account = SendingAccount(
            id=uuid7(), name="Sink", host="127.0.0.1", port=sink_port, tls=TlsPolicy.NONE, max_connections=connections, active=True
        )
        session.add_all([pool, account])
        session.flush()
        session.add(PoolMember(pool_id=pool.id, sending_account_id=account.id, tenant_id=None))
    with system_scope(tenant_id) as scope:
        ensure_verified_domain(scope, mail.SENDER_DOMAIN)
        if not both_signatures:
            _keep_rsa_only(scope)
        key = create_key(scope, KeyWish(name="bench", mode=Mode.LIVE, role="root:full", rate_limit=None)).plain
        plain, plain_secrets = create_bridge(scope, BridgeInput("plain", pool.id))
        tracked, tracked_secrets = create_bridge(scope, BridgeInput("tracked", pool.id, track_opens=True, track_clicks=True))
        _suppress(scope, tenant_id)
        return Seeded(
            str(tenant_id), str(pool.id), key,
            str(plain.id), f"{plain_secrets.username}:{plain_secrets.password}", plain_secrets.token,
            str(tracked.id), f"{tracked_secrets.username}:{tracked_secrets.password}",
        )  # fmt: skip


def _keep_rsa_only(scope: Scope) -> None:
    """As peers that sign do: the second, Ed25519 signature is an extra of ours and is measured only on demand."""
    for key in scope.session.query(DkimKey):
        if key.algorithm != DkimAlgorithm.RSA:
            scope.session.delete(key)


def _suppress(scope: Scope, tenant_id: UUID) -> None:
    entries = [
        NewSuppression(tenant_id, f"gone{number}@{mail.RECIPIENT_DOMAIN}", SuppressionScope.ALL, SuppressionReason.HARD_BOUNCE, "bench")
        for number in range(_SUPPRESSED)
    ]
    suppress_many(scope.session, entries)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sink", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--both-signatures", action="store_true")
    options = parser.parse_args()
    print(json.dumps(asdict(seed(options.sink, options.connections, both_signatures=options.both_signatures))))
