"""Types of the operations under 'Bridges'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class Meta(TypedDict):
    """Meta"""

    request_id: str


class BridgeOut(TypedDict):
    """BridgeOut"""

    id: str
    name: str
    pool_id: str
    mode: str
    stream: str
    track_opens: bool
    track_clicks: bool
    allowed_from: list[str]
    status: Literal["active", "paused"]
    pause_reason: str | None
    paused_at: str | None
    last_used_at: str | None
    created_at: str
    updated_at: str


class Pagination(TypedDict):
    """Pagination"""

    has_more: bool
    next_cursor: NotRequired[str | None]


class BridgeIn(TypedDict):
    """BridgeIn"""

    name: str
    stream: NotRequired[Literal["transactional", "bulk"]]
    track_opens: NotRequired[bool]
    track_clicks: NotRequired[bool]
    allowed_from: NotRequired[list[str]]
    pool_id: NotRequired[str | None]
    mode: NotRequired[Literal["live", "sandbox"] | None]


class SmtpOut(TypedDict):
    """SmtpOut"""

    host: str
    port: int
    tls_port: int
    encryption: str
    username: str
    password: str


class ApiOut(TypedDict):
    """ApiOut"""

    endpoint: str
    token: str


class ConnectionOut(TypedDict):
    """ConnectionOut"""

    number: int
    smtp: SmtpOut
    api: ApiOut
    expires_at: str | None
    last_used_at: str | None
    in_use: bool


class BridgeMade(TypedDict):
    """BridgeMade"""

    id: str
    name: str
    pool_id: str
    mode: str
    stream: str
    track_opens: bool
    track_clicks: bool
    allowed_from: list[str]
    status: Literal["active", "paused"]
    pause_reason: str | None
    paused_at: str | None
    last_used_at: str | None
    created_at: str
    updated_at: str
    credentials: ConnectionOut


class GuardFiguresOut(TypedDict):
    """GuardFiguresOut"""

    sent: int
    delivered: int
    hard_bounced: int
    complained: int
    bounce_rate: float
    complaint_rate: float
    accepted_this_hour: int


class LimitsOut(TypedDict):
    """LimitsOut"""

    bounce_warn: float
    bounce_pause: float
    complaint_warn: float
    complaint_pause: float
    spike_factor: float
    spike_action: Literal["off", "warn", "pause"]
    sender_action: Literal["off", "warn", "pause"]


class MostOut(TypedDict):
    """MostOut"""

    bounce: float
    complaint: float
    spike: float


class AlarmOut(TypedDict):
    """AlarmOut"""

    id: str
    rule: Literal["bounces", "complaints", "spike", "sender"]
    action: Literal["warn", "pause"]
    text: str
    figures: dict[str, Any]
    created_at: str
    ended_at: str | None
    ended_by: str | None
    note: str | None


class GuardOut(TypedDict):
    """GuardOut"""

    state: Literal["watching", "warned", "tripped", "exempt"]
    reason: str | None
    window_hours: int
    figures: GuardFiguresOut
    limits: LimitsOut
    most: MostOut
    counted_from: str | None
    checked_at: str | None
    exempt_until: str | None
    alarms: list[AlarmOut]


class BridgeDetail(TypedDict):
    """BridgeDetail"""

    id: str
    name: str
    pool_id: str
    mode: str
    stream: str
    track_opens: bool
    track_clicks: bool
    allowed_from: list[str]
    status: Literal["active", "paused"]
    pause_reason: str | None
    paused_at: str | None
    last_used_at: str | None
    created_at: str
    updated_at: str
    guard: GuardOut


class BridgeChange(TypedDict):
    """BridgeChange"""

    name: NotRequired[str]
    stream: NotRequired[Literal["transactional", "bulk"]]
    track_opens: NotRequired[bool]
    track_clicks: NotRequired[bool]
    allowed_from: NotRequired[list[str]]


class CredentialsOut(TypedDict):
    """CredentialsOut"""

    credentials: list[ConnectionOut]


class Rotation(TypedDict):
    """Rotation"""

    overlap_days: NotRequired[int]


class Pause(TypedDict):
    """Pause"""

    reason: NotRequired[str | None]


class Resume(TypedDict):
    """Resume"""

    note: NotRequired[str | None]


class GuardChange(TypedDict):
    """GuardChange"""

    bounce_warn: NotRequired[float | None]
    bounce_pause: NotRequired[float | None]
    complaint_warn: NotRequired[float | None]
    complaint_pause: NotRequired[float | None]
    spike_factor: NotRequired[float | None]
    spike_action: NotRequired[Literal["off", "warn", "pause"] | None]
    sender_action: NotRequired[Literal["off", "warn", "pause"] | None]


class AliasOut(TypedDict):
    """AliasOut"""

    id: str
    display_name: str
    username: str | None
    domain: str | None
    email: str | None
    status: str
    last_used_at: str | None
    created_at: str
    updated_at: str


class AliasIn(TypedDict):
    """AliasIn"""

    domain_id: str
    username: str
    display_name: NotRequired[str | None]


class AliasMade(TypedDict):
    """AliasMade"""

    id: str
    display_name: str
    username: str | None
    domain: str | None
    email: str | None
    status: str
    last_used_at: str | None
    created_at: str
    updated_at: str
    api_key: str
    smtp: SmtpOut


class AliasChange(TypedDict):
    """AliasChange"""

    display_name: str
