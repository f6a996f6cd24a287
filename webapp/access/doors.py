"""The API's door: from a token and a network address to a ``Credential``. Needs no Flask, so the quick roads and SMTP can use it.

A warm check costs no database query; a revocation made anywhere holds within five seconds: see ``remembered``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.access import remembered
from webapp.access.models import ApiKey
from webapp.access.networks import is_allowed, parse_networks
from webapp.access.queries import rights_of
from webapp.access.remembered import forget_credentials, forget_everything
from webapp.access.tokens import is_well_formed, looks_like_key
from webapp.access.types import Credential
from webapp.http import ratelimit
from webapp.kernel import clock
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Forbidden, Unauthenticated
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import Actor, ActorKind, Mode
from webapp.kernel.secrets import digest
from webapp.tenants.models import Tenant
from webapp.tenants.service import permissions_of_tenant
from webapp.tenants.types import TenantStatus

__all__ = ["forget_credentials", "forget_everything", "load_credential", "register_token_resolver"]

TokenResolver = Callable[[str], Credential | None]

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
    cached = remembered.known.find(key)
    credential = cached[0] if cached else _resolve(token, key, address)
    if credential is None or (credential.expires_at is not None and credential.expires_at <= clock.now()):
        raise ratelimit.stranger_refused(address, Unauthenticated(_REFUSAL))
    if not is_allowed(address, credential.allowed_networks):
        refusal = Forbidden(f"This key may not be used from {address}; its allow-list does not hold that address.")
        raise ratelimit.stranger_refused(address, refusal)
    return credential


def _resolve(token: str, key: bytes, address: str) -> Credential | None:
    if not key or remembered.unknown.find(key) or (looks_like_key(token) and not is_well_formed(token)):
        return None
    credential = _find_key(key, address) if looks_like_key(token) else _ask_resolvers(token)
    if credential is None:
        remembered.unknown.put(key, None)
    else:
        remembered.known.put(key, credential)
    return credential


def _ask_resolvers(token: str) -> Credential | None:
    return next((found for resolver in _resolvers if (found := resolver(token)) is not None), None)


def _find_key(key_hash: bytes, address: str) -> Credential | None:
    """One look-up over all tenants, in a transaction of its own; notes the use at most once a minute."""
    wanted = (
        sa.select(ApiKey, Tenant.status).join(Tenant, Tenant.id == ApiKey.tenant_id)
        .where(sa.or_(ApiKey.key_hash == key_hash, ApiKey.previous_hash == key_hash), ApiKey.revoked_at.is_(None))
    )  # fmt: skip
    with unscoped("API key login") as session:
        row = session.execute(wanted).one_or_none()
        if row is None:
            return None
        key, status = row
        moment = clock.now()
        old = key.key_hash != key_hash
        ends = min((end for end in (key.expires_at, key.previous_expires_at if old else None) if end is not None), default=None)
        if ends is not None and ends <= moment:
            return None
        _note_use(session, key, moment, address, old=old)
        return _credential_of(key, TenantStatus(status), rights_of(session, key), ends)


def _note_use(session: Session, key: ApiKey, moment: datetime, address: str, *, old: bool) -> None:
    """At most once a minute, for the key and for its old secret each. The time of the last change stays as it is."""
    values: dict[str, Any] = {}
    if key.last_used_at is None or moment - key.last_used_at >= _USE_STEP:
        values |= {"last_used_at": moment, "last_used_from": address}
    if old and (key.previous_used_at is None or moment - key.previous_used_at >= _USE_STEP):
        values["previous_used_at"] = moment
    if values:
        statement = sa.update(ApiKey).where(ApiKey.id == key.id).values(updated_at=ApiKey.updated_at, **values)
        session.execute(statement, execution_options={"synchronize_session": False})


def _credential_of(key: ApiKey, status: TenantStatus, granted: PermissionSet, ends: datetime | None) -> Credential:
    return Credential(
        tenant_id=key.tenant_id,
        tenant_status=status,
        actor=Actor(ActorKind.API_KEY, key.id, key.name),
        permissions=permissions_of_tenant(granted, status),
        mode=Mode(key.mode),
        key_id=key.id,
        rate_limit=key.rate_limit,
        allowed_networks=parse_networks(key.allowed_networks),
        expires_at=ends,
    )
