"""Whether our ports are free, and who has them when they are not."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from webapp.stack.children import command_line
from webapp.stack.errors import StackError


@dataclass(frozen=True)
class Listener:
    """A place we want to listen at, and the environment variable that moves it."""

    host: str
    port: int
    setting: str


def require_free(listeners: Iterable[Listener]) -> None:
    """Raise StackError with one sentence for each place that cannot be listened at."""
    problems = [sentence for listener in listeners if (sentence := _problem(listener))]
    if problems:
        raise StackError("\n".join(problems))


def _problem(listener: Listener) -> str:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(listener.host or None, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind, protocol) as probe:
            # Without this, connections of our last run that linger in TIME_WAIT would count as a holder.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        return _sentence(listener, error)
    return ""


def _sentence(listener: Listener, error: OSError) -> str:
    port, move = listener.port, f"set {listener.setting} to another port, for example {listener.setting}={_another(listener.port)}"
    if error.errno == errno.EADDRINUSE:
        holder = find_holder(port)
        return f"Port {port} is already in use{f' by {holder}' if holder else ''}: stop that program, or {move}."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} needs more rights than this user has: {move}."
    return f"Cannot listen on {listener.host}:{port}: {error.strerror or error}. Check the address, or {move}."


def _another(port: int) -> int:
    return port + 10000 if port < 50000 else port - 10000


def find_holder(port: int) -> str:
    """The process that listens on a TCP port, as 'name (pid N)'; '' when unknown (another user's, or no /proc)."""
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not wanted:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        if _open_files(process) & wanted:
            pid = int(process.name)
            program = Path((command_line(pid).split() or ["?"])[0]).name
            return f"{program} (pid {pid})"
    return ""


def _open_files(process: Path) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for link in (process / "fd").iterdir():
            with contextlib.suppress(OSError):  # closed while we looked
                found.add(os.readlink(link))
    return found


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found
