"""Operations under 'Bridges'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from postbridge_client._generated.bridges_types import (
    AliasMade,
    AliasOut,
    BridgeDetail,
    BridgeMade,
    BridgeOut,
    CredentialsOut,
    GuardOut,
)
from postbridge_client.caller import UNSET, Caller, in_path
from postbridge_client.results import Page


class BridgesOperations(Caller):
    """One bridge an application: SMTP credentials and a token on top of a pool, with its own tracking switches, figures and guard."""

    def list_bridges(
        self,
        *,
        search: str | None = None,
        mode: Literal["live", "sandbox"] | None = None,
        pool_id: str | None = None,
        paused: bool | None = None,
        sort: Literal["-created_at", "created_at", "name", "-name"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[BridgeOut]:
        """List bridges. A sandbox key sees sandbox bridges only. Permission: `bridge.read`."""
        return cast(
            "Page[BridgeOut]",
            self._page(
                "GET",
                "/api/v1/bridges",
                query={"search": search, "mode": mode, "pool_id": pool_id, "paused": paused, "sort": sort, "limit": limit, "cursor": cursor},
            ),
        )

    def iter_bridges(
        self,
        *,
        search: str | None = None,
        mode: Literal["live", "sandbox"] | None = None,
        pool_id: str | None = None,
        paused: bool | None = None,
        sort: Literal["-created_at", "created_at", "name", "-name"] | None = None,
        limit: int | None = None,
    ) -> Iterator[BridgeOut]:
        """All of them, page by page: see list_bridges."""
        return self._pages("/api/v1/bridges", {"search": search, "mode": mode, "pool_id": pool_id, "paused": paused, "sort": sort, "limit": limit})

    def create_bridge(
        self,
        *,
        name: str,
        stream: Literal["transactional", "bulk"] = UNSET,
        track_opens: bool = UNSET,
        track_clicks: bool = UNSET,
        allowed_from: list[str] = UNSET,
        pool_id: str | None = UNSET,
        mode: Literal["live", "sandbox"] | None = UNSET,
        idempotency_key: str | None = None,
    ) -> BridgeMade:
        """Create a bridge. Its SMTP credentials and token are valid at once. Permission: `bridge.create`."""
        return cast(
            "BridgeMade",
            self.request(
                "POST",
                "/api/v1/bridges",
                body={
                    "name": name,
                    "stream": stream,
                    "track_opens": track_opens,
                    "track_clicks": track_clicks,
                    "allowed_from": allowed_from,
                    "pool_id": pool_id,
                    "mode": mode,
                },
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def get_bridge(self, bridge_id: str) -> BridgeDetail:
        """Read a bridge, and what its guard says of it. Permission: `bridge.read`."""
        return cast("BridgeDetail", self.request("GET", f"/api/v1/bridges/{in_path(bridge_id)}"))

    def update_bridge(
        self,
        bridge_id: str,
        *,
        name: str = UNSET,
        stream: Literal["transactional", "bulk"] = UNSET,
        track_opens: bool = UNSET,
        track_clicks: bool = UNSET,
        allowed_from: list[str] = UNSET,
        if_match: str | None = None,
    ) -> BridgeOut:
        """Rename a bridge, switch its tracking, change what it may send from. Permission: `bridge.update`."""
        return cast(
            "BridgeOut",
            self.request(
                "PATCH",
                f"/api/v1/bridges/{in_path(bridge_id)}",
                body={"name": name, "stream": stream, "track_opens": track_opens, "track_clicks": track_clicks, "allowed_from": allowed_from},
                headers={"If-Match": if_match},
            ),
        )

    def delete_bridge(self, bridge_id: str, *, if_match: str | None = None) -> None:
        """Delete a bridge: its credentials are refused within five seconds, also in open SMTP sessions. Permission: `bridge.delete`."""
        self.request("DELETE", f"/api/v1/bridges/{in_path(bridge_id)}", headers={"If-Match": if_match})

    def get_bridge_credentials(self, bridge_id: str) -> CredentialsOut:
        """Show the valid credentials, newest first. Each look is noted in the activity log. Permission: `bridge.reveal`."""
        return cast("CredentialsOut", self.request("GET", f"/api/v1/bridges/{in_path(bridge_id)}/credentials"))

    def rotate_bridge(self, bridge_id: str, *, overlap_days: int = UNSET, idempotency_key: str | None = None) -> BridgeMade:
        """Make new credentials. The old ones stay valid for the overlap (0 to 7 days, one by default). Permission: `bridge.update`."""
        return cast(
            "BridgeMade",
            self.request(
                "POST",
                f"/api/v1/bridges/{in_path(bridge_id)}/rotate",
                body={"overlap_days": overlap_days},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def pause_bridge(self, bridge_id: str, *, reason: str | None = UNSET, idempotency_key: str | None = None) -> BridgeOut:
        """Take no mail until the bridge is resumed. Permission: `bridge.update`."""
        return cast(
            "BridgeOut",
            self.request(
                "POST", f"/api/v1/bridges/{in_path(bridge_id)}/pause", body={"reason": reason}, keyed=True, headers={"Idempotency-Key": idempotency_key}
            ),
        )

    def resume_bridge(self, bridge_id: str, *, note: str | None = UNSET, idempotency_key: str | None = None) -> BridgeOut:
        """Take mail again, and let go what was held. A bridge that its guard paused needs a note: what was found and done. Permission: `bridge.update`."""
        return cast(
            "BridgeOut",
            self.request("POST", f"/api/v1/bridges/{in_path(bridge_id)}/resume", body={"note": note}, keyed=True, headers={"Idempotency-Key": idempotency_key}),
        )

    def get_bridge_guard(self, bridge_id: str) -> GuardOut:
        """Read the guard's state, its limits and the present figures, and the last alarms. Permission: `bridge.read`."""
        return cast("GuardOut", self.request("GET", f"/api/v1/bridges/{in_path(bridge_id)}/guard"))

    def update_bridge_guard(
        self,
        bridge_id: str,
        *,
        bounce_warn: float | None = UNSET,
        bounce_pause: float | None = UNSET,
        complaint_warn: float | None = UNSET,
        complaint_pause: float | None = UNSET,
        spike_factor: float | None = UNSET,
        spike_action: Literal["off", "warn", "pause"] | None = UNSET,
        sender_action: Literal["off", "warn", "pause"] | None = UNSET,
        if_match: str | None = None,
    ) -> GuardOut:
        """Choose limits, up to what the platform allows. Null goes back to the platform's own. Permission: `bridge.update`."""
        return cast(
            "GuardOut",
            self.request(
                "PATCH",
                f"/api/v1/bridges/{in_path(bridge_id)}/guard",
                body={
                    "bounce_warn": bounce_warn,
                    "bounce_pause": bounce_pause,
                    "complaint_warn": complaint_warn,
                    "complaint_pause": complaint_pause,
                    "spike_factor": spike_factor,
                    "spike_action": spike_action,
                    "sender_action": sender_action,
                },
                headers={"If-Match": if_match},
            ),
        )

    def list_credentials(
        self,
        *,
        search: str | None = None,
        domain_id: str | None = None,
        sort: Literal["-created_at", "created_at", "name", "-name"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[AliasOut]:
        """List credentials: every bridge, in this vocabulary. Permission: `bridge.read`."""
        return cast(
            "Page[AliasOut]",
            self._page("GET", "/api/v1/credentials", query={"search": search, "domain_id": domain_id, "sort": sort, "limit": limit, "cursor": cursor}),
        )

    def iter_credentials(
        self,
        *,
        search: str | None = None,
        domain_id: str | None = None,
        sort: Literal["-created_at", "created_at", "name", "-name"] | None = None,
        limit: int | None = None,
    ) -> Iterator[AliasOut]:
        """All of them, page by page: see list_credentials."""
        return self._pages("/api/v1/credentials", {"search": search, "domain_id": domain_id, "sort": sort, "limit": limit})

    def create_credential(self, *, domain_id: str, username: str, display_name: str | None = UNSET, idempotency_key: str | None = None) -> AliasMade:
        """Create credentials that may send from username@domain: a bridge on the default pool. Permission: `bridge.create`."""
        return cast(
            "AliasMade",
            self.request(
                "POST",
                "/api/v1/credentials",
                body={"domain_id": domain_id, "username": username, "display_name": display_name},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def rotate_credential(self, credential_id: str, *, overlap_days: int = UNSET, idempotency_key: str | None = None) -> AliasMade:
        """Make new secrets. The old ones stay valid for the overlap. Permission: `bridge.update`."""
        return cast(
            "AliasMade",
            self.request(
                "POST",
                f"/api/v1/credentials/{in_path(credential_id)}/rotate",
                body={"overlap_days": overlap_days},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def get_credential(self, credential_id: str) -> AliasOut:
        """Read credentials, without their secrets. Permission: `bridge.read`."""
        return cast("AliasOut", self.request("GET", f"/api/v1/credentials/{in_path(credential_id)}"))

    def update_credential(self, credential_id: str, *, display_name: str, if_match: str | None = None) -> AliasOut:
        """Give credentials another name. Permission: `bridge.update`."""
        return cast(
            "AliasOut",
            self.request("PATCH", f"/api/v1/credentials/{in_path(credential_id)}", body={"display_name": display_name}, headers={"If-Match": if_match}),
        )

    def delete_credential(self, credential_id: str, *, if_match: str | None = None) -> None:
        """Delete credentials and the bridge behind them. Permission: `bridge.delete`."""
        self.request("DELETE", f"/api/v1/credentials/{in_path(credential_id)}", headers={"If-Match": if_match})
