"""Operations under 'Reports'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from postbridge_client._generated.reports_types import (
    ReportOut,
)
from postbridge_client.caller import UNSET, Caller, in_path
from postbridge_client.results import Page


class ReportsOperations(Caller):
    """Figures and logs as files"""

    def list_reports(
        self,
        *,
        days: int | None = None,
        to: str | None = None,
        timezone: str | None = None,
        interval: Literal["hour", "day", "week", "month"] | None = None,
        split: Literal["bridge", "pool", "ip", "domain", "provider", "tag"] | None = None,
        bridge: str | None = None,
        pool: str | None = None,
        ip: str | None = None,
        domain: str | None = None,
        provider: str | None = None,
        tag: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        export: Literal["csv"] | None = None,
        from_: str | None = None,
    ) -> Page[ReportOut]:
        """List reports. With `export=csv`, answer with figures as a CSV file at once. Permission: `analytics.read`."""
        return cast(
            "Page[ReportOut]",
            self._page(
                "GET",
                "/api/v1/reports",
                query={
                    "days": days,
                    "to": to,
                    "timezone": timezone,
                    "interval": interval,
                    "split": split,
                    "bridge": bridge,
                    "pool": pool,
                    "ip": ip,
                    "domain": domain,
                    "provider": provider,
                    "tag": tag,
                    "limit": limit,
                    "cursor": cursor,
                    "export": export,
                    "from": from_,
                },
            ),
        )

    def iter_reports(
        self,
        *,
        days: int | None = None,
        to: str | None = None,
        timezone: str | None = None,
        interval: Literal["hour", "day", "week", "month"] | None = None,
        split: Literal["bridge", "pool", "ip", "domain", "provider", "tag"] | None = None,
        bridge: str | None = None,
        pool: str | None = None,
        ip: str | None = None,
        domain: str | None = None,
        provider: str | None = None,
        tag: str | None = None,
        limit: int | None = None,
        export: Literal["csv"] | None = None,
        from_: str | None = None,
    ) -> Iterator[ReportOut]:
        """All of them, page by page: see list_reports."""
        return self._pages(
            "/api/v1/reports",
            {
                "days": days,
                "to": to,
                "timezone": timezone,
                "interval": interval,
                "split": split,
                "bridge": bridge,
                "pool": pool,
                "ip": ip,
                "domain": domain,
                "provider": provider,
                "tag": tag,
                "limit": limit,
                "export": export,
                "from": from_,
            },
        )

    def create_report(
        self,
        *,
        kind: Literal["figures", "log"],
        days: int = UNSET,
        to: str | None = UNSET,
        timezone: str | None = UNSET,
        interval: Literal["hour", "day", "week", "month"] | None = UNSET,
        split: Literal["bridge", "pool", "ip", "domain", "provider", "tag"] | None = UNSET,
        bridge: str | None = UNSET,
        pool: str | None = UNSET,
        ip: str | None = UNSET,
        domain: str | None = UNSET,
        provider: str | None = UNSET,
        tag: str | None = UNSET,
        title: str = UNSET,
        search: str | None = UNSET,
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
        | None = UNSET,
        sender: str | None = UNSET,
        recipient: str | None = UNSET,
        subject: str | None = UNSET,
        template: str | None = UNSET,
        error_class: str | None = UNSET,
        from_: str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> ReportOut:
        """Ask for a report: it is made in the background, and can be downloaded for some days. The log needs `logs.read` too. Permission:
        `analytics.read`.
        """
        return cast(
            "ReportOut",
            self.request(
                "POST",
                "/api/v1/reports",
                body={
                    "days": days,
                    "to": to,
                    "timezone": timezone,
                    "interval": interval,
                    "split": split,
                    "bridge": bridge,
                    "pool": pool,
                    "ip": ip,
                    "domain": domain,
                    "provider": provider,
                    "tag": tag,
                    "kind": kind,
                    "title": title,
                    "search": search,
                    "status": status,
                    "sender": sender,
                    "recipient": recipient,
                    "subject": subject,
                    "template": template,
                    "error_class": error_class,
                    "from": from_,
                },
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def get_report(self, report_id: str) -> ReportOut:
        """Read how far a report is. Permission: `analytics.read`."""
        return cast("ReportOut", self.request("GET", f"/api/v1/reports/{in_path(report_id)}"))

    def download_report(self, report_id: str) -> str:
        """Download a finished report. 409 while it is not ready. Permission: `analytics.read`."""
        return cast("str", self.request("GET", f"/api/v1/reports/{in_path(report_id)}/download"))
