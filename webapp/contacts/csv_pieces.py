"""A CSV file as pieces in the object store: written as it comes in, read again from any row on, never whole in memory."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from webapp.kernel import blobs
from webapp.kernel.errors import PayloadTooLarge, ValidationFailed

_PIECE = 4 * 1024 * 1024
_LOOKED_AT = 256 * 1024
LONGEST_CELL = 10_000
MOST_COLUMNS = 300
_DELIMITERS = (",", ";", "\t", "|")

csv.field_size_limit(1_000_000)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """``names`` of its pieces in order, ``size`` in octets, all UTF-8; ``head``: its first rows."""

    names: list[str]
    size: int
    delimiter: str
    head: list[list[str]]


def store_file(stream: IO[bytes], tenant: str, most: int) -> StoredFile:
    """Keep a file. UTF-8, UTF-16 with a mark and Windows-1252 are understood, and kept as UTF-8.

    Raises ``PayloadTooLarge`` past ``most`` octets, ``ValidationFailed`` for an empty file or one that is no text.
    """
    start = stream.read(_LOOKED_AT)
    decoder = codecs.getincrementaldecoder(_encoding_of(start))("replace")
    names, size, waiting, head = [], 0, bytearray(), b""
    while start:
        size += len(start)
        if size > most:
            raise PayloadTooLarge(f"A file has at most {most // 1_000_000} MB. Cut it in two.", param="file")
        waiting += decoder.decode(start).encode()
        head = head or bytes(waiting[:_LOOKED_AT])
        while len(waiting) >= _PIECE:
            names.append(blobs.put(bytes(waiting[:_PIECE]), tenant))
            del waiting[:_PIECE]
        start = stream.read(_LOOKED_AT)
    waiting += decoder.decode(b"", final=True).encode()
    if waiting:
        names.append(blobs.put(bytes(waiting), tenant))
    return _described(names, (len(names) - 1) * _PIECE + len(waiting) if waiting else len(names) * _PIECE, head)


def _described(names: list[str], size: int, head: bytes) -> StoredFile:
    if not head.strip():
        raise ValidationFailed("The file is empty.", param="file")
    if head.count(b"\0") > len(head) / 50:
        raise ValidationFailed("This is no text file. Save it as CSV.", param="file")
    text = head.decode("utf-8", "ignore")
    delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if any(cell.strip() for cell in row):
                rows.append([cell[:LONGEST_CELL] for cell in row])
            if len(rows) == 6:
                break
    except csv.Error as error:
        raise ValidationFailed(f"The file cannot be read as CSV: {error}.", param="file") from None
    if len(rows[0]) > MOST_COLUMNS:
        raise ValidationFailed(f"A file has at most {MOST_COLUMNS} columns.", param="file")
    return StoredFile(names, size, delimiter, rows)


def _encoding_of(start: bytes) -> str:
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        # Cut in the middle of a character is no reason to doubt.
        return "utf-8" if len(start) == _LOOKED_AT and error.start > len(start) - 4 else "cp1252"
    return "utf-8"


class RowReader:
    """The rows of a stored file from ``position`` (octets, at the end of a row) on. ``position`` moves with every row given out."""

    def __init__(self, names: list[str], delimiter: str, position: int = 0) -> None:
        self.position = position
        self._names = names
        self._reader = csv.reader(self._lines(), delimiter=delimiter)

    def _lines(self) -> Iterator[str]:
        piece, skip = divmod(self.position, _PIECE)
        rest = b""
        for name in self._names[piece:]:
            data = rest + blobs.get(name)[skip:]
            skip, lines = 0, data.splitlines(keepends=True)
            # A line may go on in the next piece; so may \r\n.
            rest = lines.pop() if lines and (not lines[-1].endswith(b"\n")) else b""
            yield from self._counted(lines)
        if rest:
            yield from self._counted([rest])

    def _counted(self, lines: list[bytes]) -> Iterator[str]:
        for line in lines:
            self.position += len(line)
            yield line.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        """The next row. Raises ``csv.Error`` for one that cannot be read; the reader stands behind it then."""
        return next(self._reader)
