"""Operations under 'Sending accounts'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from postbridge_client._generated.sending_accounts_types import (
    AccountOut,
    LimitWishOut,
    ProbeOut,
    UsageOut,
)
from postbridge_client.caller import UNSET, Caller, in_path
from postbridge_client.results import Page


class SendingAccountsOperations(Caller):
    """SMTP relays of your own. Passwords go in and never come out."""

    def list_providers(
        self,
        *,
        search: str | None = None,
        active: bool | None = None,
        shared: bool | None = None,
        sort: Literal["-created_at", "created_at", "name", "-name"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[AccountOut]:
        """List own and shared sending accounts. Permission: `provider.read`."""
        return cast(
            "Page[AccountOut]",
            self._page(
                "GET", "/api/v1/providers", query={"search": search, "active": active, "shared": shared, "sort": sort, "limit": limit, "cursor": cursor}
            ),
        )

    def iter_providers(
        self,
        *,
        search: str | None = None,
        active: bool | None = None,
        shared: bool | None = None,
        sort: Literal["-created_at", "created_at", "name", "-name"] | None = None,
        limit: int | None = None,
    ) -> Iterator[AccountOut]:
        """All of them, page by page: see list_providers."""
        return self._pages("/api/v1/providers", {"search": search, "active": active, "shared": shared, "sort": sort, "limit": limit})

    def create_provider(
        self,
        *,
        name: str,
        host: str,
        port: int = UNSET,
        tls: Literal["none", "opportunistic", "required", "implicit"] = UNSET,
        username: str | None = UNSET,
        password: str | None = UNSET,
        max_connections: int = UNSET,
        auth: Literal["auto", "plain", "login", "cram-md5", "xoauth2"] = UNSET,
        hourly_quota: int | None = UNSET,
        daily_quota: int | None = UNSET,
        return_path: str | None = UNSET,
        headers: dict[str, str] = UNSET,
        idempotency_key: str | None = None,
    ) -> AccountOut:
        """Add an SMTP relay. Permission: `provider.create`."""
        return cast(
            "AccountOut",
            self.request(
                "POST",
                "/api/v1/providers",
                body={
                    "name": name,
                    "host": host,
                    "port": port,
                    "tls": tls,
                    "username": username,
                    "password": password,
                    "max_connections": max_connections,
                    "auth": auth,
                    "hourly_quota": hourly_quota,
                    "daily_quota": daily_quota,
                    "return_path": return_path,
                    "headers": headers,
                },
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def get_provider(self, provider_id: str) -> AccountOut:
        """Read a sending account. Its password is never shown. Permission: `provider.read`."""
        return cast("AccountOut", self.request("GET", f"/api/v1/providers/{in_path(provider_id)}"))

    def update_provider(
        self,
        provider_id: str,
        *,
        name: str = UNSET,
        host: str = UNSET,
        port: int = UNSET,
        tls: Literal["none", "opportunistic", "required", "implicit"] = UNSET,
        username: str | None = UNSET,
        password: str | None = UNSET,
        max_connections: int = UNSET,
        auth: Literal["auto", "plain", "login", "cram-md5", "xoauth2"] = UNSET,
        hourly_quota: int | None = UNSET,
        daily_quota: int | None = UNSET,
        return_path: str | None = UNSET,
        headers: dict[str, str] = UNSET,
        if_match: str | None = None,
    ) -> AccountOut:
        """Change a sending account. 409 for a shared one. Permission: `provider.update`."""
        return cast(
            "AccountOut",
            self.request(
                "PATCH",
                f"/api/v1/providers/{in_path(provider_id)}",
                body={
                    "name": name,
                    "host": host,
                    "port": port,
                    "tls": tls,
                    "username": username,
                    "password": password,
                    "max_connections": max_connections,
                    "auth": auth,
                    "hourly_quota": hourly_quota,
                    "daily_quota": daily_quota,
                    "return_path": return_path,
                    "headers": headers,
                },
                headers={"If-Match": if_match},
            ),
        )

    def delete_provider(self, provider_id: str, *, if_match: str | None = None) -> None:
        """Remove a sending account, from its pools too. 409 for a shared one. Permission: `provider.delete`."""
        self.request("DELETE", f"/api/v1/providers/{in_path(provider_id)}", headers={"If-Match": if_match})

    def activate_provider(self, provider_id: str, *, idempotency_key: str | None = None) -> AccountOut:
        """Take a sending account into use. Permission: `provider.update`."""
        return cast(
            "AccountOut", self.request("POST", f"/api/v1/providers/{in_path(provider_id)}/activate", keyed=True, headers={"Idempotency-Key": idempotency_key})
        )

    def deactivate_provider(self, provider_id: str, *, idempotency_key: str | None = None) -> AccountOut:
        """Take a sending account out of use. It stays in its pools. Permission: `provider.update`."""
        return cast(
            "AccountOut", self.request("POST", f"/api/v1/providers/{in_path(provider_id)}/deactivate", keyed=True, headers={"Idempotency-Key": idempotency_key})
        )

    def get_provider_usage(self, provider_id: str) -> UsageOut:
        """Read how much of your mail a sending account took, and what its quotas leave. Permission: `provider.read`."""
        return cast("UsageOut", self.request("GET", f"/api/v1/providers/{in_path(provider_id)}/usage"))

    def test_provider(self, provider_id: str, *, idempotency_key: str | None = None) -> ProbeOut:
        """Connect, encrypt and log in as a delivery would. Sends no mail. Permission: `provider.update`."""
        return cast(
            "ProbeOut", self.request("POST", f"/api/v1/providers/{in_path(provider_id)}/test", keyed=True, headers={"Idempotency-Key": idempotency_key})
        )

    def request_provider_limit(self, provider_id: str, *, wanted: int, reason: str, idempotency_key: str | None = None) -> LimitWishOut:
        """Ask staff for more recipients a day through a shared account. 409 for one of your own, whose quotas you set. Permission: `provider.update`."""
        return cast(
            "LimitWishOut",
            self.request(
                "POST",
                f"/api/v1/providers/{in_path(provider_id)}/limit-requests",
                body={"wanted": wanted, "reason": reason},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )
