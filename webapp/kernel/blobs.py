"""Large attachments outside the database: a folder, or an S3-compatible store by setting.

An object is named `<day>/<hash of its bytes>`: written once, durable before the row that names it commits, and never changed. The day is
that of writing, so that the objects of a day go when the rows of that day have gone (`worker.jobs.attachments`), and nobody has to count who uses what.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from webapp.kernel.clock import now
from webapp.kernel.errors import Unavailable
from webapp.settings import Settings, get_settings

_DAY = re.compile(r"\d{8}")


class Store(Protocol):
    """Where objects lie. Every method raises ``OSError`` while the store is away; a missing object is ``FileNotFoundError``."""

    def put(self, name: str, data: bytes) -> None:
        """Store ``data`` durably; a name that is there already is left alone, since it stands for the same bytes."""
        ...

    def get(self, name: str) -> bytes:
        """The bytes stored under ``name``."""
        ...

    def days(self) -> list[str]:
        """The days (``20261124``) of which there are objects, in order."""
        ...

    def names(self, day: str) -> Iterator[str]:
        """Names of the objects of a day."""
        ...

    def remove(self, names: Sequence[str]) -> None:
        """Forget these; a missing one is no error."""
        ...


class Folder:
    """Objects as files under a folder, which all machines of an installation share."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, data: bytes) -> None:
        """See Store."""
        path = self._root / name
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with made.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            made.rename(path)
        except OSError:
            made.unlink(missing_ok=True)
            raise
        for folder in (path.parent, self._root):
            _sync(folder)

    def get(self, name: str) -> bytes:
        """See Store."""
        return (self._root / name).read_bytes()

    def days(self) -> list[str]:
        """See Store."""
        if not self._root.is_dir():
            return []
        return sorted(entry.name for entry in self._root.iterdir() if _DAY.fullmatch(entry.name))

    def names(self, day: str) -> Iterator[str]:
        """See Store. What a crash left half written is among them."""
        return (f"{day}/{entry.name}" for entry in os.scandir(self._root / day))

    def remove(self, names: Sequence[str]) -> None:
        """See Store. A folder that is empty then goes too."""
        for name in names:
            (self._root / name).unlink(missing_ok=True)
        for day in {name.partition("/")[0] for name in names}:
            with contextlib.suppress(OSError):
                (self._root / day).rmdir()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_store(settings: Settings) -> Store:
    """The store that ``blob_store`` names: a folder under ``var_dir`` when it is empty."""
    if not settings.blob_store:
        return Folder(settings.var_dir / "blobs")
    from webapp.kernel.blobs_s3 import Bucket

    return Bucket(settings)


@functools.cache
def store() -> Store:
    """The store of this process."""
    return make_store(get_settings())


def put(data: bytes, tenant: str) -> str:
    """Store ``data`` and return its name. Keyed by tenant too, so that names tell nobody who else sends the same file.

    Raises ``Unavailable`` when the store is away, full or read-only: a row is never written without its body.
    """
    name = f"{now():%Y%m%d}/{hashlib.sha256(tenant.encode() + b'|' + data).hexdigest()}"
    try:
        store().put(name, data)
    except OSError as error:
        raise Unavailable(f"Attachments cannot be stored at the moment ({error.strerror or error}).", retry_after=30) from error
    return name


def get(name: str) -> bytes:
    """The bytes stored under ``name``. Raises ``FileNotFoundError``, or another ``OSError`` while the store is away."""
    return store().get(name)
