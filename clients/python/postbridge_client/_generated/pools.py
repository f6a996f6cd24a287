"""Operations under 'Pools'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from postbridge_client._generated.pools_types import (
    IpOut,
    PoolMemberOut,
    PoolOut,
)
from postbridge_client.caller import UNSET, Caller, in_path
from postbridge_client.results import Page


class PoolsOperations(Caller):
    """What bridges route through: sending accounts and IP addresses, each with a weight. Pools of the platform are read-only."""

    def list_pools(
        self,
        *,
        search: str | None = None,
        shared: bool | None = None,
        paused: bool | None = None,
        sort: Literal["-created_at", "created_at", "name", "-name"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[PoolOut]:
        """List own and shared pools. Permission: `pool.read`."""
        return cast(
            "Page[PoolOut]",
            self._page("GET", "/api/v1/pools", query={"search": search, "shared": shared, "paused": paused, "sort": sort, "limit": limit, "cursor": cursor}),
        )

    def iter_pools(
        self,
        *,
        search: str | None = None,
        shared: bool | None = None,
        paused: bool | None = None,
        sort: Literal["-created_at", "created_at", "name", "-name"] | None = None,
        limit: int | None = None,
    ) -> Iterator[PoolOut]:
        """All of them, page by page: see list_pools."""
        return self._pages("/api/v1/pools", {"search": search, "shared": shared, "paused": paused, "sort": sort, "limit": limit})

    def create_pool(self, *, name: str, description: str | None = UNSET, is_default: bool = UNSET, idempotency_key: str | None = None) -> PoolOut:
        """Create a pool. The first one becomes the default. Permission: `pool.create`."""
        return cast(
            "PoolOut",
            self.request(
                "POST",
                "/api/v1/pools",
                body={"name": name, "description": description, "is_default": is_default},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def get_pool(self, pool_id: str) -> PoolOut:
        """Read a pool. Permission: `pool.read`."""
        return cast("PoolOut", self.request("GET", f"/api/v1/pools/{in_path(pool_id)}"))

    def update_pool(
        self, pool_id: str, *, name: str = UNSET, description: str | None = UNSET, is_default: bool = UNSET, paused: bool = UNSET, if_match: str | None = None
    ) -> PoolOut:
        """Change or pause a pool. 409 for a shared one. Permission: `pool.update`."""
        return cast(
            "PoolOut",
            self.request(
                "PATCH",
                f"/api/v1/pools/{in_path(pool_id)}",
                body={"name": name, "description": description, "is_default": is_default, "paused": paused},
                headers={"If-Match": if_match},
            ),
        )

    def delete_pool(self, pool_id: str, *, if_match: str | None = None) -> None:
        """Delete a pool that no bridge routes through. Permission: `pool.delete`."""
        self.request("DELETE", f"/api/v1/pools/{in_path(pool_id)}", headers={"If-Match": if_match})

    def list_pool_members(self, pool_id: str, *, kind: Literal["ip", "relay"] | None = None, active: bool | None = None) -> Page[PoolMemberOut]:
        """List the members; all on one page. Permission: `pool.read`."""
        return cast("Page[PoolMemberOut]", self._page("GET", f"/api/v1/pools/{in_path(pool_id)}/members", query={"kind": kind, "active": active}))

    def add_pool_member(
        self,
        pool_id: str,
        *,
        ip_address_id: str | None = UNSET,
        sending_account_id: str | None = UNSET,
        weight: int = UNSET,
        idempotency_key: str | None = None,
    ) -> PoolMemberOut:
        """Add an IP address or a sending account. Permission: `pool.update`."""
        return cast(
            "PoolMemberOut",
            self.request(
                "POST",
                f"/api/v1/pools/{in_path(pool_id)}/members",
                body={"ip_address_id": ip_address_id, "sending_account_id": sending_account_id, "weight": weight},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def get_pool_member(self, pool_id: str, member_id: str) -> PoolMemberOut:
        """Read a member. Permission: `pool.read`."""
        return cast("PoolMemberOut", self.request("GET", f"/api/v1/pools/{in_path(pool_id)}/members/{in_path(member_id)}"))

    def update_pool_member(self, pool_id: str, member_id: str, *, weight: int = UNSET, active: bool = UNSET, if_match: str | None = None) -> PoolMemberOut:
        """Change a member's weight, or take it out of use. Permission: `pool.update`."""
        return cast(
            "PoolMemberOut",
            self.request(
                "PATCH",
                f"/api/v1/pools/{in_path(pool_id)}/members/{in_path(member_id)}",
                body={"weight": weight, "active": active},
                headers={"If-Match": if_match},
            ),
        )

    def remove_pool_member(self, pool_id: str, member_id: str, *, if_match: str | None = None) -> None:
        """Remove a member from the pool. Permission: `pool.update`."""
        self.request("DELETE", f"/api/v1/pools/{in_path(pool_id)}/members/{in_path(member_id)}", headers={"If-Match": if_match})

    def list_ips(
        self,
        *,
        search: str | None = None,
        active: bool | None = None,
        shared: bool | None = None,
        sort: Literal["-created_at", "created_at", "name", "-name"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[IpOut]:
        """List dedicated and shared IP addresses. By name means the name it greets with. Permission: `ip.read`."""
        return cast(
            "Page[IpOut]",
            self._page("GET", "/api/v1/ips", query={"search": search, "active": active, "shared": shared, "sort": sort, "limit": limit, "cursor": cursor}),
        )

    def iter_ips(
        self,
        *,
        search: str | None = None,
        active: bool | None = None,
        shared: bool | None = None,
        sort: Literal["-created_at", "created_at", "name", "-name"] | None = None,
        limit: int | None = None,
    ) -> Iterator[IpOut]:
        """All of them, page by page: see list_ips."""
        return self._pages("/api/v1/ips", {"search": search, "active": active, "shared": shared, "sort": sort, "limit": limit})

    def get_ip(self, ip_id: str) -> IpOut:
        """Read an IP address. Permission: `ip.read`."""
        return cast("IpOut", self.request("GET", f"/api/v1/ips/{in_path(ip_id)}"))

    def update_ip(self, ip_id: str, *, active: bool, if_match: str | None = None) -> IpOut:
        """Take a dedicated address out of use, or into it again. 409 for a shared one. Addresses are added by the operator. Permission: `ip.update`."""
        return cast("IpOut", self.request("PATCH", f"/api/v1/ips/{in_path(ip_id)}", body={"active": active}, headers={"If-Match": if_match}))
