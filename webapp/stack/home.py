"""Where the engines keep their data and sockets, and the lock that keeps two stacks apart.

Everything lives under `var` (the setting var_dir):

    var/.lock          flock of the running supervisor, holding its process id
    var/engines.json   addresses of the running engines, for commands typed in another terminal
    var/postgres, var/valkey, var/run    data and sockets, mode 0700

Root with a `var` that others cannot enter (a checkout below /root, say) keeps the last three in a folder
under /var/lib/postbridge instead, and `var/engines` is a link to it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from webapp.stack.binaries import engine_identity, is_reachable, public_home
from webapp.stack.children import Identity, is_alive
from webapp.stack.errors import StackError

# A socket address holds 108 bytes on Linux, 104 on macOS, and PostgreSQL adds '/.s.PGSQL.5432.lock'.
_LONGEST_SOCKET_FOLDER = 80


@dataclass(frozen=True)
class EngineHome:
    """The folders of one pair of engines; `identity` is the user that owns them (None: ourselves)."""

    postgres: Path
    valkey: Path
    sockets: Path
    identity: Identity | None


def make_home(var: Path) -> EngineHome:
    """Make (or find again) the folders of the engines that belong to `var`.

    Raises StackError when a folder cannot be made or belongs to another user.
    """
    try:
        var.mkdir(parents=True, exist_ok=True)
        base = _base(var)
        identity = engine_identity(base / "postgres")
        valkey = _private(base / "valkey", identity)
        sockets = base / "run"
        if len(os.fsencode(sockets)) > _LONGEST_SOCKET_FOLDER:
            sockets = _short_folder(base, identity)
        return EngineHome(base / "postgres", valkey, _private(sockets, identity), identity)
    except PermissionError as error:
        raise StackError(
            f"Cannot write {error.filename}: it belongs to another user. "
            "Start as the user who started it first, or set POSTBRIDGE_VAR_DIR to a folder of your own."
        ) from error
    except OSError as error:
        raise StackError(f"Cannot use the folder {var}: {error}. Set POSTBRIDGE_VAR_DIR to another one.") from error


def _short_folder(base: Path, identity: Identity | None) -> Path:
    """A folder with a short path that belongs to `base`: the same at each start, and never one that others laid out for us."""
    folder = Path(tempfile.gettempdir()) / f"postbridge-{hashlib.sha256(os.fsencode(base)).hexdigest()[:12]}"
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), identity.uid if identity else os.geteuid()):
            return Path(tempfile.mkdtemp(prefix="postbridge-"))
    return folder


def _base(var: Path) -> Path:
    link = var / "engines"
    if link.is_symlink():
        elsewhere = link.resolve()
        elsewhere.mkdir(mode=0o711, exist_ok=True)
        return elsewhere
    data = var.resolve() / "postgres"
    # An ordinary user's data is used as that user (see engine_identity), who can reach it wherever it is.
    if os.geteuid() != 0 or data.is_dir() or is_reachable(data):
        return var.resolve()
    elsewhere = Path(tempfile.mkdtemp(prefix="data-", dir=public_home()))
    elsewhere.chmod(0o711)
    link.symlink_to(elsewhere)
    return elsewhere


def _private(folder: Path, identity: Identity | None) -> Path:
    """Make a 0700 folder for the engines' user; an existing one must be that user's already."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.stat()
    owner = identity.uid if identity else os.geteuid()
    if found.st_uid != owner:
        if os.geteuid() != 0:
            raise PermissionError(13, "Permission denied", str(folder))
        os.chown(folder, owner, identity.gid if identity else -1)
    if found.st_mode & 0o777 != 0o700:
        folder.chmod(0o700)
    return folder


class StackLock:
    """One supervisor per `var`: a lock on var/.lock that the kernel lets go when we die, however we die."""

    def __init__(self, var: Path) -> None:
        self._path = var / ".lock"
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock. Raises StackError "already running, pid N" when another process has it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = self._path.open("a+")
        except PermissionError as error:
            raise StackError(f"Cannot write {self._path}: it belongs to another user. Start as that user, or set POSTBRIDGE_VAR_DIR.") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise StackError(
                f"Postbridge is already running here, pid {holder}. Use that one, stop it with `kill {holder}`, "
                "or set POSTBRIDGE_VAR_DIR and the ports to run a second one."
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Let the lock go; harmless when it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None


@dataclass(frozen=True)
class Addresses:
    """How to reach running engines. `admin_url` is the database superuser, None when the server is not ours."""

    database_url: str
    redis_url: str
    admin_url: str | None = None


def publish(var: Path, addresses: Addresses) -> None:
    """Write the addresses of the running engines where other commands find them."""
    path = var / "engines.json"
    making = path.with_suffix(".new")
    making.write_text(json.dumps({"pid": os.getpid(), **vars(addresses)}))
    making.rename(path)


def unpublish(var: Path) -> None:
    """Remove what :func:`publish` wrote."""
    (var / "engines.json").unlink(missing_ok=True)


def find_running(var: Path) -> Addresses | None:
    """The addresses of the engines that run for `var` now, or None when no stack is up there."""
    try:
        known = json.loads((var / "engines.json").read_text())
        pid = int(known.pop("pid"))
        return Addresses(**known) if is_alive(pid) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None
