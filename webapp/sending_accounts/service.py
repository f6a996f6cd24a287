"""Acts on sending accounts. Shared ones (the platform's own) are read-only for tenants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.activity.service import record
from webapp.kernel import egress
from webapp.kernel.db import let_go
from webapp.kernel.errors import Conflict, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.kernel.secrets import seal, unseal
from webapp.sending_accounts.models import SendingAccount
from webapp.sending_accounts.probe import Relay, probe
from webapp.sending_accounts.queries import get_account, list_accounts
from webapp.sending_accounts.types import AuthMethod, ConnectionTest, TlsPolicy, as_lines
from webapp.sending_accounts.usage import count_usage, usage_of
from webapp.tenants.models import LimitRequest
from webapp.tenants.service import ask_limit, check_room, counts
from webapp.tenants.types import LimitName

__all__ = [
    "RELAY_PORTS", "AccountInput", "as_lines", "ask_for_more", "count_usage", "create_account", "delete_account", "get_account", "list_accounts",
    "open_password", "sealed_password", "set_active", "test_account", "update_account", "usage_of",
]  # fmt: skip

#: Where relays listen. Other ports would make this a port scanner.
RELAY_PORTS = frozenset({25, 465, 587, 2465, 2525, 2526, 2587})


@dataclass(frozen=True, slots=True)
class AccountInput:
    """What a person or key says about a relay. ``password`` None: keep the one there is; of XOAUTH2 it is the access token.

    Quotas are messages in an hour and in a day (UTC), None: no bound. ``return_path``: envelope sender of all mail through it, for relays that
    take no other; bounces then go there and not to us. ``headers``: fields that the relay wants in each mail, above the signatures.
    """

    name: str
    host: str
    port: int = 587
    tls: TlsPolicy = TlsPolicy.REQUIRED
    username: str | None = None
    password: str | None = None
    max_connections: int = 20
    auth: AuthMethod = AuthMethod.AUTO
    hourly_quota: int | None = None
    daily_quota: int | None = None
    return_path: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


_PLAIN_FIELDS = ("name", "host", "port", "username", "max_connections", "hourly_quota", "daily_quota", "return_path", "headers")


@counts(LimitName.SENDING_ACCOUNTS)
def count_accounts(scope: Scope) -> int:
    """How many sending accounts of its own the tenant has."""
    return scope.session.scalar(sa.select(sa.func.count()).select_from(SendingAccount).where(SendingAccount.tenant_id == scope.tenant_id)) or 0


def create_account(scope: Scope, data: AccountInput) -> SendingAccount:
    """Add an SMTP relay of the tenant. The password is sealed and never shown again.

    Raises ``EgressRefused`` (param ``host``) for hosts on private networks, ``ValidationFailed`` for a port or login that cannot work.
    """
    scope.require(Permission.PROVIDER_CREATE)
    _check(data, had_password=False)
    check_room(scope, LimitName.SENDING_ACCOUNTS)
    account = SendingAccount(
        tenant_id=scope.tenant_id, tls=data.tls.value, auth=data.auth.value, password=sealed_password(scope.tenant_id, data.password), active=True,
        **{name: getattr(data, name) for name in _PLAIN_FIELDS},
    )  # fmt: skip
    scope.session.add(account)
    scope.session.flush()
    record(scope, "provider.created", "provider", account.id, account.name, {"host": data.host, "port": data.port})
    return account


def update_account(scope: Scope, account_id: UUID, changes: dict[str, Any]) -> SendingAccount:
    """Change fields of ``AccountInput``; a ``password`` that is absent or None stays. Raises as ``create_account``, and 409 on shared ones."""
    scope.require(Permission.PROVIDER_UPDATE)
    account = _own(scope, account_id)
    kept = {name: getattr(account, name) for name in _PLAIN_FIELDS}
    data = AccountInput(**{**kept, "tls": TlsPolicy(account.tls), "auth": AuthMethod(account.auth), **changes})
    _check(data, had_password=account.password is not None)
    new = {**{name: getattr(data, name) for name in kept}, "tls": data.tls.value, "auth": data.auth.value}
    changed = {name: [getattr(account, name), value] for name, value in new.items() if getattr(account, name) != value}
    for name, value in new.items():
        setattr(account, name, value)
    if data.username is None:
        account.password = None
    elif data.password is not None:
        account.password = sealed_password(scope.tenant_id, data.password)
        changed["password"] = ["***", "***"]
    scope.session.flush()
    record(scope, "provider.updated", "provider", account.id, account.name, changed)
    return account


def delete_account(scope: Scope, account_id: UUID) -> None:
    """Remove a relay, from its pools too. Raises 409 on shared ones."""
    scope.require(Permission.PROVIDER_DELETE)
    account = _own(scope, account_id)
    scope.session.delete(account)
    scope.session.flush()
    record(scope, "provider.deleted", "provider", account.id, account.name)


def set_active(scope: Scope, account_id: UUID, active: bool) -> SendingAccount:
    """Take a relay into use or out of it. Saying it twice changes nothing."""
    scope.require(Permission.PROVIDER_UPDATE)
    account = _own(scope, account_id)
    if account.active != active:
        account.active = active
        scope.session.flush()
        record(scope, "provider.activated" if active else "provider.deactivated", "provider", account.id, account.name)
    return account


def test_account(scope: Scope, account_id: UUID) -> ConnectionTest:
    """Connect, encrypt and log in as a delivery would, and say how it went. Takes up to 15 s; sends no mail."""
    scope.require(Permission.PROVIDER_UPDATE)
    account = get_account(scope.session, account_id)
    if account.tenant_id is None:
        raise Conflict("This account is the platform's own; only staff may test it.")
    relay = Relay(account.host, account.port, TlsPolicy(account.tls), account.username, open_password(account), auth=AuthMethod(account.auth))
    let_go(scope.session)
    return probe(relay)


def ask_for_more(scope: Scope, account_id: UUID, wanted: int, reason: str) -> LimitRequest:
    """Ask staff for more recipients a day through a shared account: the tenant's daily limit is what bounds it there.

    Raises ``Conflict`` for an own account, whose quotas are the tenant's to set, or as ``ask_limit`` does.
    """
    scope.require(Permission.PROVIDER_UPDATE)
    account = get_account(scope.session, account_id)
    if account.tenant_id is not None:
        raise Conflict("This account is your own: set its hourly_quota and daily_quota yourself.")
    return ask_limit(scope, LimitName.DAILY_RECIPIENTS, wanted, f"{account.name}: {reason}")


def open_password(account: SendingAccount) -> str | None:
    """The relay's password in the clear, for the delivery engine and the test only."""
    if account.password is None:
        return None
    return unseal(account.password, _context(account.tenant_id))


def sealed_password(tenant_id: UUID | None, password: str | None) -> bytes | None:
    """A password as the row keeps it. ``tenant_id`` None: a shared account."""
    return None if password is None else seal(password, _context(tenant_id))


def _context(tenant_id: UUID | None) -> str:
    return f"{tenant_id or 'shared'}|sending_accounts|password"


def _own(scope: Scope, account_id: UUID) -> SendingAccount:
    account = get_account(scope.session, account_id)
    if account.tenant_id is None:
        raise Conflict("This sending account is shared by the platform and cannot be changed here.")
    return account


def _check(data: AccountInput, *, had_password: bool) -> None:
    if data.port not in RELAY_PORTS:
        raise ValidationFailed(f"Relays listen on one of the ports {', '.join(map(str, sorted(RELAY_PORTS)))}.", param="port")
    if data.username and data.password is None and not had_password:
        raise ValidationFailed("A username needs its password.", param="password")
    if data.password is not None and not data.username:
        raise ValidationFailed("A password needs its username.", param="username")
    if data.auth is AuthMethod.XOAUTH2 and not data.username:
        raise ValidationFailed("XOAUTH2 needs a username, and the access token as its password.", param="username")
    if data.hourly_quota is not None and data.daily_quota is not None and data.hourly_quota > data.daily_quota:
        raise ValidationFailed("An hour cannot take more than the day does; lower hourly_quota or raise daily_quota.", param="hourly_quota")
    if data.username and data.tls is TlsPolicy.NONE:
        raise ValidationFailed("Logging in without encryption would send the password in the clear; choose another tls.", param="tls")
    egress.addresses_of(data.host, param="host")
