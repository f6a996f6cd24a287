"""Operations under 'Audience'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, cast

from postbridge_client._generated.audience_types import (
    ContactBatchOut,
    ContactEventBatchOut,
    ContactEventIn,
    ContactEventOut,
    ContactImportOut,
    ContactIn,
    ContactOut,
    ListOut,
    SegmentCountOut,
    SegmentOut,
    SegmentWhyOut,
    TagOut,
)
from postbridge_client.caller import UNSET, Caller, in_path
from postbridge_client.results import Page


class AudienceOperations(Caller):
    """People you write to: contacts, lists, tags, segments, imports"""

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
    ) -> None:
        """Download contacts as CSV. Permission: `contact.read`."""
        self.request("GET", "/api/v1/contacts/export", query={"search": search, "status": status, "list_id": list_id, "tag_id": tag_id})

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

    def list_contact_tags(self, contact_id: str) -> None:
        """List a contact's tags. Permission: `contact.read`."""
        self.request("GET", f"/api/v1/contacts/{in_path(contact_id)}/tags")

    def replace_contact_tags(self, contact_id: str, *, tag_ids: list[str]) -> None:
        """Give a contact exactly these tags. Permission: `contact.update`."""
        self.request("PUT", f"/api/v1/contacts/{in_path(contact_id)}/tags", body={"tag_ids": tag_ids})

    def tag_contact(self, contact_id: str, tag_id: str) -> None:
        """Give a contact a tag. Permission: `contact.update`."""
        self.request("PUT", f"/api/v1/contacts/{in_path(contact_id)}/tags/{in_path(tag_id)}")

    def untag_contact(self, contact_id: str, tag_id: str) -> None:
        """Take a tag off a contact. Permission: `contact.update`."""
        self.request("DELETE", f"/api/v1/contacts/{in_path(contact_id)}/tags/{in_path(tag_id)}")

    def record_event(
        self,
        *,
        name: str,
        contact_id: str | None = UNSET,
        email: str | None = UNSET,
        properties: dict[str, Any] = UNSET,
        occurred_at: str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> ContactEventOut:
        """Tell what a contact did. Permission: `event.send`."""
        return cast(
            "ContactEventOut",
            self.request(
                "POST",
                "/api/v1/events",
                body={"name": name, "contact_id": contact_id, "email": email, "properties": properties, "occurred_at": occurred_at},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def record_events(self, *, events: list[ContactEventIn], idempotency_key: str | None = None) -> ContactEventBatchOut:
        """Tell up to 1,000 events. Permission: `event.send`."""
        return cast(
            "ContactEventBatchOut",
            self.request("POST", "/api/v1/events/batch", body={"events": events}, keyed=True, headers={"Idempotency-Key": idempotency_key}),
        )

    def import_list_contacts(
        self,
        list_id: str,
        text: str | bytes,
        *,
        mapping: list[str | None] | None = None,
        update_existing: bool | None = None,
        already_confirmed: bool | None = None,
        tags: list[str] | None = None,
        idempotency_key: str | None = None,
    ) -> ContactImportOut:
        """Import a CSV file into a list: as the part `file` of a form, or as the body. Read how far it is at `/imports/{id}`. Permission: `list.update`."""
        return cast(
            "ContactImportOut",
            self.request(
                "POST",
                f"/api/v1/lists/{in_path(list_id)}/import",
                query={"mapping": mapping, "update_existing": update_existing, "already_confirmed": already_confirmed, "tags": tags},
                body=text,
                content_type="multipart/form-data",
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

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
                content_type="multipart/form-data",
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

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

    def get_import_errors(self, contact_import_id: str) -> None:
        """Download the rows that could not be taken, with what is wrong with each. Permission: `contact.read`."""
        self.request("GET", f"/api/v1/imports/{in_path(contact_import_id)}/errors")

    def list_lists(self, *, search: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[ListOut]:
        """List lists. Permission: `list.read`."""
        return cast("Page[ListOut]", self._page("GET", "/api/v1/lists", query={"search": search, "limit": limit, "cursor": cursor}))

    def iter_lists(self, *, search: str | None = None, limit: int | None = None) -> Iterator[ListOut]:
        """All of them, page by page: see list_lists."""
        return self._pages("/api/v1/lists", {"search": search, "limit": limit})

    def create_list(
        self, *, name: str, description: str | None = UNSET, double_opt_in: bool = UNSET, is_public: bool = UNSET, idempotency_key: str | None = None
    ) -> ListOut:
        """Create a list. Permission: `list.create`."""
        return cast(
            "ListOut",
            self.request(
                "POST",
                "/api/v1/lists",
                body={"name": name, "description": description, "double_opt_in": double_opt_in, "is_public": is_public},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def get_list(self, list_id: str) -> ListOut:
        """Read a list. Permission: `list.read`."""
        return cast("ListOut", self.request("GET", f"/api/v1/lists/{in_path(list_id)}"))

    def update_list(
        self,
        list_id: str,
        *,
        name: str = UNSET,
        description: str | None = UNSET,
        double_opt_in: bool = UNSET,
        is_public: bool = UNSET,
        if_match: str | None = None,
    ) -> ListOut:
        """Change a list. Permission: `list.update`."""
        return cast(
            "ListOut",
            self.request(
                "PATCH",
                f"/api/v1/lists/{in_path(list_id)}",
                body={"name": name, "description": description, "double_opt_in": double_opt_in, "is_public": is_public},
                headers={"If-Match": if_match},
            ),
        )

    def delete_list(self, list_id: str, *, if_match: str | None = None) -> None:
        """Delete a list; its contacts stay. Permission: `list.delete`."""
        self.request("DELETE", f"/api/v1/lists/{in_path(list_id)}", headers={"If-Match": if_match})

    def list_list_contacts(
        self,
        list_id: str,
        *,
        search: str | None = None,
        state: Literal["pending", "subscribed", "unsubscribed"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[ContactOut]:
        """List the contacts of a list. Permission: `list.read`."""
        return cast(
            "Page[ContactOut]",
            self._page("GET", f"/api/v1/lists/{in_path(list_id)}/contacts", query={"search": search, "state": state, "limit": limit, "cursor": cursor}),
        )

    def iter_list_contacts(
        self, list_id: str, *, search: str | None = None, state: Literal["pending", "subscribed", "unsubscribed"] | None = None, limit: int | None = None
    ) -> Iterator[ContactOut]:
        """All of them, page by page: see list_list_contacts."""
        return self._pages(f"/api/v1/lists/{in_path(list_id)}/contacts", {"search": search, "state": state, "limit": limit})

    def add_list_contact(
        self,
        list_id: str,
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
        """Add a contact to a list, making it when the address is new. Who has left stays away. Permission: `list.update`."""
        return cast(
            "ContactOut",
            self.request(
                "POST",
                f"/api/v1/lists/{in_path(list_id)}/contacts",
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

    def remove_list_contact(self, list_id: str, contact_id: str) -> None:
        """Take a contact off a list. Permission: `list.update`."""
        self.request("DELETE", f"/api/v1/lists/{in_path(list_id)}/contacts/{in_path(contact_id)}")

    def unsubscribe_list_contact(self, list_id: str, contact_id: str, *, idempotency_key: str | None = None) -> None:
        """Note that a person left the list: no import and no call of yours brings them back. Permission: `list.update`."""
        self.request(
            "POST", f"/api/v1/lists/{in_path(list_id)}/contacts/{in_path(contact_id)}/unsubscribe", keyed=True, headers={"Idempotency-Key": idempotency_key}
        )

    def list_segments(self, *, search: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[SegmentOut]:
        """List segments. Permission: `segment.read`."""
        return cast("Page[SegmentOut]", self._page("GET", "/api/v1/segments", query={"search": search, "limit": limit, "cursor": cursor}))

    def iter_segments(self, *, search: str | None = None, limit: int | None = None) -> Iterator[SegmentOut]:
        """All of them, page by page: see list_segments."""
        return self._pages("/api/v1/segments", {"search": search, "limit": limit})

    def create_segment(self, *, name: str, rules: dict[str, Any], description: str | None = UNSET, idempotency_key: str | None = None) -> SegmentOut:
        """Create a segment. Permission: `segment.create`."""
        return cast(
            "SegmentOut",
            self.request(
                "POST",
                "/api/v1/segments",
                body={"name": name, "description": description, "rules": rules},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def get_segment(self, segment_id: str) -> SegmentOut:
        """Read a segment. Permission: `segment.read`."""
        return cast("SegmentOut", self.request("GET", f"/api/v1/segments/{in_path(segment_id)}"))

    def update_segment(
        self, segment_id: str, *, name: str = UNSET, description: str | None = UNSET, rules: dict[str, Any] = UNSET, if_match: str | None = None
    ) -> SegmentOut:
        """Change a segment. Permission: `segment.update`."""
        return cast(
            "SegmentOut",
            self.request(
                "PATCH",
                f"/api/v1/segments/{in_path(segment_id)}",
                body={"name": name, "description": description, "rules": rules},
                headers={"If-Match": if_match},
            ),
        )

    def delete_segment(self, segment_id: str, *, if_match: str | None = None) -> None:
        """Delete a segment; the contacts stay. Permission: `segment.delete`."""
        self.request("DELETE", f"/api/v1/segments/{in_path(segment_id)}", headers={"If-Match": if_match})

    def preview_segment(self, *, rules: dict[str, Any], idempotency_key: str | None = None) -> SegmentCountOut:
        """Count whom rules would choose. Nothing is kept. Permission: `segment.read`."""
        return cast(
            "SegmentCountOut", self.request("POST", "/api/v1/segments/preview", body={"rules": rules}, keyed=True, headers={"Idempotency-Key": idempotency_key})
        )

    def get_segment_count(self, segment_id: str) -> SegmentCountOut:
        """Count who is in now. Permission: `segment.read`."""
        return cast("SegmentCountOut", self.request("GET", f"/api/v1/segments/{in_path(segment_id)}/count"))

    def list_segment_contacts(self, segment_id: str, *, limit: int | None = None, cursor: str | None = None) -> Page[ContactOut]:
        """List who is in now. Permission: `segment.read`."""
        return cast("Page[ContactOut]", self._page("GET", f"/api/v1/segments/{in_path(segment_id)}/contacts", query={"limit": limit, "cursor": cursor}))

    def iter_segment_contacts(self, segment_id: str, *, limit: int | None = None) -> Iterator[ContactOut]:
        """All of them, page by page: see list_segment_contacts."""
        return self._pages(f"/api/v1/segments/{in_path(segment_id)}/contacts", {"limit": limit})

    def check_segment_contact(self, segment_id: str, contact_id: str) -> SegmentWhyOut:
        """Ask why a contact is in or not: every condition, and whether it holds. Permission: `segment.read`."""
        return cast("SegmentWhyOut", self.request("GET", f"/api/v1/segments/{in_path(segment_id)}/contacts/{in_path(contact_id)}"))

    def list_tags(self, *, search: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[TagOut]:
        """List tags. Permission: `tag.read`."""
        return cast("Page[TagOut]", self._page("GET", "/api/v1/tags", query={"search": search, "limit": limit, "cursor": cursor}))

    def iter_tags(self, *, search: str | None = None, limit: int | None = None) -> Iterator[TagOut]:
        """All of them, page by page: see list_tags."""
        return self._pages("/api/v1/tags", {"search": search, "limit": limit})

    def create_tag(self, *, name: str, color: str = UNSET, idempotency_key: str | None = None) -> TagOut:
        """Create a tag. Permission: `tag.create`."""
        return cast(
            "TagOut", self.request("POST", "/api/v1/tags", body={"name": name, "color": color}, keyed=True, headers={"Idempotency-Key": idempotency_key})
        )

    def get_tag(self, tag_id: str) -> TagOut:
        """Read a tag. Permission: `tag.read`."""
        return cast("TagOut", self.request("GET", f"/api/v1/tags/{in_path(tag_id)}"))

    def update_tag(self, tag_id: str, *, name: str = UNSET, color: str = UNSET, if_match: str | None = None) -> TagOut:
        """Change a tag. Permission: `tag.update`."""
        return cast("TagOut", self.request("PATCH", f"/api/v1/tags/{in_path(tag_id)}", body={"name": name, "color": color}, headers={"If-Match": if_match}))

    def delete_tag(self, tag_id: str, *, if_match: str | None = None) -> None:
        """Delete a tag; the contacts stay. Permission: `tag.delete`."""
        self.request("DELETE", f"/api/v1/tags/{in_path(tag_id)}", headers={"If-Match": if_match})
