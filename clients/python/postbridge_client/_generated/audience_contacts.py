"""Operations under 'Audience contacts'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, cast

from postbridge_client._generated.audience_contacts_types import (
    ContactBatchOut,
    ContactEventOut,
    ContactImportOut,
    ContactIn,
    ContactOut,
    TagOut,
)
from postbridge_client.caller import UNSET, Caller, in_path
from postbridge_client.results import Page


class AudienceContactsOperations(Caller):
    """Audience contacts"""

    def list_contacts(
        self,
        *,
        search: str | None = None,
        status: Literal["subscribed", "unsubscribed", "bounced", "complained"] | None = None,
        list_id: str | None = None,
        tag_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[ContactOut]:
        """List contacts. Permission: `contact.read`."""
        return cast(
            "Page[ContactOut]",
            self._page(
                "GET", "/api/v1/contacts", query={"search": search, "status": status, "list_id": list_id, "tag_id": tag_id, "limit": limit, "cursor": cursor}
            ),
        )

    def iter_contacts(
        self,
        *,
        search: str | None = None,
        status: Literal["subscribed", "unsubscribed", "bounced", "complained"] | None = None,
        list_id: str | None = None,
        tag_id: str | None = None,
        limit: int | None = None,
    ) -> Iterator[ContactOut]:
        """All of them, page by page: see list_contacts."""
        return self._pages("/api/v1/contacts", {"search": search, "status": status, "list_id": list_id, "tag_id": tag_id, "limit": limit})

    def upsert_contact(
        self,
        *,
        email: str,
        first_name: str | None = UNSET,
        last_name: str | None = UNSET,
        language: str | None = UNSET,
        time_zone: str | None = UNSET,
        metadata: dict[str, Any] = UNSET,
        consent_source: str | None = UNSET,
        consent_at: str | None = UNSET,
    ) -> ContactOut:
        """Create a contact or bring the one with this address up to date. What is not said stays. Permission: `contact.update`."""
        return cast(
            "ContactOut",
            self.request(
                "PUT",
                "/api/v1/contacts",
                body={
                    "first_name": first_name,
                    "last_name": last_name,
                    "language": language,
                    "time_zone": time_zone,
                    "metadata": metadata,
                    "consent_source": consent_source,
                    "consent_at": consent_at,
                    "email": email,
                },
            ),
        )

    def create_contact(
        self,
        *,
        email: str,
        first_name: str | None = UNSET,
        last_name: str | None = UNSET,
        language: str | None = UNSET,
        time_zone: str | None = UNSET,
        metadata: dict[str, Any] = UNSET,
        consent_source: str | None = UNSET,
        consent_at: str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> ContactOut:
        """Create a contact. 409 when the address is there already. Permission: `contact.create`."""
        return cast(
            "ContactOut",
            self.request(
                "POST",
                "/api/v1/contacts",
                body={
                    "first_name": first_name,
                    "last_name": last_name,
                    "language": language,
                    "time_zone": time_zone,
                    "metadata": metadata,
                    "consent_source": consent_source,
                    "consent_at": consent_at,
                    "email": email,
                },
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def upsert_contacts(self, *, contacts: list[ContactIn], idempotency_key: str | None = None) -> ContactBatchOut:
        """Create or update up to 1,000 contacts. Permission: `contact.create`."""
        return cast(
            "ContactBatchOut",
            self.request("POST", "/api/v1/contacts/batch", body={"contacts": contacts}, keyed=True, headers={"Idempotency-Key": idempotency_key}),
        )

    def export_contacts(
        self,
        *,
        search: str | None = None,
        status: Literal["subscribed", "unsubscribed", "bounced", "complained"] | None = None,
        list_id: str | None = None,
        tag_id: str | None = None,
    ) -> str:
        """Download contacts as CSV. Permission: `contact.read`."""
        return cast("str", self.request("GET", "/api/v1/contacts/export", query={"search": search, "status": status, "list_id": list_id, "tag_id": tag_id}))

    def get_contact(self, contact_id: str) -> ContactOut:
        """Read a contact. Permission: `contact.read`."""
        return cast("ContactOut", self.request("GET", f"/api/v1/contacts/{in_path(contact_id)}"))

    def update_contact(
        self,
        contact_id: str,
        *,
        first_name: str | None = UNSET,
        last_name: str | None = UNSET,
        language: str | None = UNSET,
        time_zone: str | None = UNSET,
        metadata: dict[str, Any] = UNSET,
        consent_source: str | None = UNSET,
        consent_at: str | None = UNSET,
        email: str = UNSET,
        status: Literal["subscribed", "unsubscribed", "bounced", "complained"] = UNSET,
        if_match: str | None = None,
    ) -> ContactOut:
        """Change a contact; metadata is merged. Permission: `contact.update`."""
        return cast(
            "ContactOut",
            self.request(
                "PATCH",
                f"/api/v1/contacts/{in_path(contact_id)}",
                body={
                    "first_name": first_name,
                    "last_name": last_name,
                    "language": language,
                    "time_zone": time_zone,
                    "metadata": metadata,
                    "consent_source": consent_source,
                    "consent_at": consent_at,
                    "email": email,
                    "status": status,
                },
                headers={"If-Match": if_match},
            ),
        )

    def delete_contact(self, contact_id: str, *, if_match: str | None = None) -> None:
        """Delete a contact. Suppressions of the address stay. Permission: `contact.delete`."""
        self.request("DELETE", f"/api/v1/contacts/{in_path(contact_id)}", headers={"If-Match": if_match})

    def erase_contact(self, contact_id: str, *, idempotency_key: str | None = None) -> None:
        """Forget a person (GDPR, article 17): the contact, its events, and its address in our log. Permission: `contact.delete`."""
        self.request("POST", f"/api/v1/contacts/{in_path(contact_id)}/erase", keyed=True, headers={"Idempotency-Key": idempotency_key})

    def merge_contacts(self, contact_id: str, *, into: str, idempotency_key: str | None = None) -> ContactOut:
        """Move everything of a contact to another one and delete the first. Permission: `contact.update`."""
        return cast(
            "ContactOut",
            self.request(
                "POST", f"/api/v1/contacts/{in_path(contact_id)}/merge", body={"into": into}, keyed=True, headers={"Idempotency-Key": idempotency_key}
            ),
        )

    def export_contact(self, contact_id: str) -> None:
        """Everything that is kept about a person (GDPR, article 15). Permission: `contact.read`."""
        self.request("GET", f"/api/v1/contacts/{in_path(contact_id)}/export")

    def list_contact_events(self, contact_id: str, *, limit: int | None = None, cursor: str | None = None) -> Page[ContactEventOut]:
        """List what a contact did. Permission: `contact.read`."""
        return cast("Page[ContactEventOut]", self._page("GET", f"/api/v1/contacts/{in_path(contact_id)}/events", query={"limit": limit, "cursor": cursor}))

    def iter_contact_events(self, contact_id: str, *, limit: int | None = None) -> Iterator[ContactEventOut]:
        """All of them, page by page: see list_contact_events."""
        return self._pages(f"/api/v1/contacts/{in_path(contact_id)}/events", {"limit": limit})

    def list_contact_tags(self, contact_id: str) -> Page[TagOut]:
        """List a contact's tags. Permission: `contact.read`."""
        return cast("Page[TagOut]", self._page("GET", f"/api/v1/contacts/{in_path(contact_id)}/tags"))

    def replace_contact_tags(self, contact_id: str, *, tag_ids: list[str]) -> Page[TagOut]:
        """Give a contact exactly these tags. Permission: `contact.update`."""
        return cast("Page[TagOut]", self._page("PUT", f"/api/v1/contacts/{in_path(contact_id)}/tags", body={"tag_ids": tag_ids}))

    def tag_contact(self, contact_id: str, tag_id: str) -> None:
        """Give a contact a tag. Permission: `contact.update`."""
        self.request("PUT", f"/api/v1/contacts/{in_path(contact_id)}/tags/{in_path(tag_id)}")

    def untag_contact(self, contact_id: str, tag_id: str) -> None:
        """Take a tag off a contact. Permission: `contact.update`."""
        self.request("DELETE", f"/api/v1/contacts/{in_path(contact_id)}/tags/{in_path(tag_id)}")

    def import_contacts(
        self,
        text: str | bytes,
        *,
        mapping: list[str | None] | None = None,
        update_existing: bool | None = None,
        already_confirmed: bool | None = None,
        tags: list[str] | None = None,
        idempotency_key: str | None = None,
    ) -> ContactImportOut:
        """Import a CSV file of contacts: as the part `file` of a form, or as the body. Permission: `contact.create`."""
        return cast(
            "ContactImportOut",
            self.request(
                "POST",
                "/api/v1/contacts/import",
                query={"mapping": mapping, "update_existing": update_existing, "already_confirmed": already_confirmed, "tags": tags},
                body=text,
                content_type="text/csv",
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )
