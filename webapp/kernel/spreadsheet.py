"""Text of strangers in cells that a spreadsheet will open (OWASP: CSV injection)."""

from __future__ import annotations

import re

_MARK = re.compile(r"^'(?=[=+\-@])")
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00")


def inert(cell: object) -> str:
    """The cell as text; with an apostrophe in front when a spreadsheet would take it for a formula, also after white space."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.lstrip(" \u00a0\ufeff").startswith(_STARTS_A_FORMULA) else text


def unmarked(cell: str) -> str:
    """The cell of a file without the apostrophe that ``inert`` may have put there."""
    return _MARK.sub("", cell)
