"""Operations under 'Audience tags'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from postbridge_client._generated.audience_contacts_types import (
    TagOut,
)
from postbridge_client.caller import UNSET, Caller, in_path
from postbridge_client.results import Page


class AudienceTagsOperations(Caller):
    """Audience tags"""

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
