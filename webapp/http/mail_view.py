"""Answers that carry what strangers wrote: mail as HTML, as text, as files. Each goes out so that it can do nothing here."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response

#: No script, no form, no request to anywhere; the frame has an origin of its own, so not even our cookies are near.
_SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"


def sandboxed_html(html: str) -> Response:
    """Hostile HTML for a sandboxed frame. Remote images stay out."""
    return Response(html, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": _SANDBOX})


def plain(text: str | bytes) -> Response:
    """Text as text, whatever it looks like."""
    return Response(text, content_type="text/plain; charset=utf-8", headers={"Content-Security-Policy": _SANDBOX})


def download(data: bytes, filename: str, content_type: str = "application/octet-stream") -> Response:
    """A file that the browser saves and never shows."""
    ascii_name = "".join(c if (c.isascii() and c.isalnum()) or c in "._- " else "_" for c in filename) or "file"
    disposition = f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(filename, safe='')}"
    return Response(data, content_type=content_type, headers={"Content-Disposition": disposition, "Content-Security-Policy": _SANDBOX})
