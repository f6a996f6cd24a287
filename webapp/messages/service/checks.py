"""The named checks of ``accept`` that need no database. Each looks at one rule and raises the refusal that says what to do."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from webapp.kernel.addresses import Address
from webapp.kernel.clock import rfc3339
from webapp.kernel.errors import Conflict, Forbidden, NotFound, PayloadTooLarge, Unavailable, ValidationFailed
from webapp.kernel.scope import Mode
from webapp.messages.service.sender import BridgeFacts, Sender, TenantFacts
from webapp.messages.types import Door, MessageSubmission, SenderNotVerified
from webapp.settings import get_settings
from webapp.tenants.types import TenantStatus

FURTHEST_SEND_AT = timedelta(days=366)
SHORTEST_EXPIRY, LONGEST_EXPIRY = 60, 5 * 86400


def pick_bridge(facts: TenantFacts, sender: Sender, submission: MessageSubmission) -> BridgeFacts | None:
    """The bridge a message goes through: the credential's own, or the one the request names. Raises ``Forbidden`` and ``NotFound``."""
    return find_bridge(facts, sender, submission.bridge_id or sender.bridge_id)


def find_bridge(facts: TenantFacts, sender: Sender, wanted: UUID | None) -> BridgeFacts | None:
    """The bridge ``wanted`` when the sender may use it."""
    if wanted is None:
        return None
    if sender.bridge_id is not None and wanted != sender.bridge_id:
        raise Forbidden("This credential belongs to another bridge; leave `bridge` out or use an API key.", param="bridge")
    bridge = facts.bridges.get(wanted)
    if bridge is None or bridge.is_deleted:
        if sender.bridge_id is not None:
            raise Forbidden("This bridge was deleted; use the credentials of another one.")
        raise named(NotFound("bridge"), "bridge")
    return bridge


def named(error: NotFound, param: str) -> NotFound:
    """The same refusal, naming the field that holds the absent thing."""
    error.param = param
    return error


def mode_of(sender: Sender, bridge: BridgeFacts | None) -> Mode:
    """Sandbox when the key or the bridge is."""
    if sender.mode is Mode.SANDBOX or (bridge is not None and bridge.mode == Mode.SANDBOX):
        return Mode.SANDBOX
    return Mode.LIVE


_DISK_SECONDS = 1.0
_disk = (0.0, True)


def check_disk_has_room() -> None:
    """New mail is refused before the disk is full: what was accepted must stay deliverable. Looks once a second."""
    global _disk
    settings = get_settings()
    if time.monotonic() - _disk[0] > _DISK_SECONDS:
        try:
            free = shutil.disk_usage(settings.var_dir if settings.var_dir.exists() else settings.var_dir.parent).free
        except OSError:
            free = settings.disk_minimum_bytes  # storing will tell
        _disk = (time.monotonic(), free >= settings.disk_minimum_bytes)
    if not _disk[1]:
        raise Unavailable("The server is short of disk space; nothing was stored.", retry_after=30)


def check_tenant_may_send(facts: TenantFacts, mode: Mode) -> None:
    """Suspended tenants send nothing; live mail needs an approved tenant."""
    if facts.status == TenantStatus.SUSPENDED:
        reason = f" ({facts.status_reason})" if facts.status_reason else ""
        raise Forbidden(f"Sending is suspended for this tenant{reason}; contact support.")
    if mode is Mode.LIVE and facts.status != TenantStatus.APPROVED:
        raise Forbidden("This tenant is not approved for live sending yet; use a sandbox key (mp_test_...) or ask for approval.")


def check_bridge_is_open(bridge: BridgeFacts | None) -> None:
    """A paused bridge takes no mail."""
    if bridge is not None and bridge.is_paused:
        reason = f" ({bridge.pause_reason})" if bridge.pause_reason else ""
        raise Conflict(f"The bridge {bridge.name} is paused{reason}; resume it to send.")


def check_not_draining(facts: TenantFacts, bridge: BridgeFacts | None) -> None:
    """What is drained before it is taken out of service takes nothing new; what waits in it still leaves."""
    if reason := facts.draining or (bridge.draining if bridge else None):
        raise Conflict(f"Nothing new is taken here ({reason}); send through another bridge, or later.")


def check_sender_domains(facts: TenantFacts, submission: MessageSubmission, mode: Mode) -> None:
    """Live mail leaves only from verified domains: header From, Sender and envelope sender alike."""
    if mode is Mode.SANDBOX or submission.door is Door.SYSTEM:  # the operator vouches for the platform's own sender
        return
    for address, param in _senders(submission):
        if not facts.has_domain(address.domain):
            raise SenderNotVerified(
                f"The domain {address.domain} is not verified for this tenant. Add it under Domains, publish its TXT record and verify it, "
                "or use a sandbox key.",
                param=param,
            )


def check_bridge_allows(bridge: BridgeFacts | None, submission: MessageSubmission) -> None:
    """A bridge with a list of senders sends from nobody else."""
    if bridge is None or not bridge.allowed_from:
        return
    for address, param in _senders(submission):
        if not is_allowed(address, bridge.allowed_from):
            raise Forbidden(f"The bridge {bridge.name} may not send from {address.email}; it allows {', '.join(bridge.allowed_from)}.", param=param)


def is_allowed(address: Address, allowed: Sequence[str]) -> bool:
    """Whether an entry, an address or a domain, covers ``address``."""
    return any(entry.lower().lstrip("@") in (address.canonical, address.domain) for entry in allowed)


def _senders(submission: MessageSubmission) -> list[tuple[Address, str]]:
    return [(submission.from_address, "from"), *((address, "sender") for address in submission.also_from)]


def check_recipients(facts: TenantFacts, submission: MessageSubmission) -> None:
    """At least one, and no more than the tenant's limit."""
    if not submission.recipients:
        raise ValidationFailed("Name at least one recipient.", param="to")
    most = facts.max_recipients or get_settings().max_recipients
    if len(submission.recipients) > most:
        raise ValidationFailed(f"{len(submission.recipients)} recipients are more than the {most} a message may have; split it.", param="to")


def check_size(size: int) -> None:
    """The content as a whole stays below the limit."""
    most = get_settings().max_message_bytes
    if size > most:
        raise PayloadTooLarge(f"The message has {size} bytes; {most} are allowed.")


def check_times(submission: MessageSubmission, now: datetime) -> None:
    """A scheduled time lies ahead and within a year; an expiry within the retention of content."""
    if submission.send_at is not None:
        check_send_at(submission.send_at, now)
    if submission.expires_in is not None and not SHORTEST_EXPIRY <= submission.expires_in <= LONGEST_EXPIRY:
        raise ValidationFailed(f"expires_in must be between {SHORTEST_EXPIRY} and {LONGEST_EXPIRY} seconds.", param="expires_in")


def check_send_at(send_at: datetime, now: datetime) -> None:
    """Raises ``ValidationFailed`` for the past and for more than a year ahead."""
    if send_at <= now:
        raise ValidationFailed(f"send_at {rfc3339(send_at)} is in the past; leave it out to send now.", param="send_at")
    if send_at > now + FURTHEST_SEND_AT:
        raise ValidationFailed("send_at is more than a year ahead.", param="send_at")
