"""Operations under 'Audience segments'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from postbridge_client._generated.audience_contacts_types import (
    ContactOut,
)
from postbridge_client._generated.audience_segments_types import (
    SegmentCountOut,
    SegmentOut,
    SegmentWhyOut,
)
from postbridge_client.caller import UNSET, Caller, in_path
from postbridge_client.results import Page


class AudienceSegmentsOperations(Caller):
    """Audience segments"""

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
