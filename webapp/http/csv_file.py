"""Lists as CSV (RFC 4180), made so that no spreadsheet runs what a stranger wrote into a cell (OWASP: CSV injection)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from flask import Response, stream_with_context

from webapp.kernel.spreadsheet import inert

__all__ = ["csv_file", "csv_parts", "inert"]


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A download. ``name`` without ending."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([inert(cell) for cell in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(out.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


def csv_parts(name: str, body: Iterator[bytes], size: int) -> Response:
    """A download that is ready in parts. ``name`` without ending; ``size``: bytes of all parts."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Content-Length": str(size)}
    return Response(stream_with_context(body), content_type="text/csv; charset=utf-8", headers=headers)
