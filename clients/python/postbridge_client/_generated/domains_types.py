"""Types of the operations under 'Domains'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class DomainOut(TypedDict):
    """DomainOut"""

    id: str
    domain: str
    status: Literal["pending", "verified", "failing", "off"]
    score: int | None
    problem: str | None
    covers_subdomains: bool
    return_path_host: str
    return_path_verified_at: str | None
    tracking_host: str
    tracking_verified_at: str | None
    verified_at: str | None
    failing_since: str | None
    off_reason: Literal["lapsed", "taken_over"] | None
    checked_at: str | None
    next_check_at: str | None
    created_at: str
    updated_at: str


class DomainIn(TypedDict):
    """DomainIn"""

    domain: str
    covers_subdomains: NotRequired[bool]


class RecordOut(TypedDict):
    """RecordOut"""

    key: str
    purpose: Literal["challenge", "dkim", "return_path", "dmarc", "mx", "tracking"]
    type: Literal["TXT", "CNAME", "MX"]
    name: str
    host: str
    value: str
    need: Literal["required", "recommended", "optional"]
    required: bool
    state: Literal["unchecked", "ok", "missing", "different", "unreachable"]
    found: list[str]
    todo: str | None
    note: str | None


class DkimKeyOut(TypedDict):
    """DkimKeyOut"""

    selector: str
    algorithm: Literal["rsa-sha256", "ed25519-sha256"]
    number: int
    state: Literal["waiting", "signing", "withdrawn", "replaced", "retired"]
    created_at: str
    active_at: str | None
    withdrawn_at: str | None
    replaced_at: str | None


class AlignmentOut(TypedDict):
    """AlignmentOut"""

    passes: bool
    dkim: bool
    spf: bool
    signed_by: str | None
    return_path: str
    why: str


class DomainWithRecords(TypedDict):
    """DomainWithRecords"""

    id: str
    domain: str
    status: Literal["pending", "verified", "failing", "off"]
    score: int | None
    problem: str | None
    covers_subdomains: bool
    return_path_host: str
    return_path_verified_at: str | None
    tracking_host: str
    tracking_verified_at: str | None
    verified_at: str | None
    failing_since: str | None
    off_reason: Literal["lapsed", "taken_over"] | None
    checked_at: str | None
    next_check_at: str | None
    created_at: str
    updated_at: str
    records: list[RecordOut]
    keys: list[DkimKeyOut]
    alignment: AlignmentOut


class DomainChange(TypedDict):
    """DomainChange"""

    covers_subdomains: NotRequired[bool]
    return_path_label: NotRequired[str]
    tracking_label: NotRequired[str]


class ScoreItemOut(TypedDict):
    """ScoreItemOut"""

    key: str
    label: str
    points: int
    most: int
    reason: str


class ScoreOut(TypedDict):
    """ScoreOut"""

    score: int
    items: list[ScoreItemOut]
    checked_at: str | None


class RecordsOut(TypedDict):
    """RecordsOut"""

    records: list[RecordOut]
    zone_file: str


class RecordCheckOut(TypedDict):
    """RecordCheckOut"""

    id: str
    key: str
    type: str
    name: str
    expected: str
    state: Literal["unchecked", "ok", "missing", "different", "unreachable"]
    found: list[str]
    todo: str | None
    first_at: str
    last_at: str
    times: int
