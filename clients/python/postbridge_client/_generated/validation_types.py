"""Types of the operations under 'Validation'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class ValidateIn(TypedDict):
    """ValidateIn"""

    email: str


class AddressCheckOut(TypedDict):
    """AddressCheckOut"""

    status: Literal["passed", "warning", "failed", "unknown", "skipped"]
    detail: NotRequired[str | None]


class MxCheckOut(TypedDict):
    """MxCheckOut"""

    status: Literal["passed", "warning", "failed", "unknown", "skipped"]
    detail: NotRequired[str | None]
    records: list[str]


class AddressChecksOut(TypedDict):
    """AddressChecksOut"""

    syntax: AddressCheckOut
    mx: MxCheckOut
    disposable: AddressCheckOut
    role: AddressCheckOut
    typo: AddressCheckOut
    suppression: AddressCheckOut


class ValidationOut(TypedDict):
    """ValidationOut"""

    email: str
    address: str | None
    valid: bool
    verdict: Literal["valid", "risky", "invalid", "unknown"]
    reasons: list[
        Literal["syntax", "null_mx", "no_mail_server", "suppressed", "dns_unavailable", "disposable", "typo", "role", "suppressed_bulk", "implicit_mx"]
    ]
    suggestion: str | None
    checks: AddressChecksOut


class ValidateBatchIn(TypedDict):
    """ValidateBatchIn"""

    emails: list[str]


class ValidationBatchOut(TypedDict):
    """ValidationBatchOut"""

    results: list[ValidationOut]
