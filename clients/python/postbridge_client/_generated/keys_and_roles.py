"""Operations under 'Keys and roles'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from postbridge_client._generated.keys_and_roles_types import (
    CallerOut,
    KeyOut,
    KeyWithRightsOut,
    NewKeyOut,
    PermissionsOut,
    RevokedOut,
    RoleOut,
)
from postbridge_client.caller import UNSET, Caller, in_path
from postbridge_client.results import Page


class KeysAndRolesOperations(Caller):
    """API keys with role, mode, rate limit, IP list and expiry; reusable roles made of `noun.verb` permissions."""

    def list_keys(
        self,
        *,
        mode: Literal["live", "sandbox"] | None = None,
        active: bool | None = None,
        search: str | None = None,
        role: str | None = None,
        made_by: str | None = None,
        unused_since: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[KeyOut]:
        """List API keys. Permission: `key.read`."""
        return cast(
            "Page[KeyOut]",
            self._page(
                "GET",
                "/api/v1/keys",
                query={
                    "mode": mode,
                    "active": active,
                    "search": search,
                    "role": role,
                    "made_by": made_by,
                    "unused_since": unused_since,
                    "limit": limit,
                    "cursor": cursor,
                },
            ),
        )

    def iter_keys(
        self,
        *,
        mode: Literal["live", "sandbox"] | None = None,
        active: bool | None = None,
        search: str | None = None,
        role: str | None = None,
        made_by: str | None = None,
        unused_since: str | None = None,
        limit: int | None = None,
    ) -> Iterator[KeyOut]:
        """All of them, page by page: see list_keys."""
        return self._pages(
            "/api/v1/keys", {"mode": mode, "active": active, "search": search, "role": role, "made_by": made_by, "unused_since": unused_since, "limit": limit}
        )

    def create_key(
        self,
        *,
        name: str,
        role: str,
        mode: Literal["live", "sandbox"] = UNSET,
        allowed_networks: list[str] = UNSET,
        rate_limit: int | None = UNSET,
        expires_at: str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> NewKeyOut:
        """Make an API key. The answer shows it once. Permission: `key.create`."""
        return cast(
            "NewKeyOut",
            self.request(
                "POST",
                "/api/v1/keys",
                body={"name": name, "mode": mode, "role": role, "allowed_networks": allowed_networks, "rate_limit": rate_limit, "expires_at": expires_at},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def revoke_keys(self, *, ids: list[str] = UNSET, made_by: str | None = UNSET, idempotency_key: str | None = None) -> RevokedOut:
        """Revoke many API keys: by id, or all that somebody made. Permission: `key.delete`."""
        return cast(
            "RevokedOut",
            self.request("POST", "/api/v1/keys/revoke", body={"ids": ids, "made_by": made_by}, keyed=True, headers={"Idempotency-Key": idempotency_key}),
        )

    def get_current_key(self) -> CallerOut:
        """Show what the credential of this call is and may do. Any valid key may ask."""
        return cast("CallerOut", self.request("GET", "/api/v1/keys/current"))

    def get_key(self, key_id: str) -> KeyWithRightsOut:
        """Show an API key and what it may do, without its secret. Permission: `key.read`."""
        return cast("KeyWithRightsOut", self.request("GET", f"/api/v1/keys/{in_path(key_id)}"))

    def update_key(
        self,
        key_id: str,
        *,
        name: str = UNSET,
        role: str = UNSET,
        allowed_networks: list[str] = UNSET,
        rate_limit: int | None = UNSET,
        expires_at: str | None = UNSET,
        if_match: str | None = None,
    ) -> KeyWithRightsOut:
        """Rename an API key, change its role or its limits. Permission: `key.create`."""
        return cast(
            "KeyWithRightsOut",
            self.request(
                "PATCH",
                f"/api/v1/keys/{in_path(key_id)}",
                body={"name": name, "role": role, "allowed_networks": allowed_networks, "rate_limit": rate_limit, "expires_at": expires_at},
                headers={"If-Match": if_match},
            ),
        )

    def delete_key(self, key_id: str, *, if_match: str | None = None) -> KeyOut:
        """Revoke an API key (the same as POST /keys/{id}/revoke). Permission: `key.delete`."""
        return cast("KeyOut", self.request("DELETE", f"/api/v1/keys/{in_path(key_id)}", headers={"If-Match": if_match}))

    def revoke_key(self, key_id: str, *, with_made: bool = UNSET, idempotency_key: str | None = None) -> KeyOut:
        """Revoke an API key: it stops working within five seconds. Permission: `key.delete`."""
        return cast(
            "KeyOut",
            self.request(
                "POST", f"/api/v1/keys/{in_path(key_id)}/revoke", body={"with_made": with_made}, keyed=True, headers={"Idempotency-Key": idempotency_key}
            ),
        )

    def roll_key(self, key_id: str, *, overlap_seconds: int = UNSET, idempotency_key: str | None = None) -> NewKeyOut:
        """Give an API key a new secret. The old one works on for the overlap. Permission: `key.create`."""
        return cast(
            "NewKeyOut",
            self.request(
                "POST",
                f"/api/v1/keys/{in_path(key_id)}/roll",
                body={"overlap_seconds": overlap_seconds},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def end_previous_key(self, key_id: str) -> KeyOut:
        """End the overlap of a roll: only the new secret works from now on. Permission: `key.delete`."""
        return cast("KeyOut", self.request("DELETE", f"/api/v1/keys/{in_path(key_id)}/previous"))

    def list_permissions(self) -> PermissionsOut:
        """List every permission with what it allows, the wildcards, and the built-in roles. Any valid key may ask."""
        return cast("PermissionsOut", self.request("GET", "/api/v1/permissions"))

    def list_roles(self, *, search: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[RoleOut]:
        """List the tenant's own roles. Permission: `role.read`."""
        return cast("Page[RoleOut]", self._page("GET", "/api/v1/roles", query={"search": search, "limit": limit, "cursor": cursor}))

    def iter_roles(self, *, search: str | None = None, limit: int | None = None) -> Iterator[RoleOut]:
        """All of them, page by page: see list_roles."""
        return self._pages("/api/v1/roles", {"search": search, "limit": limit})

    def create_role(self, *, name: str, permissions: list[str], description: str | None = UNSET, idempotency_key: str | None = None) -> RoleOut:
        """Make a role. Permission: `role.create`."""
        return cast(
            "RoleOut",
            self.request(
                "POST",
                "/api/v1/roles",
                body={"name": name, "description": description, "permissions": permissions},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def get_role(self, role_id: str) -> RoleOut:
        """Show a role. Permission: `role.read`."""
        return cast("RoleOut", self.request("GET", f"/api/v1/roles/{in_path(role_id)}"))

    def update_role(self, role_id: str, *, name: str = UNSET, description: str = UNSET, permissions: list[str] = UNSET, if_match: str | None = None) -> RoleOut:
        """Change a role. Its keys follow within five seconds. Permission: `role.update`."""
        return cast(
            "RoleOut",
            self.request(
                "PATCH",
                f"/api/v1/roles/{in_path(role_id)}",
                body={"name": name, "description": description, "permissions": permissions},
                headers={"If-Match": if_match},
            ),
        )

    def delete_role(self, role_id: str, *, if_match: str | None = None) -> None:
        """Delete a role that no usable key has. Permission: `role.delete`."""
        self.request("DELETE", f"/api/v1/roles/{in_path(role_id)}", headers={"If-Match": if_match})
