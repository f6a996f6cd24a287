"""Hooks of sending accounts: set up by a tenant, called by the provider. A hook speaks only of mail of its own tenant."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.activity.service import record
from webapp.kernel.clock import now
from webapp.kernel.db import raw_of
from webapp.kernel.errors import Conflict, NotFound, ValidationFailed
from webapp.kernel.ids import uuid7_floor
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.kernel.secrets import seal, unseal
from webapp.messages.service.mta import find_reported
from webapp.sending_accounts.service import get_account
from webapp.settings import get_settings
from webapp.webhooks import queries
from webapp.webhooks.models import InboundHook
from webapp.webhooks.providers import PROVIDERS
from webapp.webhooks.service.reports import store_report
from webapp.webhooks.service.signing import key_of, make_secret
from webapp.webhooks.types import MtaReport, Provider

#: How far back mail is looked for by the provider's own id.
_REFERENCE_DAYS = 14
#: A use is noted at most that often, in seconds.
_NOTED = timedelta(seconds=60)
# The provider's id stood in its reply when it took the mail over.
_OF_REFERENCE = """
select r.id from recipients r join delivery_attempts a on a.message_id = r.message_id and a.recipient_id = r.id
where r.address = any(%(addresses)s) and r.id >= %(low)s and a.reply is not null and position(%(reference)s in a.reply) > 0
order by r.id desc limit 1
"""


@dataclass(frozen=True, slots=True)
class OpenHook:
    """A hook that may be called: of whom, and what proves a caller."""

    id: UUID
    tenant_id: UUID
    provider: Provider
    secret: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a callback: reports in it, those stored now, those stored before, and those about mail that is not the tenant's."""

    received: int
    stored: int
    replayed: int
    ignored: int


@dataclass(frozen=True, slots=True)
class ShownHook:
    """A hook to show. ``made``: its secret, when it was made in this very act."""

    hook: InboundHook
    made: str | None = None


def set_hook(scope: Scope, account_id: UUID, provider: Provider, secret: str | None = None) -> ShownHook:
    """Open the door for reports about mail of a sending account, or change it. Gives the hook, with the secret when it was made here.

    Raises ``Conflict`` for a shared account, ``ValidationFailed`` (param ``secret``) when one is needed and missing or of the wrong kind.
    """
    scope.require(Permission.PROVIDER_UPDATE)
    account = get_account(scope.session, account_id)
    if account.tenant_id is None:
        raise Conflict("This sending account is shared by the platform; its reports come to the platform.")
    made = make_secret() if not secret and PROVIDERS[provider].made else None
    chosen = made or secret
    _check_secret(provider, chosen)
    hook = queries.find_hook(scope.session, account_id) or InboundHook(tenant_id=scope.tenant_id, sending_account_id=account.id)
    hook.provider, hook.secret = provider.value, seal(chosen or "", _context(scope.tenant_id))
    scope.session.add(hook)
    scope.session.flush()
    scope.session.refresh(hook)
    record(scope, "provider.reports_opened", "provider", account.id, account.name, {"provider": provider.value})
    return ShownHook(hook, made)


def get_hook(scope: Scope, account_id: UUID) -> ShownHook:
    """The hook of a sending account. Raises ``NotFound`` when there is none."""
    get_account(scope.session, account_id)
    hook = queries.find_hook(scope.session, account_id)
    if hook is None:
        raise NotFound("hook")
    return ShownHook(hook)


def remove_hook(scope: Scope, account_id: UUID) -> None:
    """Close the door. Raises ``NotFound`` when there is none."""
    scope.require(Permission.PROVIDER_UPDATE)
    account, hook = get_account(scope.session, account_id), get_hook(scope, account_id).hook
    scope.session.delete(hook)
    scope.session.flush()
    record(scope, "provider.reports_closed", "provider", account.id, account.name)


def get_open_hook(session: Session, hook_id: UUID, provider: str) -> OpenHook:
    """The hook a provider called. Raises ``NotFound`` for an unknown one, one of another provider, and one without secret: closed doors look alike.

    The session must see all tenants: an address says which hook, not whose.
    """
    hook = session.scalar(sa.select(InboundHook).where(InboundHook.id == hook_id))
    if hook is None or hook.provider != provider or hook.secret is None:
        raise NotFound("page")
    secret = unseal(hook.secret, _context(hook.tenant_id))
    if not secret:
        raise NotFound("page")
    return OpenHook(hook.id, hook.tenant_id, Provider(hook.provider), secret)


def prove_and_read(hook: OpenHook, headers: Mapping[str, str], body: bytes) -> list[MtaReport]:
    """The reports of a callback that is proven to be the provider's. Raises ``Unauthenticated``, and ``InvalidParameter`` for what cannot be read."""
    door = PROVIDERS[hook.provider]
    door.verify(hook.secret, headers, body)
    return door.read(body)


def note_refusal(session: Session, hook: OpenHook) -> None:
    """Somebody called without proof: shown on the account's page, for it is mostly a secret that was copied wrongly."""
    _note_use(session, hook, "last_refused_at")


def receive(session: Session, hook: OpenHook, reports: Sequence[MtaReport]) -> Taken:
    """Store each report once. The session must be of the hook's tenant: mail of others is not found, whatever a report says."""
    stored = replayed = ignored = 0
    for report in reports:
        recipient_id = _find(session, report)
        if recipient_id is None:
            ignored += 1
            continue
        kept = store_report(session, hook.provider.value, f"{hook.id}:{report.key}", hook.tenant_id, recipient_id, report)
        stored, replayed = stored + (not kept.replayed), replayed + kept.replayed
    _note_use(session, hook, "last_report_at")
    return Taken(len(reports), stored, replayed, ignored)


def _find(session: Session, report: MtaReport) -> UUID | None:
    found = find_reported(session, report.message_id, report.recipient, report.sender)
    if found is not None:
        return found[0]
    if len(report.reference) < 8:  # a short one could stand in any reply
        return None
    local, _, domain = report.recipient.rpartition("@")
    values = {
        "addresses": list({report.recipient, f"{local}@{domain.lower()}", report.recipient.lower()}), "reference": report.reference,
        "low": uuid7_floor(now() - timedelta(days=_REFERENCE_DAYS)),
    }  # fmt: skip
    row = raw_of(session).execute(_OF_REFERENCE, values).fetchone()
    return row[0] if row else None


def _note_use(session: Session, hook: OpenHook, column: str) -> None:
    field = getattr(InboundHook, column)
    old = sa.or_(field.is_(None), field < now() - _NOTED)
    kept = InboundHook.updated_at  # being called is no change of the hook
    session.execute(sa.update(InboundHook).where(InboundHook.id == hook.id, old).values({column: now(), "updated_at": kept}))


def _check_secret(provider: Provider, secret: str | None) -> None:
    problem = None
    if not secret:
        problem = PROVIDERS[provider].secret_is
    elif provider is Provider.SES and not secret.startswith("arn:aws"):
        problem = "Give the ARN of the SNS topic, such as arn:aws:sns:eu-west-1:123456789012:bounces."
    elif provider is Provider.SENDGRID and not _is_base64(secret):
        problem = "Give the verification key as SendGrid shows it, in base64."
    elif provider is Provider.GENERIC and not _is_whsec(secret):
        problem = "Give a whsec_ secret with base64 of 24 to 64 octets, or none, to have one made."
    elif len(secret) < 16:
        problem = "Give a secret of at least 16 characters."
    if problem:
        raise ValidationFailed(problem, param="secret")


def _is_base64(text: str) -> bool:
    try:
        return len(b64decode(text, validate=True)) > 40
    except (binascii.Error, ValueError):
        return False


def _is_whsec(text: str) -> bool:
    try:
        return bool(key_of(text))
    except ValueError:
        return False


def hook_url(hook: InboundHook) -> str:
    """The address to give to the provider."""
    return f"{get_settings().public_url.rstrip('/')}/api/v1/webhooks/in/{hook.provider}/{hook.id}"


def _context(tenant_id: UUID) -> str:
    return f"{tenant_id}|inbound_hooks|secret"
