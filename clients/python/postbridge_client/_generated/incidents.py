"""Operations under 'Incidents'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from postbridge_client._generated.incidents_types import (
    IncidentOut,
    PreviewOut,
)
from postbridge_client.caller import UNSET, Caller, in_path
from postbridge_client.results import Page


class IncidentsOperations(Caller):
    """Undoing bounces that were not the recipients' fault, and sending again what is still of use."""

    def list_incidents(self, *, search: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[IncidentOut]:
        """List incidents. Permission: `suppression.read`."""
        return cast("Page[IncidentOut]", self._page("GET", "/api/v1/incidents", query={"search": search, "limit": limit, "cursor": cursor}))

    def iter_incidents(self, *, search: str | None = None, limit: int | None = None) -> Iterator[IncidentOut]:
        """All of them, page by page: see list_incidents."""
        return self._pages("/api/v1/incidents", {"search": search, "limit": limit})

    def undo_incident(
        self,
        *,
        since: str,
        until: str,
        note: str,
        provider: str | None = UNSET,
        member_id: str | None = UNSET,
        bridge_id: str | None = UNSET,
        reply_class: str | None = UNSET,
        text: str | None = UNSET,
        key: str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> IncidentOut:
        """Lift bounces with the suppressions they caused, and send again what is still of use. Needs `email.send` too. Permission: `suppression.delete`."""
        return cast(
            "IncidentOut",
            self.request(
                "POST",
                "/api/v1/incidents",
                body={
                    "since": since,
                    "until": until,
                    "provider": provider,
                    "member_id": member_id,
                    "bridge_id": bridge_id,
                    "reply_class": reply_class,
                    "text": text,
                    "key": key,
                    "note": note,
                },
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def preview_incidents(
        self,
        *,
        since: str,
        until: str,
        provider: str | None = UNSET,
        member_id: str | None = UNSET,
        bridge_id: str | None = UNSET,
        reply_class: str | None = UNSET,
        text: str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> PreviewOut:
        """Ask what an undoing would do now. Changes nothing. Permission: `suppression.read`."""
        return cast(
            "PreviewOut",
            self.request(
                "POST",
                "/api/v1/incidents/preview",
                body={
                    "since": since,
                    "until": until,
                    "provider": provider,
                    "member_id": member_id,
                    "bridge_id": bridge_id,
                    "reply_class": reply_class,
                    "text": text,
                },
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def get_incident(self, incident_id: str) -> IncidentOut:
        """Read one incident and what came of it so far. Permission: `suppression.read`."""
        return cast("IncidentOut", self.request("GET", f"/api/v1/incidents/{in_path(incident_id)}"))
