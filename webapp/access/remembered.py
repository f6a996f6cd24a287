"""What this process remembers of tokens, for four seconds: enough that a warm check asks no database, short enough that a revocation holds in five."""

from __future__ import annotations

from uuid import UUID

from webapp.access.types import Credential
from webapp.kernel.ttl_cache import TtlCache

SECONDS = 4.0
#: SHA-256 of a token -> what it is worth.
known: TtlCache[bytes, Credential] = TtlCache(SECONDS, 20_000)
#: SHA-256 of tokens that are worth nothing; apart, so that a flood of them pushes no valid credential out.
unknown: TtlCache[bytes, None] = TtlCache(SECONDS, 20_000)


def forget_credentials(*, tenant_id: UUID | None = None, key_id: UUID | None = None, bridge_id: UUID | None = None) -> None:
    """Drop what this process remembers of a tenant, key or bridge, so that a change acts here at once; elsewhere within five seconds."""

    def concerned(credential: Credential) -> bool:
        return (
            (tenant_id is not None and credential.tenant_id == tenant_id)
            or (key_id is not None and credential.key_id == key_id)
            or (bridge_id is not None and credential.bridge_id == bridge_id)
        )

    known.forget(concerned)


def forget_everything() -> None:
    """Empty both caches; for tests that empty the database."""
    known.clear()
    unknown.clear()
