"""Operations under 'Audience lists'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, cast

from postbridge_client._generated.audience_contacts_types import (
    ContactImportOut,
    ContactOut,
)
from postbridge_client._generated.audience_lists_types import (
    ListOut,
)
from postbridge_client.caller import UNSET, Caller, in_path
from postbridge_client.results import Page


class AudienceListsOperations(Caller):
    """Audience lists"""

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
                content_type="text/csv",
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def list_lists(self, *, search: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[ListOut]:
        """List lists. Permission: `list.read`."""
        return cast("Page[ListOut]", self._page("GET", "/api/v1/lists", query={"search": search, "limit": limit, "cursor": cursor}))

    def iter_lists(self, *, search: str | None = None, limit: int | None = None) -> Iterator[ListOut]:
        """All of them, page by page: see list_lists."""
        return self._pages("/api/v1/lists", {"search": search, "limit": limit})

    def create_list(
        self, *, name: str, description: str | None = UNSET, double_opt_in: bool = UNSET, from_address: str | None = UNSET, idempotency_key: str | None = None
    ) -> ListOut:
        """Create a list. Permission: `list.create`."""
        return cast(
            "ListOut",
            self.request(
                "POST",
                "/api/v1/lists",
                body={"name": name, "description": description, "double_opt_in": double_opt_in, "from_address": from_address},
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
        from_address: str | None = UNSET,
        if_match: str | None = None,
    ) -> ListOut:
        """Change a list. Permission: `list.update`."""
        return cast(
            "ListOut",
            self.request(
                "PATCH",
                f"/api/v1/lists/{in_path(list_id)}",
                body={"name": name, "description": description, "double_opt_in": double_opt_in, "from_address": from_address},
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
