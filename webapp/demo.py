"""The demo: a tenant that can send at once, to the built-in simulator, with credentials that a script can read.

API keys and passwords are only hashes in the database, so the plain ones stand in ``var/demo-credentials.json`` (mode 0600). A second call
changes nothing; when the file or the database is gone, what is missing is made anew.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import structlog

from webapp.access.models import ApiKey
from webapp.access.service import KeyWish, create_key, revoke_key
from webapp.accounts.passwords import hash_password
from webapp.accounts.queries import find_user
from webapp.accounts.service.people import NewAccount, create_account, create_user, set_password
from webapp.bootstrap import ensure_platform, ensure_verified_domain, find_simulator_pool, lock, system_scope
from webapp.bridges.models import Bridge
from webapp.bridges.queries import list_bridges
from webapp.bridges.service import BridgeInput, create_bridge, reveal
from webapp.bridges.types import Stream
from webapp.content.models import EmailTemplate
from webapp.content.service import TemplateInput, create_template
from webapp.domains.models import Domain
from webapp.kernel.db import unscoped
from webapp.kernel.errors import NotFound
from webapp.kernel.scope import Mode, Scope
from webapp.kernel.secrets import random_token
from webapp.settings import get_settings
from webapp.tenants.models import Tenant
from webapp.tenants.types import TenantStatus

log = structlog.get_logger()

SLUG = "demo"
DOMAIN = "demo.postbridge.test"
EMAIL = f"demo@{DOMAIN}"
STAFF_EMAIL = f"staff@{DOMAIN}"
SENDER = f"hello@{DOMAIN}"
MARKETING, TRANSACTIONAL = "marketing-bridge", "transactional-bridge"
_KEY_NAMES = {Mode.SANDBOX: "demo sandbox", Mode.LIVE: "demo live"}


@dataclass(frozen=True, slots=True)
class Kept:
    """What only the file knows."""

    tenant_id: str
    password: str
    staff_password: str
    api_key_test: str
    api_key_live: str


def ensure_demo() -> None:
    """Make the demo tenant, or what is missing of it: people, keys, verified domain, two bridges, a template."""
    ensure_platform()
    kept = _read()
    with unscoped("bootstrap of the demo") as session:
        lock(session)
        tenant_id = session.scalar(sa.select(Tenant.id).where(Tenant.slug == SLUG))
        if kept is not None and tenant_id is not None and kept.tenant_id == str(tenant_id):
            secrets_known = True
            password, staff_password = kept.password, kept.staff_password
        else:
            secrets_known = False
            password, staff_password = _new_password(), _new_password()
        tenant_id = _ensure_people(session, tenant_id, password, staff_password, reset=not secrets_known)
        pool = find_simulator_pool(session)
    with system_scope(tenant_id) as scope:
        _ensure_rows(scope, pool.id if pool else None)
        if kept is None or not secrets_known:
            test, live = (_issue(scope, mode) for mode in (Mode.SANDBOX, Mode.LIVE))
            _write(Kept(str(tenant_id), password, staff_password, test, live))
            log.info("demo_made", tenant=SLUG)


def demo_credentials() -> dict[str, Any]:
    """Everything a script needs to use the running demo. Raises ``NotFound`` when there is no demo."""
    kept = _read()
    if kept is None:
        raise NotFound("demo; start Postbridge with POSTBRIDGE_DEMO=true first")
    settings = get_settings()
    with system_scope(UUID(kept.tenant_id)) as scope:
        bridge = next((row for row in list_bridges(scope, search=MARKETING).items if row.name == MARKETING), None)
        if bridge is None:
            raise NotFound(f"bridge named {MARKETING} in the demo")
        known = reveal(scope, bridge.id, noted=False)[0]
    url = settings.public_url.rstrip("/")
    smtp = {
        "host": settings.mail_hostname, "port": settings.submission_port, "username": known.username, "password": known.password,
        "encryption": "starttls",
    }  # fmt: skip
    return {
        "web_url": url,
        "api_url": f"{url}/api/v1",
        "from": SENDER,
        "email": EMAIL,
        "password": kept.password,
        "staff_email": STAFF_EMAIL,
        "staff_password": kept.staff_password,
        "api_key_test": kept.api_key_test,
        "api_key_live": kept.api_key_live,
        "bridge": {"id": str(bridge.id), "token": known.token, "smtp": smtp},
        "simulator_domain": settings.simulator_domain,
    }


def _ensure_people(session: Any, tenant_id: UUID | None, password: str, staff_password: str, *, reset: bool) -> UUID:
    owner, staff = find_user(session, EMAIL), find_user(session, STAFF_EMAIL)
    if staff is None:
        create_user(session, STAFF_EMAIL, "Demo staff", hash_password(staff_password), is_staff=True)
    elif reset:
        set_password(session, staff, staff_password)
    if owner is not None and reset:
        set_password(session, owner, password)
    if tenant_id is None:
        if owner is not None:
            session.delete(owner)  # left over from a demo tenant that was removed
            session.flush()
        wish = NewAccount(EMAIL, "Demo owner", "Demo", hash_password(password))
        tenant_id = create_account(session, wish, status=TenantStatus.APPROVED, slug=SLUG).tenant.id
    return tenant_id


def _ensure_rows(scope: Scope, pool_id: UUID | None) -> None:
    session = scope.session
    if session.scalar(sa.select(Domain.id).where(Domain.name == DOMAIN)) is None:
        ensure_verified_domain(scope, DOMAIN)
    # Deleted bridges count too: what somebody deleted in the demo does not come back.
    if session.scalar(sa.select(Bridge.id).limit(1)) is None:
        create_bridge(scope, BridgeInput(TRANSACTIONAL, pool_id))
        create_bridge(scope, BridgeInput(MARKETING, pool_id, stream=Stream.BULK, track_opens=True, track_clicks=True))
    if session.scalar(sa.select(EmailTemplate.id).limit(1)) is None:
        create_template(scope, _TEMPLATE)


_TEMPLATE = TemplateInput(
    slug="welcome",
    name="Welcome",
    subject="Welcome, {{ first_name }}",
    html='<h1>Welcome, {{ first_name }}</h1>\n<p>Your account at {{ company | default: "our shop" }} is ready.</p>\n'
    '<p><a href="https://example.com/start">Start here</a></p>\n',
    text='Welcome, {{ first_name }}.\nYour account at {{ company | default: "our shop" }} is ready: https://example.com/start\n',
)


def _issue(scope: Scope, mode: Mode) -> str:
    for old in scope.session.scalars(sa.select(ApiKey).where(ApiKey.name == _KEY_NAMES[mode], ApiKey.revoked_at.is_(None))):
        revoke_key(scope, old.id)
    return create_key(scope, KeyWish(name=_KEY_NAMES[mode], mode=mode, role="root:full")).plain


def _new_password() -> str:
    return "-".join(random_token(30) for _ in range(3))


def _path() -> Path:
    return get_settings().var_dir / "demo-credentials.json"


def _read() -> Kept | None:
    try:
        values = json.loads(_path().read_text())
        return Kept(**{field.name: str(values[field.name]) for field in fields(Kept)})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(kept: Kept) -> None:
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    made.touch(mode=0o600)
    made.write_text(json.dumps(asdict(kept), indent=2) + "\n")
    os.replace(made, path)
