"""Child processes that never outlive us.

Every process of the stack is started through :func:`spawn`: in a session of its own (so that Ctrl-C in the
terminal reaches only the supervisor, which then stops things in order) and, on Linux, with a parent death
signal (so that even `kill -9` of the supervisor takes everything down).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

Output = int | IO[bytes] | None


@dataclass(frozen=True)
class Identity:
    """An operating system user that a child runs as."""

    uid: int
    gid: int


def spawn(
    argv: Sequence[str],
    *,
    output: Output,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    identity: Identity | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start `argv` in its own session, with stdout and stderr both going to `output`.

    `identity` changes the user first (only root may ask for that); `death_signal` is what the child gets from
    the kernel when the *thread* that called us ends, so call this from the main thread only.
    Raises OSError when the program cannot be started.
    """
    return subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=dict(env) if env is not None else None,
        cwd=cwd,
        start_new_session=True,
        user=identity.uid if identity else None,
        group=identity.gid if identity else None,
        extra_groups=[] if identity else None,
        # Runs after the change of user: a change of credentials clears the death signal.
        preexec_fn=_die_with_parent(death_signal, os.getpid()),
    )


def _die_with_parent(death_signal: signal.Signals, parent: int) -> Callable[[], None]:
    number = int(death_signal)

    def arm() -> None:
        if _LIBC is None:
            return
        _LIBC.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # the parent died between fork and prctl: nobody would ever tell us
            os._exit(1)

    return arm


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the child and all of its own children; quiet when they are gone already.

    Children have a session each, so the group is theirs alone. It may outlive its leader (a web server killed
    with -9 leaves its workers), which is why this works for finished processes too.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def stop(process: subprocess.Popen[bytes], number: signal.Signals, *, patience: float) -> bool:
    """Ask one child to stop, wait up to `patience` seconds, then kill its group. True when it went by itself."""
    if process.poll() is not None:
        signal_group(process, signal.SIGKILL)
        return True
    process.send_signal(number)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        signal_group(process, signal.SIGKILL)
        process.wait()
        return False
    return True


def is_alive(pid: int) -> bool:
    """Whether a process with this id exists and is not a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] == "Z"


def command_line(pid: int) -> str:
    """The command line of a process, or '' when it cannot be read. Reads /proc, else asks `ps` (macOS)."""
    proc = Path(f"/proc/{pid}/cmdline")
    if proc.parent.parent.joinpath("self").exists():
        with contextlib.suppress(OSError):
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return ""
    with contextlib.suppress(OSError):
        asked = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return asked.stdout.strip()
    return ""
