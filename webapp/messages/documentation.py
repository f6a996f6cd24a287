"""Request bodies and headers of the Sending API for the OpenAPI document: its routes read them by hand."""

from __future__ import annotations

from typing import Any

from webapp.messages.schemas import BatchAnswer, EmailAnswer, EmailBatchIn, EmailIn, RawEmailIn

_FILE = {"type": "string", "format": "binary", "description": "A file; repeat the field for more."}
_FORM = {
    "type": "object",
    "properties": {
        "payload": {"type": "string", "description": "The message as JSON, as in application/json; or send its fields one by one instead."},
        "from": {"type": "string"},
        "to": {"type": "array", "items": {"type": "string"}},
        "subject": {"type": "string"},
        "html": {"type": "string"},
        "text": {"type": "string"},
        "attachments": {"type": "array", "items": _FILE},
    },
    "additionalProperties": True,
}
_BATCH_FORM = {
    "type": "object",
    "properties": {
        "payload": {"type": "string", "description": "The batch as JSON; messages name the files they want by filename, without content."},
        "attachments": {"type": "array", "items": _FILE},
    },
    "required": ["payload"],
}
_RAW_FORM = {
    "type": "object",
    "properties": {"raw": {"type": "string", "format": "binary", "description": "The message."}, "to": {"type": "array", "items": {"type": "string"}}},
    "required": ["raw"],
    "additionalProperties": True,
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "Within 24 hours the same key with the same body gives the original answer (200, `Idempotent-Replayed: true`), "
    "with another body 409. `X-Idempotency-Key` is taken too.",
}

_MESSAGE = {
    "from": "notifications@your-domain.com",
    "from_name": "Your Application",
    "to": ["customer@example.net"],
    "subject": "Your order is confirmed",
    "html": "<h1>Thank you</h1><p>Your order is ready.</p>",
    "text": "Thank you. Your order is ready.",
}
_SECOND = {"from": "notifications@your-domain.com", "to": "second@example.net", "subject": "Welcome", "text": "Hello."}


def _replay(schema: Any) -> dict[str, Any]:
    return {"description": "The original answer, given again", "content": {"application/json": {"schema": schema}}}


SEND: dict[str, Any] = {
    "parameters": [_KEY],
    "requestBody": {"required": True, "content": {"application/json": {"schema": EmailIn, "example": _MESSAGE}, "multipart/form-data": {"schema": _FORM}}},
    "responses": {"200": _replay(EmailAnswer)},
}
SEND_BATCH: dict[str, Any] = {
    "parameters": [_KEY],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": EmailBatchIn, "example": {"emails": [_MESSAGE, _SECOND]}},
            "multipart/form-data": {"schema": _BATCH_FORM},
        },
    },
    "responses": {"200": _replay(BatchAnswer)},
}
SEND_RAW: dict[str, Any] = {
    "parameters": [_KEY],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": RawEmailIn},
            "message/rfc822": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {"schema": _RAW_FORM},
        },
    },
    "responses": {"200": _replay(EmailAnswer)},
}
