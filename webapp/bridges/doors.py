"""The bridge's two doors: the Bearer token for HTTP, username and password for SMTP. Look-ups over all tenants, before a tenant is known."""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.access.types import Credential
from webapp.bridges.models import Bridge, BridgeCredential
from webapp.bridges.types import BridgeLogin, Stream
from webapp.kernel import clock
from webapp.kernel.db import TenantSession, unscoped
from webapp.kernel.permissions import Permission, PermissionSet
from webapp.kernel.scope import Actor, ActorKind, Mode
from webapp.kernel.secrets import digest
from webapp.tenants.models import Tenant
from webapp.tenants.types import TenantStatus

#: A bridge sends, and reads its own mail (``Scope.bridge_id`` narrows the reading).
BRIDGE_PERMISSIONS = PermissionSet({Permission.EMAIL_SEND.value, Permission.EMAIL_READ.value})

_TOKEN = re.compile(r"bm[0-9A-Za-z]{10,40}-[0-9A-Za-z]{20,60}-[0-9]{1,9}", re.ASCII)
_USERNAME = re.compile(r"bm[0-9A-Za-z]{10,40}", re.ASCII)
_USE_STEP = timedelta(minutes=1)
_Found = sa.Select[BridgeCredential, Bridge, str]


def _in_force() -> _Found:
    return (
        sa.select(BridgeCredential, Bridge, Tenant.status)
        .join(Bridge, sa.and_(Bridge.tenant_id == BridgeCredential.tenant_id, Bridge.id == BridgeCredential.bridge_id))
        .join(Tenant, Tenant.id == BridgeCredential.tenant_id)
        .where(Bridge.deleted_at.is_(None), sa.or_(BridgeCredential.expires_at.is_(None), BridgeCredential.expires_at > sa.func.now()))
    )


def resolve_token(token: str) -> Credential | None:
    """The credential of a bridge token; None for what is none, or is no longer valid. Registered with the API's door.

    A paused bridge still resolves: reading its mail goes on, and ``accept`` refuses to send with words that say why.
    """
    if not _TOKEN.fullmatch(token):
        return None
    with unscoped("bridge token login") as session:
        row = session.execute(_in_force().where(BridgeCredential.token_hash == digest(token))).one_or_none()
        if row is None:
            return None
        credential, bridge, status = row
        _note_use(session, credential)
        return Credential(
            tenant_id=bridge.tenant_id, tenant_status=TenantStatus(status), actor=Actor(ActorKind.BRIDGE, bridge.id, bridge.name),
            permissions=BRIDGE_PERMISSIONS, mode=Mode(bridge.mode), bridge_id=bridge.id, expires_at=credential.expires_at,
            allowed_from=tuple(bridge.allowed_from),
        )  # fmt: skip


def find_login(username: str, password: str) -> BridgeLogin | None:
    """The bridge of an SMTP login; None when username or password is wrong, has ended, or the tenant is suspended."""
    if not _USERNAME.fullmatch(username):
        return None
    given = digest(password)
    with unscoped("SMTP login") as session:
        rows = session.execute(_in_force().where(BridgeCredential.username == username)).all()
        for credential, bridge, status in rows:
            if hmac.compare_digest(credential.password_hash, given) and status != TenantStatus.SUSPENDED:
                _note_use(session, credential)
                return BridgeLogin(
                    credential_id=credential.id, bridge_id=bridge.id, bridge_name=bridge.name, tenant_id=bridge.tenant_id,
                    tenant_status=TenantStatus(status), mode=Mode(bridge.mode), stream=Stream(bridge.stream),
                    allowed_from=tuple(bridge.allowed_from), is_paused=bridge.paused_at is not None,
                )  # fmt: skip
    return None


def valid_credentials(credential_ids: Collection[UUID]) -> set[UUID]:
    """Those of ``credential_ids`` whose open SMTP sessions may go on: in force, bridge not paused, tenant not suspended. One statement."""
    if not credential_ids:
        return set()
    wanted = _in_force().with_only_columns(BridgeCredential.id).where(
        BridgeCredential.id.in_(list(credential_ids)), Bridge.paused_at.is_(None), Tenant.status != TenantStatus.SUSPENDED
    )  # fmt: skip
    with unscoped("open SMTP sessions") as session:
        return set(session.scalars(wanted))


def is_login_valid(credential_id: UUID) -> bool:
    """Whether an open SMTP session of this credential may go on; see ``valid_credentials``, which asks for many at once."""
    return credential_id in valid_credentials([credential_id])


def note_uses(credential_ids: Collection[UUID]) -> None:
    """Stamp credentials and bridges as used now; for long SMTP sessions, at most once a minute."""
    if not credential_ids:
        return
    with unscoped("use of SMTP sessions") as session:
        for credential in session.scalars(sa.select(BridgeCredential).where(BridgeCredential.id.in_(list(credential_ids)))):
            _note_use(session, credential)


def _note_use(session: TenantSession, credential: BridgeCredential) -> None:
    """At most once a minute, so that a busy bridge does not rewrite its rows with every message."""
    moment = clock.now()
    if credential.last_used_at is not None and moment - credential.last_used_at < _USE_STEP:
        return
    models: tuple[tuple[Any, UUID], ...] = ((BridgeCredential, credential.id), (Bridge, credential.bridge_id))
    for model, row_id in models:
        session.execute(
            sa.update(model)
            .where(model.id == row_id)
            .values(last_used_at=moment, updated_at=model.updated_at)
            .execution_options(synchronize_session=False)
        )
