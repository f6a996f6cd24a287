"""Operations under 'Limits'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from postbridge_client._generated.limits_types import (
    LimitOut,
    LimitRequestOut,
)
from postbridge_client.caller import Caller, in_path
from postbridge_client.results import Page


class LimitsOperations(Caller):
    """What you may use, how much of it is used, and asking for more"""

    def get_limits(self) -> Page[LimitOut]:
        """List every limit, and how much of it is used. Permission: `billing.read`."""
        return cast("Page[LimitOut]", self._page("GET", "/api/v1/limits"))

    def list_limit_requests(
        self,
        *,
        status: Literal["open", "granted", "declined", "withdrawn"] | None = None,
        limit_name: Literal[
            "daily_recipients",
            "monthly_recipients",
            "minute_recipients",
            "message_recipients",
            "key_rate",
            "api_keys",
            "bridges",
            "domains",
            "members",
            "pools",
            "roles",
            "sending_accounts",
            "templates",
            "webhooks",
        ]
        | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[LimitRequestOut]:
        """List limit requests, newest first. Permission: `billing.read`."""
        return cast(
            "Page[LimitRequestOut]",
            self._page("GET", "/api/v1/limit-requests", query={"status": status, "limit_name": limit_name, "limit": limit, "cursor": cursor}),
        )

    def iter_limit_requests(
        self,
        *,
        status: Literal["open", "granted", "declined", "withdrawn"] | None = None,
        limit_name: Literal[
            "daily_recipients",
            "monthly_recipients",
            "minute_recipients",
            "message_recipients",
            "key_rate",
            "api_keys",
            "bridges",
            "domains",
            "members",
            "pools",
            "roles",
            "sending_accounts",
            "templates",
            "webhooks",
        ]
        | None = None,
        limit: int | None = None,
    ) -> Iterator[LimitRequestOut]:
        """All of them, page by page: see list_limit_requests."""
        return self._pages("/api/v1/limit-requests", {"status": status, "limit_name": limit_name, "limit": limit})

    def request_limit(
        self,
        *,
        limit: Literal[
            "daily_recipients",
            "monthly_recipients",
            "minute_recipients",
            "message_recipients",
            "key_rate",
            "api_keys",
            "bridges",
            "domains",
            "members",
            "pools",
            "roles",
            "sending_accounts",
            "templates",
            "webhooks",
        ],
        wanted: int,
        reason: str,
        idempotency_key: str | None = None,
    ) -> LimitRequestOut:
        """Ask staff for a higher limit. Permission: `limit.request`."""
        return cast(
            "LimitRequestOut",
            self.request(
                "POST",
                "/api/v1/limit-requests",
                body={"limit": limit, "wanted": wanted, "reason": reason},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def get_limit_request(self, limit_request_id: str) -> LimitRequestOut:
        """Show a limit request and what staff said. Permission: `billing.read`."""
        return cast("LimitRequestOut", self.request("GET", f"/api/v1/limit-requests/{in_path(limit_request_id)}"))

    def withdraw_limit_request(self, limit_request_id: str, *, if_match: str | None = None) -> LimitRequestOut:
        """Withdraw a limit request that is still open. Permission: `limit.request`."""
        return cast("LimitRequestOut", self.request("DELETE", f"/api/v1/limit-requests/{in_path(limit_request_id)}", headers={"If-Match": if_match}))
