"""A multipart form becomes the same document that JSON clients send: either one `payload` part that is JSON, or one field for each name.

Flat fields: lists are repeated fields (``to`` or ``to[]``) or JSON; objects are JSON or ``headers[X-Order]=7``. Every part with a file name is an
attachment, whatever its field is called.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from webapp.kernel.errors import InvalidParameter, Problem, ValidationFailed
from webapp.messages.intake import read_json
from webapp.messages.types import AttachmentInput

_LISTS = frozenset("to cc bcc reply_to tags attachments".split())
_OBJECTS = frozenset("headers metadata variables".split())
_NUMBERS = frozenset({"expires_in"})
_KEYED = re.compile(r"(headers|metadata|variables)\[([^\]]{1,200})\]")
_PAYLOAD = "payload"


def read_form(fields: Iterable[tuple[str, str]], files: Iterable[tuple[str, AttachmentInput]]) -> tuple[Any, list[AttachmentInput]]:
    """The document and the uploads of a form. ``files``: field name and file. Raises ``InvalidParameter`` and ``ValidationFailed``."""
    uploads: list[AttachmentInput] = []
    payload: bytes | None = None
    for name, file in files:
        if name == _PAYLOAD:
            payload = file.data
        elif file.filename or file.data:  # browsers send an empty part for a file field left empty
            uploads.append(file)
    flat = list(fields)
    texts = [text for name, text in flat if name == _PAYLOAD]
    if payload is None and not texts:
        return _of_fields(flat), uploads
    others = [name for name, _ in flat if name != _PAYLOAD]
    if others or len(texts) + (payload is not None) > 1:
        message = "Send either one `payload` part with JSON, or one field for each name."
        raise ValidationFailed.of([Problem(name[:80], message) for name in (others or [_PAYLOAD])[:20]])
    return read_json(payload if payload is not None else texts[0].encode("utf-8", "surrogatepass")), uploads


def share_uploads(entries: Sequence[Any], uploads: Sequence[AttachmentInput]) -> dict[int, list[AttachmentInput]]:
    """The uploads of each message of a batch, by its place: those that it names in `attachments` without a content of their own.

    Raises ``ValidationFailed`` for a file that no message names: it would be lost.
    """
    shared: dict[int, list[AttachmentInput]] = {}
    for place, entry in enumerate(entries):
        names = _names_of(entry.get("attachments") if isinstance(entry, dict) else None)
        if found := [upload for upload in uploads if upload.filename in names]:
            shared[place] = found
    used = {upload.filename for files in shared.values() for upload in files}
    lost = [Problem("attachments", f"No message names the file {file.filename[:80]} in its attachments.") for file in uploads if file.filename not in used]
    if lost:
        raise ValidationFailed.of(lost[:20])
    return shared


def _names_of(attachments: Any) -> set[str]:
    entries = attachments if isinstance(attachments, list) else []
    described = {entry["filename"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("filename"), str) and entry.get("content") is None}
    return described | {entry for entry in entries if isinstance(entry, str)}


def _of_fields(fields: list[tuple[str, str]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, text in fields:
        if keyed := _KEYED.fullmatch(name):
            document.setdefault(keyed[1], {})[keyed[2]] = text
            continue
        plain = name.removesuffix("[]")
        if plain in _LISTS:
            document.setdefault(plain, []).extend(_json_list(plain, text))
        elif plain in document:
            raise ValidationFailed(f"The field {plain[:80]} is sent twice.", param=plain[:80])
        else:
            document[plain] = _value(plain, text)
    return document


def _json_list(name: str, text: str) -> list[Any]:
    value = _json(name, text) if text.startswith("[") or name == "attachments" else text
    return value if isinstance(value, list) else [value]


def _value(name: str, text: str) -> Any:
    if name in _OBJECTS:
        return _json(name, text)
    if name in _NUMBERS and text.isascii() and text.isdigit() and len(text) < 12:
        return int(text)
    return text


def _json(name: str, text: str) -> Any:
    try:
        return read_json(text.encode())
    except (InvalidParameter, UnicodeEncodeError):
        raise ValidationFailed(f"{name} must be JSON.", param=name) from None
