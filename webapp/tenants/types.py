"""Values of tenants that other slices use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class TenantStatus(StrEnum):
    """``sandbox``: may capture only; ``approved``: may send; ``suspended``: may do nothing but read."""

    SANDBOX = "sandbox"
    APPROVED = "approved"
    SUSPENDED = "suspended"


class SuspensionKind(StrEnum):
    """What a suspension is for. After abuse, links in mail already sent lead to a warning; otherwise they go on working."""

    ABUSE = "abuse"
    SECURITY = "security"
    PAYMENT = "payment"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TenantState:
    """What the sending path must know of a tenant. Limits are None where there is none of its own."""

    id: UUID
    name: str
    status: TenantStatus
    status_reason: str | None
    daily_limit: int | None
    max_recipients: int | None
    suspended_for: SuspensionKind | None = None

    @property
    def may_send_live(self) -> bool:
        """Whether mail of this tenant may leave."""
        return self.status is TenantStatus.APPROVED


class LimitName(StrEnum):
    """Everything a tenant has only so much of. The first four are of mail, the fifth of requests, the others count objects."""

    DAILY_RECIPIENTS = "daily_recipients"
    MONTHLY_RECIPIENTS = "monthly_recipients"
    MINUTE_RECIPIENTS = "minute_recipients"
    MESSAGE_RECIPIENTS = "message_recipients"
    KEY_RATE = "key_rate"
    API_KEYS = "api_keys"
    BRIDGES = "bridges"
    DOMAINS = "domains"
    MEMBERS = "members"
    POOLS = "pools"
    ROLES = "roles"
    SENDING_ACCOUNTS = "sending_accounts"
    TEMPLATES = "templates"
    WEBHOOKS = "webhooks"


@dataclass(frozen=True, slots=True)
class LimitKind:
    """What a limit is of. ``default`` None: a setting of the platform says, or there is none. ``noun``: the things, for sentences."""

    noun: str
    description: str
    default: int | None = None


LIMIT_KINDS: Mapping[LimitName, LimitKind] = {
    LimitName.DAILY_RECIPIENTS: LimitKind("live recipients a day", "Live recipients a UTC day; without a limit unless staff set one."),
    LimitName.MONTHLY_RECIPIENTS: LimitKind("live recipients a month", "Live recipients a UTC month; without a limit unless plan or staff set one."),
    LimitName.MINUTE_RECIPIENTS: LimitKind("live recipients a minute", "Live recipients in any 60 seconds; without a limit unless plan or staff set one."),
    LimitName.MESSAGE_RECIPIENTS: LimitKind("recipients a message", "Recipients of one message: to, cc and bcc together."),
    LimitName.KEY_RATE: LimitKind("requests per 60 seconds of a key", "The highest rate limit that one API key may be given, in requests per 60 seconds."),
    LimitName.API_KEYS: LimitKind("active API keys", "API keys that are neither revoked nor expired.", 100),
    LimitName.BRIDGES: LimitKind("bridges", "Bridges, live and sandbox together.", 1000),
    LimitName.DOMAINS: LimitKind("domains", "Sending domains, verified or not.", 1000),
    LimitName.MEMBERS: LimitKind("members and invitations", "Members of the team and open invitations.", 500),
    LimitName.POOLS: LimitKind("pools", "Pools of your own.", 200),
    LimitName.ROLES: LimitKind("roles", "Roles of your own; the built-in ones do not count.", 200),
    LimitName.SENDING_ACCOUNTS: LimitKind("sending accounts", "Sending accounts of your own.", 200),
    LimitName.TEMPLATES: LimitKind("templates", "Templates.", 2000),
    LimitName.WEBHOOKS: LimitKind("webhook endpoints", "Webhook endpoints.", 50),
}


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a tenant as it is now. ``limit`` None: unlimited. ``used`` None: nothing to count, the limit holds for each one."""

    name: LimitName
    description: str
    limit: int | None
    default: int | None
    used: int | None

    @property
    def remaining(self) -> int | None:
        """What may still be used; None where the limit or the use is."""
        return None if self.limit is None or self.used is None else max(0, self.limit - self.used)


class LimitRequestStatus(StrEnum):
    """``open``: waits for staff; ``granted``: the limit was raised, perhaps to less than asked for; the others changed nothing."""

    OPEN = "open"
    GRANTED = "granted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
