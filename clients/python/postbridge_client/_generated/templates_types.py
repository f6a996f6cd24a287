"""Types of the operations under 'Templates'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class TemplateOut(TypedDict):
    """TemplateOut"""

    id: str
    slug: str
    name: str
    subject: str
    html: str | None
    text: str | None
    active: bool
    version: int
    variables: list[str]
    created_at: str
    updated_at: str


class TemplateIn(TypedDict):
    """TemplateIn"""

    slug: str
    name: NotRequired[str | None]
    subject: str
    html: NotRequired[str | None]
    text: NotRequired[str | None]
    active: NotRequired[bool]


class TemplateChange(TypedDict):
    """TemplateChange"""

    slug: NotRequired[str]
    name: NotRequired[str]
    subject: NotRequired[str]
    html: NotRequired[str | None]
    text: NotRequired[str | None]
    active: NotRequired[bool]


class TemplatePreviewIn(TypedDict):
    """TemplatePreviewIn"""

    variables: NotRequired[dict[str, Any]]


class TemplatePreviewOut(TypedDict):
    """TemplatePreviewOut"""

    subject: str
    html: str | None
    text: str | None
