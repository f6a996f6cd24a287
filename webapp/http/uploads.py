"""Text files that a request brings, as lines and without holding them in memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO

from flask import request

from webapp.kernel.errors import ValidationFailed

#: No line of a file that people make is longer; a longer one is cut into several, so that none fills the memory.
_LONGEST_LINE = 1_000_000


def body_lines() -> Iterator[str]:
    """The request's body as lines of text. Octets that are no UTF-8 come as replacement characters."""
    return _lines(request.stream)


def file_lines(name: str) -> tuple[str, Iterator[str]]:
    """``(file name, lines)`` of the uploaded file. Raises ``ValidationFailed`` when there is none."""
    upload = request.files.get(name)
    if upload is None or not upload.filename:
        raise ValidationFailed("Choose a file.", param=name)
    return upload.filename, _lines(upload.stream)


def _lines(stream: IO[bytes]) -> Iterator[str]:
    text = io.TextIOWrapper(io.BufferedReader(stream), "utf-8", errors="replace", newline="")  # type: ignore[type-var]
    while line := text.readline(_LONGEST_LINE):
        yield line
