"""What can be announced. Facts about recipients are ``messages.types.EventType``."""

from __future__ import annotations

from enum import StrEnum


class Announcement(StrEnum):
    """Kinds of facts that are not about one recipient, named as webhooks name them."""

    DOMAIN_VERIFIED = "domain.verified"
    DOMAIN_FAILED = "domain.failed"
    BRIDGE_PAUSED = "bridge.paused"
    PROVIDER_LIMIT_REACHED = "provider.limit_reached"
    LIMIT_REACHED = "limit.reached"
    CONTACT_CREATED = "contact.created"
    CONTACT_UPDATED = "contact.updated"
    CONTACT_UNSUBSCRIBED = "contact.unsubscribed"
    BROADCAST_STARTED = "broadcast.started"
    BROADCAST_FINISHED = "broadcast.finished"
    IMPORT_FINISHED = "import.finished"
    EMAIL_RECEIVED = "email.received"
    WEBHOOK_TEST = "webhook.test"
