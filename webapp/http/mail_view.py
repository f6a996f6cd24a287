"""Answers that carry what strangers wrote: mail as HTML, as text, as files. Each goes out so that it can do nothing here."""

from __future__ import annotations

import re
from urllib.parse import quote

from flask import Response, request
from markupsafe import Markup

#: No script, no form, no request to anywhere; the frame has an origin of its own, so not even our cookies are near.
_SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"
#: What a person asked to see: images from anywhere, without telling their host where the reader is.
_WITH_IMAGES = _SANDBOX.replace("img-src data:", "img-src data: https: http:")
#: Links of a preview lead nowhere: a new window is what the sandbox does not allow.
_NOWHERE = '<base target="_blank">'
#: What programs do to mail that has no dark colours of its own: turn light into dark, and leave pictures as they are.
_DARK = "<style>html{background:#fff;filter:invert(.93) hue-rotate(180deg)}img,video,[background]{filter:invert(1) hue-rotate(180deg)}</style>"
_HEAD = re.compile(r"<head\b[^>]*>|<html\b[^>]*>|<!doctype[^>]*>", re.IGNORECASE)
_HIGHLIGHTED = 60_000


def sandboxed_html(html: str) -> Response:
    """Hostile HTML for a sandboxed frame. Remote images stay out until the address says `images=1`; `dark=1` shows it in dark mode."""
    images, dark = request.args.get("images") == "1", request.args.get("dark") == "1"
    has_own = "prefers-color-scheme" in html
    policy = {"Content-Security-Policy": _WITH_IMAGES if images else _SANDBOX, "Referrer-Policy": "no-referrer"}
    return Response(_with_head(html, _NOWHERE + (_DARK if dark and not has_own else "")), content_type="text/html; charset=utf-8", headers=policy)


def _with_head(html: str, addition: str) -> str:
    """Put ``addition`` where it changes neither the mode nor the order of the page."""
    found = list(_HEAD.finditer(html[:20_000]))
    place = next((hit.end() for kind in ("<head", "<html", "<!doc") for hit in found if hit[0].lower().startswith(kind)), 0)
    return html[:place] + addition + html[place:]


def source_markup(source: bytes) -> tuple[Markup, bool]:
    """The source of a mail with its headers coloured, and whether it goes on beyond what is shown."""
    # Only pages that show a mail ask for it.
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import EmailLexer

    shown = source[:_HIGHLIGHTED].decode("utf-8", "replace")
    return Markup(highlight(shown, EmailLexer(stripnl=False), HtmlFormatter(nowrap=True))), len(source) > _HIGHLIGHTED


def plain(text: str | bytes) -> Response:
    """Text as text, whatever it looks like."""
    return Response(text, content_type="text/plain; charset=utf-8", headers={"Content-Security-Policy": _SANDBOX})


def download(data: bytes, filename: str, content_type: str = "application/octet-stream") -> Response:
    """A file that the browser saves and never shows."""
    ascii_name = "".join(c if (c.isascii() and c.isalnum()) or c in "._- " else "_" for c in filename) or "file"
    disposition = f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(filename, safe='')}"
    return Response(data, content_type=content_type, headers={"Content-Disposition": disposition, "Content-Security-Policy": _SANDBOX})
