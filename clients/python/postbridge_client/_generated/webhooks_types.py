"""Types of the operations under 'Webhooks'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class EndpointOut(TypedDict):
    """EndpointOut"""

    id: str
    url: str
    description: NotRequired[str | None]
    events: NotRequired[list[str] | None]
    bridges: NotRequired[list[str] | None]
    modes: list[Literal["live", "sandbox"]]
    state: Literal["enabled", "disabled"]
    disabled_at: NotRequired[str | None]
    disabled_reason: NotRequired[str | None]
    previous_secret_until: NotRequired[str | None]
    created_at: str
    updated_at: str


class EndpointIn(TypedDict):
    """EndpointIn"""

    url: str
    description: NotRequired[str | None]
    events: NotRequired[list[str] | None]
    bridges: NotRequired[list[str] | None]
    modes: NotRequired[list[Literal["live", "sandbox"]] | None]
    secret: NotRequired[str | None]


class EndpointWithSecret(TypedDict):
    """EndpointWithSecret"""

    id: str
    url: str
    description: NotRequired[str | None]
    events: NotRequired[list[str] | None]
    bridges: NotRequired[list[str] | None]
    modes: list[Literal["live", "sandbox"]]
    state: Literal["enabled", "disabled"]
    disabled_at: NotRequired[str | None]
    disabled_reason: NotRequired[str | None]
    previous_secret_until: NotRequired[str | None]
    created_at: str
    updated_at: str
    secret: NotRequired[str]


class EventKindOut(TypedDict):
    """EventKindOut"""

    type: str
    summary: str
    schema: NotRequired[dict[str, Any]]
    example: NotRequired[dict[str, Any]]


class EndpointChange(TypedDict):
    """EndpointChange"""

    url: NotRequired[str]
    description: NotRequired[str | None]
    events: NotRequired[list[str] | None]
    bridges: NotRequired[list[str] | None]
    modes: NotRequired[list[Literal["live", "sandbox"]] | None]
    enabled: NotRequired[bool]


class HealthOut(TypedDict):
    """HealthOut"""

    circuit: Literal["closed", "open", "probing"]
    failures: int
    open_until: NotRequired[str | None]
    failing_since: NotRequired[str | None]
    last_success_at: NotRequired[str | None]
    last_failure_at: NotRequired[str | None]
    last_error: NotRequired[str | None]


class RotateIn(TypedDict):
    """RotateIn"""

    overlap_hours: NotRequired[int]


class DeliveryOut(TypedDict):
    """DeliveryOut"""

    id: str
    endpoint_id: str
    event_id: str
    event_type: str
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    next_attempt_at: NotRequired[str | None]
    finished_at: NotRequired[str | None]
    created_at: str


class AttemptOut(TypedDict):
    """AttemptOut"""

    number: NotRequired[int | None]
    at: str
    duration_ms: NotRequired[int | None]
    status: NotRequired[int | None]
    error: NotRequired[str | None]
    request_headers: NotRequired[list[list[str]]]
    response_headers: NotRequired[list[list[str]]]
    response_body: NotRequired[str]
    response_cut: NotRequired[bool]


class DeliveryDetail(TypedDict):
    """DeliveryDetail"""

    id: str
    endpoint_id: str
    event_id: str
    event_type: str
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    next_attempt_at: NotRequired[str | None]
    finished_at: NotRequired[str | None]
    created_at: str
    request_body: str
    attempt_log: list[AttemptOut]


class ReplayOut(TypedDict):
    """ReplayOut"""

    id: str
    endpoint_id: str
    what: str
    since: str
    until: str
    queued: int
    finished_at: NotRequired[str | None]
    created_at: str


class HookOut(TypedDict):
    """HookOut"""

    id: str
    provider: str
    url: NotRequired[str]
    secret: NotRequired[str | None]
    last_report_at: NotRequired[str | None]
    last_refused_at: NotRequired[str | None]
    created_at: str
    updated_at: str


class HookIn(TypedDict):
    """HookIn"""

    provider: Literal["ses", "sendgrid", "mailgun", "postmark", "brevo", "generic"]
    secret: NotRequired[str | None]
