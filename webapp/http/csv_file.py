"""Lists as CSV (RFC 4180), made so that no spreadsheet runs what a stranger wrote into a cell (OWASP: CSV injection)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from flask import Response

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00")


def inert(cell: object) -> str:
    """The cell as text; with an apostrophe in front when a spreadsheet would take it for a formula, also after white space."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.lstrip(" \u00a0\ufeff").startswith(_STARTS_A_FORMULA) else text


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A download. ``name`` without ending."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([inert(cell) for cell in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(out.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)
