"""Permissions: ``noun.verb`` strings, granted exactly or by wildcard (``domain.*``, ``mailbox.admin.*``, ``*``, ``*.read``)."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from enum import StrEnum


class Permission(StrEnum):
    """Every permission a route may ask for, in alphabetical order."""

    ACTIVITY_READ = "activity.read"
    ANALYTICS_READ = "analytics.read"
    BILLING_READ = "billing.read"
    BRIDGE_CREATE = "bridge.create"
    BRIDGE_DELETE = "bridge.delete"
    BRIDGE_READ = "bridge.read"
    BRIDGE_REVEAL = "bridge.reveal"
    BRIDGE_UPDATE = "bridge.update"
    CONTACT_CREATE = "contact.create"
    CONTACT_DELETE = "contact.delete"
    CONTACT_READ = "contact.read"
    CONTACT_UPDATE = "contact.update"
    DOMAIN_CREATE = "domain.create"
    DOMAIN_DELETE = "domain.delete"
    DOMAIN_READ = "domain.read"
    DOMAIN_VERIFY = "domain.verify"
    EMAIL_READ = "email.read"
    EMAIL_SEND = "email.send"
    EMAIL_VALIDATE = "email.validate"
    EVENT_SEND = "event.send"
    IP_READ = "ip.read"
    IP_UPDATE = "ip.update"
    KEY_CREATE = "key.create"
    KEY_DELETE = "key.delete"
    KEY_READ = "key.read"
    LIST_CREATE = "list.create"
    LIST_DELETE = "list.delete"
    LIST_READ = "list.read"
    LIST_UPDATE = "list.update"
    LIMIT_REQUEST = "limit.request"
    LOGS_READ = "logs.read"
    POOL_CREATE = "pool.create"
    POOL_DELETE = "pool.delete"
    POOL_READ = "pool.read"
    POOL_UPDATE = "pool.update"
    PROVIDER_CREATE = "provider.create"
    PROVIDER_DELETE = "provider.delete"
    PROVIDER_READ = "provider.read"
    PROVIDER_UPDATE = "provider.update"
    ROLE_CREATE = "role.create"
    ROLE_DELETE = "role.delete"
    ROLE_READ = "role.read"
    ROLE_UPDATE = "role.update"
    SEGMENT_CREATE = "segment.create"
    SEGMENT_DELETE = "segment.delete"
    SEGMENT_READ = "segment.read"
    SEGMENT_UPDATE = "segment.update"
    SUPPRESSION_CREATE = "suppression.create"
    SUPPRESSION_DELETE = "suppression.delete"
    SUPPRESSION_READ = "suppression.read"
    TAG_CREATE = "tag.create"
    TAG_DELETE = "tag.delete"
    TAG_READ = "tag.read"
    TAG_UPDATE = "tag.update"
    TEAM_INVITE = "team.invite"
    TEAM_READ = "team.read"
    TEAM_UPDATE = "team.update"
    TEMPLATE_CREATE = "template.create"
    TEMPLATE_DELETE = "template.delete"
    TEMPLATE_READ = "template.read"
    TEMPLATE_UPDATE = "template.update"
    TENANT_UPDATE = "tenant.update"
    WEBHOOK_CREATE = "webhook.create"
    WEBHOOK_DELETE = "webhook.delete"
    WEBHOOK_MANAGE = "webhook.manage"
    WEBHOOK_READ = "webhook.read"
    WEBHOOK_UPDATE = "webhook.update"


@functools.lru_cache(maxsize=4096)
def _matches(pattern: str, permission: str) -> bool:
    if pattern in ("*", permission):
        return True
    if pattern.endswith(".*"):
        return permission.startswith(pattern[:-1])
    return pattern.startswith("*.") and permission.endswith(pattern[1:])


class PermissionSet(frozenset[str]):
    """Granted patterns. Empty means: nothing is allowed."""

    def allows(self, permission: str) -> bool:
        """Whether any pattern covers ``permission``."""
        return permission in self or any(_matches(pattern, permission) for pattern in self)

    def covers(self, wanted: Iterable[str]) -> bool:
        """Whether every pattern in ``wanted`` grants nothing that this set does not: no one gives more than they have."""
        return all(
            self.allows(pattern) if "*" not in pattern else all(self.allows(p) for p in Permission if _matches(pattern, p)) for pattern in wanted
        )

    def both(self, other: PermissionSet) -> PermissionSet:
        """What both sets allow: the smaller one as it is written where one covers the other, else each permission by name."""
        if self.covers(other):
            return other
        if other.covers(self):
            return self
        return PermissionSet(p.value for p in Permission if self.allows(p) and other.allows(p))


def unknown_patterns(patterns: Iterable[str]) -> list[str]:
    """The patterns that match no permission at all: a typing mistake, to be refused."""
    return [pattern for pattern in patterns if not any(_matches(pattern, p) for p in Permission)]


#: Ready-made sets. The ``root:`` names are for keys, the plain ones for members.
PRESETS: dict[str, PermissionSet] = {
    "root:full": PermissionSet({"*"}),
    "root:readonly": PermissionSet({"*.read"}),
    "root:sending": PermissionSet({"email.*"}),
    "root:webhook_admin": PermissionSet({"webhook.*"}),
    "root:provider_admin": PermissionSet({"provider.*", "pool.*", "ip.*", "bridge.*", "domain.*", "logs.read"}),
    "owner": PermissionSet({"*"}),
    "admin": PermissionSet({f"{noun}.*" for noun in {p.split(".")[0] for p in Permission} - {"tenant"}}),
    "developer": PermissionSet(
        {"email.*", "bridge.*", "domain.*", "template.*", "suppression.*", "key.*", "pool.read", "provider.read", "ip.read", "role.read"}
        | {"logs.read", "analytics.read", "activity.read", "team.read", "billing.read"}
    ),
    "viewer": PermissionSet({"*.read"}),
}
