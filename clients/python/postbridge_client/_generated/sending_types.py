"""Types of the operations under 'Sending'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class ErrorObject(TypedDict):
    """ErrorObject"""

    code: str
    message: str
    param: NotRequired[str | None]
    doc_url: str
    retryable: bool


class ErrorProblem(TypedDict):
    """ErrorProblem"""

    code: str
    message: str
    param: NotRequired[str | None]


class AttachmentIn(TypedDict):
    """AttachmentIn"""

    filename: str
    content: str
    content_type: NotRequired[str]
    content_id: NotRequired[str]


EmailIn = TypedDict(
    "EmailIn",
    {
        "from_name": NotRequired["str"],
        "to": "str | list[str]",
        "cc": NotRequired["str | list[str]"],
        "bcc": NotRequired["str | list[str]"],
        "reply_to": NotRequired["str | list[str]"],
        "subject": NotRequired["str"],
        "html": NotRequired["str"],
        "text": NotRequired["str"],
        "template": NotRequired["str"],
        "variables": NotRequired["dict[str, Any]"],
        "headers": NotRequired["dict[str, str]"],
        "attachments": NotRequired["list[AttachmentIn]"],
        "send_at": NotRequired["str"],
        "expires_in": NotRequired["int"],
        "tags": NotRequired["list[str]"],
        "metadata": NotRequired["dict[str, str]"],
        "bridge": NotRequired["str"],
        "stream": NotRequired['Literal["transactional", "bulk"]'],
        "from": NotRequired["str"],
    },
)


class EmailAnswer(TypedDict):
    """EmailAnswer"""

    id: str
    message_id: str
    status: Literal["scheduled", "held", "queued", "deferred", "delivered", "bounced", "failed", "suppressed", "cancelled", "sandboxed"]
    sandbox: bool
    message: str
    send_at: NotRequired[str]


class EmailBatchIn(TypedDict):
    """EmailBatchIn"""

    emails: list[EmailIn]


class BatchResult(TypedDict):
    """BatchResult"""

    id: NotRequired[str]
    message_id: NotRequired[str]
    status: str
    sandbox: NotRequired[bool]
    message: NotRequired[str]
    send_at: NotRequired[str]
    error: NotRequired[ErrorObject]
    errors: NotRequired[list[ErrorProblem]]


class BatchAnswer(TypedDict):
    """BatchAnswer"""

    results: list[BatchResult]


class RawEmailIn(TypedDict):
    """RawEmailIn"""

    raw: str
    to: NotRequired[str | list[str]]
    tags: NotRequired[list[str]]
    metadata: NotRequired[dict[str, str]]
    send_at: NotRequired[str]
    expires_in: NotRequired[int]
    bridge: NotRequired[str]


class RecipientOut(TypedDict):
    """RecipientOut"""

    email: str
    name: NotRequired[str | None]
    kind: Literal["to", "cc", "bcc"]
    status: Literal["scheduled", "held", "queued", "deferred", "delivered", "bounced", "failed", "suppressed", "cancelled", "sandboxed"]
    reason: NotRequired[str | None]
    attempts: int
    last_code: NotRequired[int | None]
    last_reply: NotRequired[str | None]
    sent_at: NotRequired[str | None]
    delivered_at: NotRequired[str | None]
    bounced_at: NotRequired[str | None]
    opened_at: NotRequired[str | None]
    clicked_at: NotRequired[str | None]
    complained_at: NotRequired[str | None]
    unsubscribed_at: NotRequired[str | None]


class EventOut(TypedDict):
    """EventOut"""

    id: str
    type: Literal[
        "email.queued",
        "email.scheduled",
        "email.sandboxed",
        "email.sent",
        "email.delivered",
        "email.deferred",
        "email.delayed",
        "email.bounced",
        "email.failed",
        "email.suppressed",
        "email.held",
        "email.cancelled",
        "email.bounce_lifted",
        "email.opened",
        "email.clicked",
        "email.complained",
        "email.unsubscribed",
    ]
    at: str
    recipient: NotRequired[str | None]
    data: NotRequired[dict[str, Any] | None]


EmailOut = TypedDict(
    "EmailOut",
    {
        "id": "str",
        "message_id": "str",
        "status": "str",
        "sandbox": "bool",
        "from_name": NotRequired["str | None"],
        "subject": "str",
        "bridge": NotRequired["str | None"],
        "template": NotRequired["str | None"],
        "tags": "list[str]",
        "metadata": "dict[str, Any]",
        "size": "int",
        "send_at": NotRequired["str | None"],
        "expires_at": "str",
        "created_at": "str",
        "recipients": "list[RecipientOut]",
        "events": "list[EventOut]",
        "from": "str",
    },
)


class RetimeIn(TypedDict):
    """RetimeIn"""

    send_at: str


class FileOut(TypedDict):
    """FileOut"""

    filename: str
    content_type: str
    size: int


class ContentOut(TypedDict):
    """ContentOut"""

    id: str
    subject: str
    html: NotRequired[str | None]
    text: NotRequired[str | None]
    headers: list[list[str]]
    attachments: list[FileOut]
    source: str


class StepOut(TypedDict):
    """StepOut"""

    at: str
    step: str
    state: str
    title: str
    text: str
    detail: NotRequired[str | None]
    recipients: NotRequired[list[str]]
    data: dict[str, Any]


class ExplainOut(TypedDict):
    """ExplainOut"""

    id: str
    status: str
    recipients: int
    recipients_told: int
    steps: list[StepOut]
