"""Reply codes and enhanced status codes in running text."""

from __future__ import annotations

import re

_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.\-])([45][0-5]\d)(?=[ \-:#)\]]|$)")


def find_status(text: str) -> tuple[int | None, str | None]:
    """SMTP reply code and enhanced status code in a diagnostic, each None when absent.

    Only three numbers make a status; "5.1" or "5.1.1.1" are none (CVE-2026-43964).
    """
    code = _CODE.search(text)
    status = _ENHANCED.search(text)
    return (int(code[1]) if code else None), (status[1] if status else None)
