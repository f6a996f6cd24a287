"""Operations under 'Audience events'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Any, cast

from postbridge_client._generated.audience_contacts_types import (
    ContactEventOut,
)
from postbridge_client._generated.audience_events_types import (
    ContactEventBatchOut,
    ContactEventIn,
)
from postbridge_client.caller import UNSET, Caller


class AudienceEventsOperations(Caller):
    """Audience events"""

    def record_event(
        self,
        *,
        name: str,
        contact_id: str | None = UNSET,
        email: str | None = UNSET,
        properties: dict[str, Any] = UNSET,
        occurred_at: str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> ContactEventOut:
        """Tell what a contact did. Permission: `event.send`."""
        return cast(
            "ContactEventOut",
            self.request(
                "POST",
                "/api/v1/events",
                body={"name": name, "contact_id": contact_id, "email": email, "properties": properties, "occurred_at": occurred_at},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def record_events(self, *, events: list[ContactEventIn], idempotency_key: str | None = None) -> ContactEventBatchOut:
        """Tell up to 1,000 events. Permission: `event.send`."""
        return cast(
            "ContactEventBatchOut",
            self.request("POST", "/api/v1/events/batch", body={"events": events}, keyed=True, headers={"Idempotency-Key": idempotency_key}),
        )
