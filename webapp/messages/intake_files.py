"""Attachments of a request: base64 in JSON, or files of a multipart form that the JSON part may describe."""

from __future__ import annotations

import binascii
import mimetypes
import re
from collections.abc import Sequence
from typing import Any

from webapp.kernel.errors import Problem
from webapp.messages.headers import has_forbidden
from webapp.messages.types import AttachmentInput

MOST_FILES = 10
LARGEST_FILE = 10 * 1024 * 1024
LARGEST_SUM = 25 * 1024 * 1024
LONGEST_FILENAME = 255

_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_CONTENT_ID = re.compile(r"[^\s<>\x00-\x1f\x7f]{1,250}")
_FIELDS = {"filename", "content", "content_type", "content_id"}


def read_attachments(value: Any, uploads: Sequence[AttachmentInput], problems: list[Problem]) -> tuple[AttachmentInput, ...]:
    """All files of a message; what is wrong is added to ``problems``. An entry without ``content`` describes the upload of the same name."""
    if value is None and not uploads:
        return ()
    entries = [] if value is None else value
    if type(entries) is list:
        entries = [{"filename": entry} if type(entry) is str else entry for entry in entries]  # the name of an upload
    else:
        problems.append(Problem("attachments", "attachments must be a list of objects with filename and content."))
        return ()
    waiting = list(uploads)
    described = sum(1 for entry in entries if type(entry) is dict and entry.get("content") is None)
    count = len(entries) + max(0, len(waiting) - described)
    if count > MOST_FILES:
        problems.append(Problem("attachments", f"{count} attachments are more than the {MOST_FILES} allowed."))
        return ()
    files = [file for index, entry in enumerate(entries) if (file := _read(entry, f"attachments[{index}]", waiting, problems))]
    for index, upload in enumerate(waiting, len(entries)):
        files.append(_checked(upload, f"attachments[{index}]", problems))
    total = sum(len(file.data) for file in files)
    if total > LARGEST_SUM:
        problems.append(Problem("attachments", f"The attachments have {total} bytes together; {LARGEST_SUM} are allowed.", "payload_too_large"))
    return tuple(files)


def _read(entry: Any, place: str, waiting: list[AttachmentInput], problems: list[Problem]) -> AttachmentInput | None:
    if type(entry) is not dict:
        problems.append(Problem(place, "An attachment is an object with filename and content."))
        return None
    for name in entry.keys() - _FIELDS:
        problems.append(Problem(f"{place}.{name[:80]}", f"The field {name[:80]} does not exist here."))
    for name in _FIELDS:
        if entry.get(name) is not None and type(entry[name]) is not str:
            problems.append(Problem(f"{place}.{name}", f"{name} must be text."))
            return None
    filename = entry.get("filename") or ""
    if entry.get("content") is not None:
        data = _decoded(entry["content"], f"{place}.content", problems)
        upload = AttachmentInput(filename, "", data) if data is not None else None
    else:
        upload = next((file for file in waiting if file.filename == filename), None)
        if upload is None:
            problems.append(Problem(f"{place}.content", "Give the file's bytes as base64 in content.", "missing_parameter"))
        else:
            waiting.remove(upload)
    if upload is None:
        return None
    kind = entry.get("content_type") or upload.content_type
    return _checked(AttachmentInput(filename, kind, upload.data, entry.get("content_id")), place, problems)


def _decoded(content: str, place: str, problems: list[Problem]) -> bytes | None:
    if len(content) > (LARGEST_FILE + 2) // 3 * 4 + 1_000_000:
        problems.append(Problem(place, f"A file has at most {LARGEST_FILE} bytes.", "payload_too_large"))
        return None
    try:
        raw = content.encode("ascii")
        return binascii.a2b_base64(raw if raw.find(b"\n") < 0 else b"".join(raw.split()), strict_mode=True)
    except (ValueError, UnicodeEncodeError):
        problems.append(Problem(place, "content is not valid base64."))
        return None


def _checked(file: AttachmentInput, place: str, problems: list[Problem]) -> AttachmentInput:
    name = file.filename
    if not 0 < len(name) <= LONGEST_FILENAME or has_forbidden(name) or "/" in name or "\\" in name or name in (".", ".."):
        text = f"A file name has 1 to {LONGEST_FILENAME} characters, no path and no control characters."
        problems.append(Problem(f"{place}.filename", text, "validation_error" if name else "missing_parameter"))
    if len(file.data) > LARGEST_FILE:
        problems.append(Problem(place, f"{name[:80]} has {len(file.data)} bytes; a file has at most {LARGEST_FILE}.", "payload_too_large"))
    kind = (file.content_type or mimetypes.guess_type(name)[0] or "application/octet-stream").partition(";")[0].strip().lower()
    if not _TYPE.fullmatch(kind):
        problems.append(Problem(f"{place}.content_type", "content_type must look like application/pdf."))
    content_id = file.content_id
    if content_id is not None:
        content_id = content_id.strip().removeprefix("<").removesuffix(">")
        if not _CONTENT_ID.fullmatch(content_id):
            problems.append(Problem(f"{place}.content_id", "content_id has 1 to 250 characters without spaces and angle brackets."))
    return AttachmentInput(name, kind, file.data, content_id)
