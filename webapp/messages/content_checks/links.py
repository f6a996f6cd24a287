"""What may be wrong with a link or an image."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from webapp.messages.content_checks.types import Image, Link

#: Services that hide where a link leads; filters distrust them because spam does the same.
_SHORTENERS = frozenset(
    "bit.ly buff.ly cutt.ly goo.gl is.gd lnkd.in ow.ly rb.gy rebrand.ly s.id shorturl.at t.co t.ly tiny.cc tinyurl.com v.gd".split()
)
_HOST_IN_TEXT = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,})(?:[/?#]\S*)?", re.IGNORECASE)


def look_at_link(href: str, text: str) -> Link:
    """The link with what is wrong with it; the gravest only."""
    return Link(href, text, _remark(href, text))


def _remark(href: str, text: str) -> str | None:
    if href in ("", "#"):
        return "Leads nowhere: an address is still missing."
    if "{{" in href or "{%" in href:
        return "A variable in it was not filled in."
    try:
        parts = urlsplit(href)
        host = (parts.hostname or "").lower()
    except ValueError:
        return "Cannot be read as an address."
    if parts.scheme.lower() in ("javascript", "data", "vbscript", "file"):
        return "Mail programs take such links out."
    if parts.scheme.lower() in ("mailto", "tel", "sms"):
        return None
    if parts.scheme.lower() not in ("http", "https") or not host:
        return "Not a whole address: begin it with https:// and a host."
    return _remark_on_host(parts.scheme.lower(), host, parts.username is not None, text)


def _remark_on_host(scheme: str, host: str, has_user: bool, text: str) -> str | None:
    if _is_address(host):
        return "Leads to a bare IP address, as phishing does. Use a host name."
    if has_user:
        return "Has a user name before the host, as phishing does."
    if host.removeprefix("www.") in _SHORTENERS:
        return "Hides where it leads. Link to the page itself."
    shown = _HOST_IN_TEXT.fullmatch(text.strip())
    if shown and _differs(shown[1].lower(), host):
        return f"Shows {shown[1].lower()} but leads to {host}; filters take that for phishing."
    if not text:
        return "Has no text: a screen reader can only read the address aloud."
    return "Use https://." if scheme == "http" else None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _differs(shown: str, host: str) -> bool:
    shown, host = shown.removeprefix("www."), host.removeprefix("www.")
    return shown != host and not host.endswith("." + shown) and not shown.endswith("." + host)


def look_at_image(src: str, alt: str | None) -> Image:
    """The image with what is wrong with it."""
    scheme = src.partition(":")[0].lower() if ":" in src else ""
    if not src:
        remark: str | None = "Has no address."
    elif scheme == "data":
        remark = "Gmail and Outlook do not show images inside the HTML. Attach it and use cid:, or host it."
    elif scheme not in ("http", "https", "cid"):
        remark = "Not a whole address: begin it with https:// and a host."
    elif scheme == "http":
        remark = "Use https://."
    else:
        remark = "Has no alt text: it says nothing while images are off. Leave alt empty for decoration." if alt is None else None
    return Image(src, alt, remark)
