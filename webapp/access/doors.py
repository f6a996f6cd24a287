"""The API's door: from a token and a network address to a ``Credential``. Needs no Flask, so the quick roads and SMTP can use it.

A warm check costs no database query: credentials are kept in this process for four seconds, found by the SHA-256 of the token, so that a
revocation made anywhere holds within five. Unknown tokens are remembered the same way, in a cache of their own, so that a flood of them can push
no valid credential out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from webapp.access.models import ApiKey, Role
from webapp.access.networks import is_allowed, parse_networks
from webapp.access.tokens import is_well_formed, looks_like_key
from webapp.access.types import KEY_PRESETS, Credential
from webapp.http import ratelimit
from webapp.kernel import clock
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Forbidden, Unauthenticated
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import Actor, ActorKind, Mode
from webapp.kernel.secrets import digest
from webapp.kernel.ttl_cache import TtlCache
from webapp.settings import get_settings
from webapp.tenants.models import Tenant
from webapp.tenants.service import permissions_of_tenant
from webapp.tenants.types import TenantStatus

TokenResolver = Callable[[str], Credential | None]

_SECONDS = 4.0
_known: TtlCache[bytes, Credential] = TtlCache(_SECONDS, 20_000)
_unknown: TtlCache[bytes, None] = TtlCache(_SECONDS, 20_000)
_resolvers: list[TokenResolver] = []
_LONGEST_TOKEN = 256
_USE_STEP = timedelta(minutes=1)
_REFUSAL = "The API key is unknown, expired or revoked."


def register_token_resolver(resolver: TokenResolver) -> None:
    """Let a higher slice (bridges) resolve tokens that are no API keys. Registering the same function again changes nothing."""
    if resolver not in _resolvers:
        _resolvers.append(resolver)


def load_credential(token: str, address: str) -> Credential:
    """The credential of ``token`` when it may be used from ``address`` now.

    Raises ``Unauthenticated`` for an unknown, malformed, expired or revoked token, ``Forbidden`` for an address outside the allow-list, and
    ``RateLimited`` for an address that tries too many wrong ones.
    """
    key = digest(token) if len(token) <= _LONGEST_TOKEN and token.isascii() else b""
    cached = _known.find(key)
    credential = cached[0] if cached else _resolve(token, key)
    if credential is None or (credential.expires_at is not None and credential.expires_at <= clock.now()):
        ratelimit.count(f"stranger:{address}", get_settings().stranger_rate).check()
        raise Unauthenticated(_REFUSAL)
    if not is_allowed(address, credential.allowed_networks):
        raise Forbidden(f"This key may not be used from {address}; its allow-list does not hold that address.")
    return credential


def forget_credentials(*, tenant_id: UUID | None = None, key_id: UUID | None = None, bridge_id: UUID | None = None) -> None:
    """Drop what this process remembers of a tenant, key or bridge, so that a change acts here at once; elsewhere within five seconds."""

    def concerned(credential: Credential) -> bool:
        return (
            (tenant_id is not None and credential.tenant_id == tenant_id)
            or (key_id is not None and credential.key_id == key_id)
            or (bridge_id is not None and credential.bridge_id == bridge_id)
        )

    _known.forget(concerned)


def forget_everything() -> None:
    """Empty both caches; for tests that empty the database."""
    _known.clear()
    _unknown.clear()


def _resolve(token: str, key: bytes) -> Credential | None:
    if not key or _unknown.find(key) or (looks_like_key(token) and not is_well_formed(token)):
        return None
    credential = _find_key(key) if looks_like_key(token) else _ask_resolvers(token)
    if credential is None:
        _unknown.put(key, None)
    else:
        _known.put(key, credential)
    return credential


def _ask_resolvers(token: str) -> Credential | None:
    return next((found for resolver in _resolvers if (found := resolver(token)) is not None), None)


def _find_key(key_hash: bytes) -> Credential | None:
    """One look-up over all tenants, in a transaction of its own; notes the use at most once a minute."""
    wanted = (
        sa.select(ApiKey, Tenant.status, Role.permissions)
        .join(Tenant, Tenant.id == ApiKey.tenant_id)
        .outerjoin(Role, sa.and_(Role.tenant_id == ApiKey.tenant_id, Role.id == ApiKey.role_id))
        .where(ApiKey.key_hash == key_hash, ApiKey.revoked_at.is_(None))
    )
    with unscoped("API key login") as session:
        row = session.execute(wanted).one_or_none()
        if row is None:
            return None
        key, status, role_permissions = row
        moment = clock.now()
        if key.expires_at is not None and key.expires_at <= moment:
            return None
        if key.last_used_at is None or moment - key.last_used_at >= _USE_STEP:
            session.execute(sa.update(ApiKey).where(ApiKey.id == key.id).values(last_used_at=moment, updated_at=ApiKey.updated_at))
        return _credential_of(key, TenantStatus(status), role_permissions)


def _credential_of(key: ApiKey, status: TenantStatus, role_permissions: list[str] | None) -> Credential:
    granted = KEY_PRESETS.get(key.preset, PermissionSet()) if key.preset else PermissionSet(role_permissions or ())
    return Credential(
        tenant_id=key.tenant_id,
        tenant_status=status,
        actor=Actor(ActorKind.API_KEY, key.id, key.name),
        permissions=permissions_of_tenant(granted, status),
        mode=Mode(key.mode),
        key_id=key.id,
        rate_limit=key.rate_limit,
        allowed_networks=parse_networks(key.allowed_networks),
        expires_at=key.expires_at,
    )
