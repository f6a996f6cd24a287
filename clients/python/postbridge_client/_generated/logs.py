"""Operations under 'Logs'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from postbridge_client._generated.logs_types import (
    LogEntry,
)
from postbridge_client.caller import Caller, in_path
from postbridge_client.results import Page


class LogsOperations(Caller):
    """What became of each recipient"""

    def list_logs(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        page: int | None = None,
        search: str | None = None,
        status: Literal[
            "scheduled",
            "held",
            "queued",
            "deferred",
            "sent",
            "delivered",
            "bounced",
            "failed",
            "suppressed",
            "cancelled",
            "sandboxed",
            "opened",
            "clicked",
            "complained",
            "unsubscribed",
        ]
        | None = None,
        bridge: str | None = None,
        domain: str | None = None,
        tag: str | None = None,
        provider: str | None = None,
        sender: str | None = None,
        recipient: str | None = None,
        subject: str | None = None,
        template: str | None = None,
        error_class: str | None = None,
        mode: Literal["live", "sandbox"] | None = None,
        to: str | None = None,
        sort: Literal["-created_at", "created_at"] | None = None,
        from_: str | None = None,
    ) -> Page[LogEntry]:
        """List recipients, newest first: one row each. A page may be short and still have a `next_cursor`: narrow filters end after so many rows.
        Permission: `logs.read`.
        """
        return cast(
            "Page[LogEntry]",
            self._page(
                "GET",
                "/api/v1/logs",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "page": page,
                    "search": search,
                    "status": status,
                    "bridge": bridge,
                    "domain": domain,
                    "tag": tag,
                    "provider": provider,
                    "sender": sender,
                    "recipient": recipient,
                    "subject": subject,
                    "template": template,
                    "error_class": error_class,
                    "mode": mode,
                    "to": to,
                    "sort": sort,
                    "from": from_,
                },
            ),
        )

    def iter_logs(
        self,
        *,
        limit: int | None = None,
        page: int | None = None,
        search: str | None = None,
        status: Literal[
            "scheduled",
            "held",
            "queued",
            "deferred",
            "sent",
            "delivered",
            "bounced",
            "failed",
            "suppressed",
            "cancelled",
            "sandboxed",
            "opened",
            "clicked",
            "complained",
            "unsubscribed",
        ]
        | None = None,
        bridge: str | None = None,
        domain: str | None = None,
        tag: str | None = None,
        provider: str | None = None,
        sender: str | None = None,
        recipient: str | None = None,
        subject: str | None = None,
        template: str | None = None,
        error_class: str | None = None,
        mode: Literal["live", "sandbox"] | None = None,
        to: str | None = None,
        sort: Literal["-created_at", "created_at"] | None = None,
        from_: str | None = None,
    ) -> Iterator[LogEntry]:
        """All of them, page by page: see list_logs."""
        return self._pages(
            "/api/v1/logs",
            {
                "limit": limit,
                "page": page,
                "search": search,
                "status": status,
                "bridge": bridge,
                "domain": domain,
                "tag": tag,
                "provider": provider,
                "sender": sender,
                "recipient": recipient,
                "subject": subject,
                "template": template,
                "error_class": error_class,
                "mode": mode,
                "to": to,
                "sort": sort,
                "from": from_,
            },
        )

    def get_log(self, log_id: str) -> LogEntry:
        """Read one recipient's row. Permission: `logs.read`."""
        return cast("LogEntry", self.request("GET", f"/api/v1/logs/{in_path(log_id)}"))
