"""Operations under 'Suppressions'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from postbridge_client._generated.suppressions_types import (
    AddressOut,
    CheckOut,
    ImportOut,
    RemovalBatchOut,
    SuppressionBatchOut,
    SuppressionOut,
)
from postbridge_client.caller import UNSET, Caller, in_path
from postbridge_client.results import Page


class SuppressionsOperations(Caller):
    """Addresses that get no mail, why, and how they got there."""

    def list_suppressions(
        self,
        *,
        search: str | None = None,
        reason: Literal["hard_bounce", "soft_bounce", "complaint", "unsubscribe", "manual", "platform"] | None = None,
        scope: Literal["all", "transactional", "bulk", "list", "platform"] | None = None,
        source: str | None = None,
        list: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[SuppressionOut]:
        """List suppressed addresses. Permission: `suppression.read`."""
        return cast(
            "Page[SuppressionOut]",
            self._page(
                "GET",
                "/api/v1/suppressions",
                query={"search": search, "reason": reason, "scope": scope, "source": source, "list": list, "limit": limit, "cursor": cursor},
            ),
        )

    def iter_suppressions(
        self,
        *,
        search: str | None = None,
        reason: Literal["hard_bounce", "soft_bounce", "complaint", "unsubscribe", "manual", "platform"] | None = None,
        scope: Literal["all", "transactional", "bulk", "list", "platform"] | None = None,
        source: str | None = None,
        list: str | None = None,
        limit: int | None = None,
    ) -> Iterator[SuppressionOut]:
        """All of them, page by page: see list_suppressions."""
        return self._pages("/api/v1/suppressions", {"search": search, "reason": reason, "scope": scope, "source": source, "list": list, "limit": limit})

    def add_suppression(
        self,
        *,
        email: str,
        scope: Literal["all", "transactional", "bulk", "list", "platform"] = UNSET,
        reason: Literal["hard_bounce", "soft_bounce", "complaint", "unsubscribe", "manual", "platform"] = UNSET,
        list: str | None = UNSET,
        note: str | None = UNSET,
        expires_at: str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> SuppressionOut:
        """Suppress an address by hand. Doing it again changes nothing. Permission: `suppression.create`."""
        return cast(
            "SuppressionOut",
            self.request(
                "POST",
                "/api/v1/suppressions",
                body={"scope": scope, "reason": reason, "list": list, "note": note, "expires_at": expires_at, "email": email},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def add_suppressions(
        self,
        *,
        emails: list[str],
        scope: Literal["all", "transactional", "bulk", "list", "platform"] = UNSET,
        reason: Literal["hard_bounce", "soft_bounce", "complaint", "unsubscribe", "manual", "platform"] = UNSET,
        list: str | None = UNSET,
        note: str | None = UNSET,
        expires_at: str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> SuppressionBatchOut:
        """Suppress up to 1,000 addresses. Permission: `suppression.create`."""
        return cast(
            "SuppressionBatchOut",
            self.request(
                "POST",
                "/api/v1/suppressions/batch",
                body={"scope": scope, "reason": reason, "list": list, "note": note, "expires_at": expires_at, "emails": emails},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def remove_suppressions(self, *, emails: list[str], reason: str, idempotency_key: str | None = None) -> RemovalBatchOut:
        """Allow mail to up to 1,000 addresses again. More than twenty an hour alarm the operator. Permission: `suppression.delete`."""
        return cast(
            "RemovalBatchOut",
            self.request(
                "POST", "/api/v1/suppressions/batch/remove", body={"emails": emails, "reason": reason}, keyed=True, headers={"Idempotency-Key": idempotency_key}
            ),
        )

    def check_suppressions(self, *, emails: list[str], list: str | None = UNSET, idempotency_key: str | None = None) -> CheckOut:
        """Ask what would happen to mail for up to 1,000 addresses. Permission: `suppression.read`."""
        return cast(
            "CheckOut",
            self.request("POST", "/api/v1/suppressions/check", body={"emails": emails, "list": list}, keyed=True, headers={"Idempotency-Key": idempotency_key}),
        )

    def export_suppressions(
        self,
        *,
        search: str | None = None,
        reason: Literal["hard_bounce", "soft_bounce", "complaint", "unsubscribe", "manual", "platform"] | None = None,
        scope: Literal["all", "transactional", "bulk", "list", "platform"] | None = None,
        source: str | None = None,
        list: str | None = None,
    ) -> str:
        """Download the list as CSV. Permission: `suppression.read`."""
        return cast(
            "str",
            self.request("GET", "/api/v1/suppressions/export", query={"search": search, "reason": reason, "scope": scope, "source": source, "list": list}),
        )

    def import_suppressions(
        self,
        text: str | bytes,
        *,
        scope: Literal["all", "transactional", "bulk", "list", "platform"] | None = None,
        reason: Literal["hard_bounce", "soft_bounce", "complaint", "unsubscribe", "manual", "platform"] | None = None,
        list: str | None = None,
        note: str | None = None,
        expires_at: str | None = None,
        email_column: str | None = None,
        reason_column: str | None = None,
        filename: str | None = None,
        idempotency_key: str | None = None,
    ) -> ImportOut:
        """Suppress every address of a CSV file, sent as the body. Sending it twice changes nothing the second time. Permission: `suppression.create`."""
        return cast(
            "ImportOut",
            self.request(
                "POST",
                "/api/v1/suppressions/import",
                query={
                    "scope": scope,
                    "reason": reason,
                    "list": list,
                    "note": note,
                    "expires_at": expires_at,
                    "email_column": email_column,
                    "reason_column": reason_column,
                    "filename": filename,
                },
                body=text,
                content_type="text/csv",
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def get_suppression_import(self, import_id: str) -> ImportOut:
        """Read what a file brought, with a word about each row that could not be taken. Permission: `suppression.read`."""
        return cast("ImportOut", self.request("GET", f"/api/v1/suppressions/imports/{in_path(import_id)}"))

    def get_suppression(self, email: str) -> AddressOut:
        """Read everything about one address, and what would happen to mail for it. Permission: `suppression.read`."""
        return cast("AddressOut", self.request("GET", f"/api/v1/suppressions/{in_path(email)}"))

    def remove_suppression(
        self,
        email: str,
        *,
        reason: str | None = None,
        scope: Literal["all", "transactional", "bulk", "list", "platform"] | None = None,
        list: str | None = None,
        if_match: str | None = None,
    ) -> None:
        """Allow mail to an address again, in every scope or in one. Permission: `suppression.delete`."""
        self.request("DELETE", f"/api/v1/suppressions/{in_path(email)}", query={"reason": reason, "scope": scope, "list": list}, headers={"If-Match": if_match})
