"""Large attachments in an S3-compatible store (AWS, MinIO, Ceph, Garage, R2, ...)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import S3Store

from webapp.settings import SettingError, Settings

_ADDRESS = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9])(?:/(?P<prefix>[\w./\-]*))?")
_PATIENCE = timedelta(seconds=20)
"""For one request with its retries: a client waits for its answer meanwhile."""


class Bucket:
    """See ``webapp.kernel.blobs.Store``. Keeps its own connections; may be used by several threads."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is asked yet. Raises ``SettingError`` for an address that names no bucket."""
        found = _ADDRESS.fullmatch(settings.blob_store)
        if found is None:
            raise SettingError(f"POSTBRIDGE_BLOB_STORE is {settings.blob_store!r}; it must be s3://bucket or s3://bucket/prefix")
        # What is not set is left to the usual sources: AWS_* variables, the machine's role.
        options: dict[str, Any] = {
            "endpoint": settings.s3_endpoint, "region": settings.s3_region,
            "access_key_id": settings.s3_access_key, "secret_access_key": settings.s3_secret_key,
        }  # fmt: skip
        self._store = S3Store(
            found["bucket"],
            prefix=(found["prefix"] or "").strip("/") or None,
            client_options={"timeout": _PATIENCE, "connect_timeout": timedelta(seconds=3), "allow_http": settings.s3_endpoint.startswith("http://")},
            retry_config={"max_retries": 2, "retry_timeout": _PATIENCE},
            **{name: value for name, value in options.items() if value},
        )

    def put(self, name: str, data: bytes) -> None:
        """See Store."""
        with _as_os_errors(), contextlib.suppress(AlreadyExistsError):
            obstore.put(self._store, name, data, mode="create")

    def get(self, name: str) -> bytes:
        """See Store."""
        with _as_os_errors():
            return bytes(obstore.get(self._store, name).bytes())

    def days(self) -> list[str]:
        """See Store."""
        with _as_os_errors():
            prefixes = obstore.list_with_delimiter(self._store)["common_prefixes"]
        return sorted(name for name in prefixes if re.fullmatch(r"\d{8}", name))

    def names(self, day: str) -> Iterator[str]:
        """See Store."""
        with _as_os_errors():
            for chunk in obstore.list(self._store, day, chunk_size=1000):
                yield from (entry["path"] for entry in chunk)

    def remove(self, names: Sequence[str]) -> None:
        """See Store."""
        with _as_os_errors(), contextlib.suppress(FileNotFoundError, NotFoundError):
            obstore.delete(self._store, names)


@contextlib.contextmanager
def _as_os_errors() -> Iterator[None]:
    """The library's errors as those a folder would raise; their text may hold whole answers of the server, so only the first line is kept."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise FileNotFoundError("no such object") from error
    except AlreadyExistsError:
        raise
    except BaseError as error:
        raise OSError(str(error).splitlines()[0][:200]) from error
