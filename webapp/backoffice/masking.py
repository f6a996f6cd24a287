"""Addresses in what a support session is shown: their local parts are covered until a reason for seeing them is given.

Done on the finished answer, so that no page can forget it. Local parts may stand before ``@``, ``%40`` (in links) or ``&#64;``, and markup may stand
between them and the sign, as in highlighted source.
"""

from __future__ import annotations

import re

_COVER = "•••"
_ADDRESS = re.compile(
    r"(?P<local>(?:[\w.!#$%*+/=?^`{|}~'-]|[^\x00-\x7f]){1,64}|\"[^\"<>\r\n]{1,62}\")"
    r"(?P<between>(?:</?[a-z][^<>]{0,80}>)*)(?P<sign>@|%40|&\#64;|&commat;)(?P<after>(?:</?[a-z][^<>]{0,80}>)*)"
    r"(?=(?:[\w-]+\.)+[\w-]{2,}|\[[0-9a-fA-F.:]+\])"
)


def mask(text: str) -> str:
    """``text`` with every address's local part but its first letter covered. Addresses in links lead nowhere then, which is meant."""
    return _ADDRESS.sub(_covered, text)


def _covered(found: re.Match[str]) -> str:
    local = found["local"]
    start = re.search(r"[^\W_]", local)
    # What only touches the address (a path in a link, a query's name) stays, so that the markup around it does.
    head, tail = _split(local)
    first = tail[:1] if tail[:1].isalnum() else (start.group() if start else "")
    return f"{head}{first}{_COVER}{found['between']}{found['sign']}{found['after']}"


def _split(local: str) -> tuple[str, str]:
    """What belongs to a link or an attribute, and the address: RFC 5321 allows ``/``, ``=`` and ``?`` in local parts, links need them more."""
    cut = max(local.rfind(sign) for sign in "/=?")
    return local[: cut + 1], local[cut + 1 :]
