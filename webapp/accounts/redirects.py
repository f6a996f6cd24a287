"""Where to go after a login: only to a page of this very server."""

from __future__ import annotations

from urllib.parse import urlsplit

HOME = "/"


def safe_next(target: str | None) -> str:
    """``target`` when it is a path of this server, else the home page.

    Browsers read ``//host``, ``/\\host`` and addresses with tabs or line breaks in them as another host, so these are refused.
    """
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or len(target) > 2000:
        return HOME
    if "\\" in target or any(ord(c) <= 32 or ord(c) == 127 for c in target):
        return HOME
    try:
        parts = urlsplit(target)
    except ValueError:
        return HOME
    return HOME if parts.scheme or parts.netloc else target
