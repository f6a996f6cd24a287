"""Large attachments outside the database: write once under the hash of their bytes, durable before the row that names them commits."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from webapp.kernel.errors import Unavailable
from webapp.settings import get_settings


def _path(name: str) -> Path:
    return get_settings().var_dir / "blobs" / name[:2] / name


def put(data: bytes, tenant: str) -> str:
    """Store ``data`` and return its name. Keyed by tenant too, so that one tenant's retention never removes another's file.

    Raises ``Unavailable`` when the disk is full or read-only: a row is never written without its body.
    """
    name = hashlib.sha256(tenant.encode() + b"|" + data).hexdigest()
    path = _path(name)
    if path.exists():
        return name
    made = path.with_name(f".{name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with made.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        made.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        made.unlink(missing_ok=True)
        raise Unavailable(f"Attachments cannot be stored at the moment ({error.strerror}).", retry_after=30) from error
    return name


def get(name: str) -> bytes:
    """The bytes stored under ``name``. Raises ``FileNotFoundError``."""
    return _path(name).read_bytes()


def remove(name: str) -> None:
    """Forget ``name``; a missing one is no error."""
    _path(name).unlink(missing_ok=True)
