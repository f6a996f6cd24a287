"""Operations under 'Activity'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from postbridge_client._generated.activity_types import (
    ActivityOut,
)
from postbridge_client.caller import Caller
from postbridge_client.results import Page


class ActivityOperations(Caller):
    """Who changed what: a member, a key, or staff on behalf of a member. Nobody can edit it."""

    def list_activity(
        self,
        *,
        search: str | None = None,
        action: str | None = None,
        actor_kind: Literal["member", "api_key", "bridge", "staff", "system"] | None = None,
        actor_id: str | None = None,
        object_kind: str | None = None,
        object_id: str | None = None,
        request_id: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[ActivityOut]:
        """List activity, newest first. Permission: `activity.read`."""
        return cast(
            "Page[ActivityOut]",
            self._page(
                "GET",
                "/api/v1/activity",
                query={
                    "search": search,
                    "action": action,
                    "actor_kind": actor_kind,
                    "actor_id": actor_id,
                    "object_kind": object_kind,
                    "object_id": object_id,
                    "request_id": request_id,
                    "since": since,
                    "until": until,
                    "limit": limit,
                    "cursor": cursor,
                },
            ),
        )

    def iter_activity(
        self,
        *,
        search: str | None = None,
        action: str | None = None,
        actor_kind: Literal["member", "api_key", "bridge", "staff", "system"] | None = None,
        actor_id: str | None = None,
        object_kind: str | None = None,
        object_id: str | None = None,
        request_id: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
    ) -> Iterator[ActivityOut]:
        """All of them, page by page: see list_activity."""
        return self._pages(
            "/api/v1/activity",
            {
                "search": search,
                "action": action,
                "actor_kind": actor_kind,
                "actor_id": actor_id,
                "object_kind": object_kind,
                "object_id": object_id,
                "request_id": request_id,
                "since": since,
                "until": until,
                "limit": limit,
            },
        )
