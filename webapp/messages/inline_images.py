"""Pictures that travel inside a mail (`cid:`, RFC 2392), shown in a preview that may fetch nothing."""

from __future__ import annotations

import base64
import email
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from webapp.kernel.errors import NotFound
from webapp.messages.queries import attachment_bytes

_CID = re.compile(r"""cid:([^"'\s)>]{1,250})""", re.IGNORECASE)
#: Types that are pictures and nothing else; SVG may carry more, and a preview can do without.
_PICTURES = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"))
_LARGEST_SUM = 5_000_000


def show_inline_images(html: str, attachments: list[Any] | None, raw: bytes | None = None) -> str:
    """``html`` with the pictures of the mail in place of their `cid:` addresses, up to 5 MB together. Others stay as they are."""
    wanted = {unquote(found) for found in _CID.findall(html)}
    if not wanted:
        return html
    room, shown = _LARGEST_SUM, {}
    for cid, kind, data in _of_raw(raw) if raw is not None else _of_entries(attachments or [], wanted):
        if cid in wanted and kind in _PICTURES and len(data) <= room:
            room -= len(data)
            shown[cid] = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    return _CID.sub(lambda hit: shown.get(unquote(hit[1]), hit[0]), html)


def _of_entries(attachments: list[Any], wanted: set[str]) -> Iterator[tuple[str, str, bytes]]:
    for entry in attachments:
        cid = entry.get("content_id")
        if cid in wanted and entry["size"] <= _LARGEST_SUM:
            try:
                yield cid, entry["content_type"].lower(), attachment_bytes(entry)
            except NotFound:
                continue


def _of_raw(raw: bytes) -> Iterator[tuple[str, str, bytes]]:
    for part in email.message_from_bytes(raw).walk():
        data = None if part.is_multipart() else part.get_payload(decode=True)
        if isinstance(data, bytes) and part.get("Content-ID"):
            yield str(part["Content-ID"]).strip().strip("<>"), part.get_content_type(), data
