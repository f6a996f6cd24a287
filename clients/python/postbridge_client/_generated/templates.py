"""Operations under 'Templates'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from postbridge_client._generated.templates_types import (
    TemplateOut,
    TemplatePreviewOut,
)
from postbridge_client.caller import UNSET, Caller, in_path
from postbridge_client.results import Page


class TemplatesOperations(Caller):
    """Subject, HTML and text with variables, named by a slug that sends refer to."""

    def list_templates(
        self, *, search: str | None = None, active: bool | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Page[TemplateOut]:
        """List templates. Permission: `template.read`."""
        return cast("Page[TemplateOut]", self._page("GET", "/api/v1/templates", query={"search": search, "active": active, "limit": limit, "cursor": cursor}))

    def iter_templates(self, *, search: str | None = None, active: bool | None = None, limit: int | None = None) -> Iterator[TemplateOut]:
        """All of them, page by page: see list_templates."""
        return self._pages("/api/v1/templates", {"search": search, "active": active, "limit": limit})

    def create_template(
        self,
        *,
        slug: str,
        subject: str,
        name: str | None = UNSET,
        html: str | None = UNSET,
        text: str | None = UNSET,
        active: bool = UNSET,
        idempotency_key: str | None = None,
    ) -> TemplateOut:
        """Create a template. Permission: `template.create`."""
        return cast(
            "TemplateOut",
            self.request(
                "POST",
                "/api/v1/templates",
                body={"slug": slug, "name": name, "subject": subject, "html": html, "text": text, "active": active},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def get_template(self, template_id: str) -> TemplateOut:
        """Read a template. Permission: `template.read`."""
        return cast("TemplateOut", self.request("GET", f"/api/v1/templates/{in_path(template_id)}"))

    def update_template(
        self,
        template_id: str,
        *,
        slug: str = UNSET,
        name: str = UNSET,
        subject: str = UNSET,
        html: str | None = UNSET,
        text: str | None = UNSET,
        active: bool = UNSET,
        if_match: str | None = None,
    ) -> TemplateOut:
        """Change a template; sends use it at once. Permission: `template.update`."""
        return cast(
            "TemplateOut",
            self.request(
                "PATCH",
                f"/api/v1/templates/{in_path(template_id)}",
                body={"slug": slug, "name": name, "subject": subject, "html": html, "text": text, "active": active},
                headers={"If-Match": if_match},
            ),
        )

    def delete_template(self, template_id: str, *, if_match: str | None = None) -> None:
        """Delete a template. Permission: `template.delete`."""
        self.request("DELETE", f"/api/v1/templates/{in_path(template_id)}", headers={"If-Match": if_match})

    def preview_template(self, template_id: str, *, variables: dict[str, Any] = UNSET, idempotency_key: str | None = None) -> TemplatePreviewOut:
        """Fill a template in; sends nothing. Permission: `template.read`."""
        return cast(
            "TemplatePreviewOut",
            self.request(
                "POST",
                f"/api/v1/templates/{in_path(template_id)}/preview",
                body={"variables": variables},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )
