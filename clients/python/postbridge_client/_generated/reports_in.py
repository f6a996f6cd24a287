"""Operations under 'Reports in'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Literal, cast

from postbridge_client._generated.reports_in_types import (
    ReportReceived,
    TakenOut,
)
from postbridge_client.caller import UNSET, Caller, in_path


class ReportsInOperations(Caller):
    """What other mail servers tell this one."""

    def report_from_postfix(
        self,
        *,
        event: Literal["bounce", "delivered", "deferred", "complaint"],
        recipient: str,
        message_id: str = UNSET,
        sender: str = UNSET,
        reason: str = UNSET,
        status: str | None = UNSET,
        id: str = UNSET,
        x_webhook_secret: str | None = None,
    ) -> ReportReceived:
        """Tell what became of mail that an MTA took over from us: `X-Webhook-Secret` or `Authorization: Bearer` with the shared secret. The route exists
        only when POSTBRIDGE_POSTFIX_WEBHOOK_SECRET is set. 200: stored; a report that comes again is applied once.
        """
        return cast(
            "ReportReceived",
            self.request(
                "POST",
                "/api/v1/webhooks/postfix",
                body={"event": event, "recipient": recipient, "message_id": message_id, "sender": sender, "reason": reason, "status": status, "id": id},
                headers={"X-Webhook-Secret": x_webhook_secret},
            ),
        )

    def report_from_provider(self, provider: str, hook_id: str, *, idempotency_key: str | None = None) -> TakenOut:
        """Take what a provider reports about mail of one sending account, in the provider's own form and proven in its own way. The address is the one
        that `PUT /providers/{id}/reports` shows; without a secret the route is closed (404). 200: stored; reports that come again are applied once.
        """
        return cast(
            "TakenOut",
            self.request("POST", f"/api/v1/webhooks/in/{in_path(provider)}/{in_path(hook_id)}", keyed=True, headers={"Idempotency-Key": idempotency_key}),
        )
