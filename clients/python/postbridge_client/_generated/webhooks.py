"""Operations under 'Webhooks'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from postbridge_client._generated.webhooks_types import (
    DeliveryDetail,
    DeliveryOut,
    EndpointOut,
    EndpointWithSecret,
    EventKindOut,
    HealthOut,
    HookOut,
    ReplayOut,
)
from postbridge_client.caller import UNSET, Caller, in_path
from postbridge_client.results import Page


class WebhooksOperations(Caller):
    """Endpoints of yours that hear about events, signed by the Standard Webhooks scheme."""

    def list_webhooks(
        self, *, search: str | None = None, state: Literal["enabled", "disabled"] | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Page[EndpointOut]:
        """List webhook endpoints. Permission: `webhook.read`."""
        return cast("Page[EndpointOut]", self._page("GET", "/api/v1/webhooks", query={"search": search, "state": state, "limit": limit, "cursor": cursor}))

    def iter_webhooks(
        self, *, search: str | None = None, state: Literal["enabled", "disabled"] | None = None, limit: int | None = None
    ) -> Iterator[EndpointOut]:
        """All of them, page by page: see list_webhooks."""
        return self._pages("/api/v1/webhooks", {"search": search, "state": state, "limit": limit})

    def create_webhook(
        self,
        *,
        url: str,
        description: str | None = UNSET,
        events: list[str] | None = UNSET,
        bridges: list[str] | None = UNSET,
        modes: list[Literal["live", "sandbox"]] | None = UNSET,
        secret: str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> EndpointWithSecret:
        """Add a webhook endpoint. The answer shows its signing secret. Permission: `webhook.create`."""
        return cast(
            "EndpointWithSecret",
            self.request(
                "POST",
                "/api/v1/webhooks",
                body={"url": url, "description": description, "events": events, "bridges": bridges, "modes": modes, "secret": secret},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def list_webhook_event_types(self) -> Page[EventKindOut]:
        """List all event types, with the JSON Schema of each payload and an example. Permission: `webhook.read`."""
        return cast("Page[EventKindOut]", self._page("GET", "/api/v1/webhooks/events"))

    def get_webhook(self, webhook_id: str) -> EndpointOut:
        """Read a webhook endpoint, without its secret. Permission: `webhook.read`."""
        return cast("EndpointOut", self.request("GET", f"/api/v1/webhooks/{in_path(webhook_id)}"))

    def update_webhook(
        self,
        webhook_id: str,
        *,
        url: str = UNSET,
        description: str | None = UNSET,
        events: list[str] | None = UNSET,
        bridges: list[str] | None = UNSET,
        modes: list[Literal["live", "sandbox"]] | None = UNSET,
        enabled: bool = UNSET,
        if_match: str | None = None,
    ) -> EndpointOut:
        """Change a webhook endpoint, or switch it off or on. Permission: `webhook.update`."""
        return cast(
            "EndpointOut",
            self.request(
                "PATCH",
                f"/api/v1/webhooks/{in_path(webhook_id)}",
                body={"url": url, "description": description, "events": events, "bridges": bridges, "modes": modes, "enabled": enabled},
                headers={"If-Match": if_match},
            ),
        )

    def delete_webhook(self, webhook_id: str, *, if_match: str | None = None) -> None:
        """Remove a webhook endpoint with what waits for it. Permission: `webhook.delete`."""
        self.request("DELETE", f"/api/v1/webhooks/{in_path(webhook_id)}", headers={"If-Match": if_match})

    def get_webhook_health(self, webhook_id: str) -> HealthOut:
        """Read how a webhook endpoint answers lately. Permission: `webhook.read`."""
        return cast("HealthOut", self.request("GET", f"/api/v1/webhooks/{in_path(webhook_id)}/health"))

    def rotate_webhook_secret(self, webhook_id: str, *, overlap_hours: int = UNSET, idempotency_key: str | None = None) -> EndpointWithSecret:
        """Make a new signing secret. Both sign during the overlap. Permission: `webhook.manage`."""
        return cast(
            "EndpointWithSecret",
            self.request(
                "POST",
                f"/api/v1/webhooks/{in_path(webhook_id)}/rotate-secret",
                body={"overlap_hours": overlap_hours},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def test_webhook(self, webhook_id: str, *, idempotency_key: str | None = None) -> DeliveryOut:
        """Send a `webhook.test` event to this endpoint only. Follow the delivery by its id. Permission: `webhook.manage`."""
        return cast(
            "DeliveryOut", self.request("POST", f"/api/v1/webhooks/{in_path(webhook_id)}/test", keyed=True, headers={"Idempotency-Key": idempotency_key})
        )

    def list_webhook_deliveries(
        self,
        webhook_id: str,
        *,
        state: Literal["pending", "delivered", "failed"] | None = None,
        event_type: str | None = None,
        event_id: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[DeliveryOut]:
        """List deliveries of a webhook endpoint, by the time of their events, newest first. Permission: `webhook.read`."""
        return cast(
            "Page[DeliveryOut]",
            self._page(
                "GET",
                f"/api/v1/webhooks/{in_path(webhook_id)}/deliveries",
                query={"state": state, "event_type": event_type, "event_id": event_id, "since": since, "until": until, "limit": limit, "cursor": cursor},
            ),
        )

    def iter_webhook_deliveries(
        self,
        webhook_id: str,
        *,
        state: Literal["pending", "delivered", "failed"] | None = None,
        event_type: str | None = None,
        event_id: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
    ) -> Iterator[DeliveryOut]:
        """All of them, page by page: see list_webhook_deliveries."""
        return self._pages(
            f"/api/v1/webhooks/{in_path(webhook_id)}/deliveries",
            {"state": state, "event_type": event_type, "event_id": event_id, "since": since, "until": until, "limit": limit},
        )

    def get_webhook_delivery(self, webhook_id: str, delivery_id: str) -> DeliveryDetail:
        """Read a delivery with the request and every answer. Permission: `webhook.read`."""
        return cast("DeliveryDetail", self.request("GET", f"/api/v1/webhooks/{in_path(webhook_id)}/deliveries/{in_path(delivery_id)}"))

    def replay_webhook_delivery(self, webhook_id: str, delivery_id: str, *, idempotency_key: str | None = None) -> DeliveryOut:
        """Send one delivery again, under the same webhook-id. Permission: `webhook.manage`."""
        return cast(
            "DeliveryOut",
            self.request(
                "POST",
                f"/api/v1/webhooks/{in_path(webhook_id)}/deliveries/{in_path(delivery_id)}/replay",
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def replay_webhook_deliveries(
        self, webhook_id: str, *, since: str, what: Literal["failed", "all"] | None = None, idempotency_key: str | None = None
    ) -> ReplayOut:
        """Send again what happened since a time, also what the endpoint missed while it was switched off. Permission: `webhook.manage`."""
        return cast(
            "ReplayOut",
            self.request(
                "POST",
                f"/api/v1/webhooks/{in_path(webhook_id)}/replay",
                query={"since": since, "what": what},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def list_webhook_replays(self, webhook_id: str) -> Page[ReplayOut]:
        """List the last replays to a webhook endpoint. Permission: `webhook.read`."""
        return cast("Page[ReplayOut]", self._page("GET", f"/api/v1/webhooks/{in_path(webhook_id)}/replays"))

    def get_provider_reports(self, provider_id: str) -> HookOut:
        """Read the hook of a sending account: the address to give to the provider. 404 when none is set up. Permission: `provider.read`."""
        return cast("HookOut", self.request("GET", f"/api/v1/providers/{in_path(provider_id)}/reports"))

    def open_provider_reports(
        self,
        provider_id: str,
        *,
        provider: Literal["ses", "sendgrid", "mailgun", "postmark", "brevo", "generic"],
        secret: str | None = UNSET,
        if_match: str | None = None,
    ) -> HookOut:
        """Open, or change, the door for bounces and complaints that a provider reports. A secret made here is shown once. Permission: `provider.update`."""
        return cast(
            "HookOut",
            self.request(
                "PUT", f"/api/v1/providers/{in_path(provider_id)}/reports", body={"provider": provider, "secret": secret}, headers={"If-Match": if_match}
            ),
        )

    def close_provider_reports(self, provider_id: str, *, if_match: str | None = None) -> None:
        """Close the door for reports about mail of a sending account. Permission: `provider.update`."""
        self.request("DELETE", f"/api/v1/providers/{in_path(provider_id)}/reports", headers={"If-Match": if_match})
