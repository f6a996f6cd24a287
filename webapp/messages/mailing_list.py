"""Whether a message says of itself that it is list mail, and of which list. Pure.

Mail that offers an unsubscribe, or names its list, is bulk mail whatever bridge it comes through: an unsubscribe must then stop it, and a password
reset sent over the same bridge must not be stopped by that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST_KEY = 255
_SAYING = frozenset({"list-unsubscribe", "list-id"})
_KEY = re.compile(r"[!-;=?-~]{1,255}")


def list_of(headers: Iterable[tuple[str, str]]) -> tuple[bool, str | None]:
    """``(is list mail, list key)`` of ``(name, value)`` pairs. The key is the identifier of List-Id (RFC 2919 section 3) in lower case, without the
    phrase and the brackets; None when there is none that can be read."""
    is_list, key = False, None
    for name, value in headers:
        lowered = name.lower()
        if lowered in _SAYING:
            is_list = True
            if lowered == "list-id":
                key = list_key(value)
    return is_list, key


def list_key(value: str) -> str | None:
    """The list key in the value of a List-Id header, or in what a person typed: ``News <news.example.net>`` and ``news.example.net`` are one."""
    inner = value[value.rfind("<") + 1 :].partition(">")[0] if "<" in value else value
    key = inner.strip().lower()
    return key if _KEY.fullmatch(key) else None
