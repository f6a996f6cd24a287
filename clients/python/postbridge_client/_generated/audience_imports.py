"""Operations under 'Audience imports'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from postbridge_client._generated.audience_contacts_types import (
    ContactImportOut,
)
from postbridge_client.caller import Caller, in_path
from postbridge_client.results import Page


class AudienceImportsOperations(Caller):
    """Audience imports"""

    def list_imports(self, *, limit: int | None = None, cursor: str | None = None) -> Page[ContactImportOut]:
        """List files so far. Permission: `contact.read`."""
        return cast("Page[ContactImportOut]", self._page("GET", "/api/v1/imports", query={"limit": limit, "cursor": cursor}))

    def iter_imports(self, *, limit: int | None = None) -> Iterator[ContactImportOut]:
        """All of them, page by page: see list_imports."""
        return self._pages("/api/v1/imports", {"limit": limit})

    def get_import(self, contact_import_id: str) -> ContactImportOut:
        """Read how far a file is. Permission: `contact.read`."""
        return cast("ContactImportOut", self.request("GET", f"/api/v1/imports/{in_path(contact_import_id)}"))

    def cancel_import(self, contact_import_id: str, *, idempotency_key: str | None = None) -> ContactImportOut:
        """Stop a file; what it has brought stays. Permission: `contact.create`."""
        return cast(
            "ContactImportOut",
            self.request("POST", f"/api/v1/imports/{in_path(contact_import_id)}/cancel", keyed=True, headers={"Idempotency-Key": idempotency_key}),
        )

    def get_import_errors(self, contact_import_id: str) -> str:
        """Download the rows that could not be taken, with what is wrong with each. Permission: `contact.read`."""
        return cast("str", self.request("GET", f"/api/v1/imports/{in_path(contact_import_id)}/errors"))
