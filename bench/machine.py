"""What the machine says about processes: CPU and memory of whole trees from /proc, and ports of loopback.

CPU figures are seconds of user and system time, children that have ended included once their parent has collected them.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
LOOPBACK = "127.0.0.1"


class NotReady(RuntimeError):
    """Something that was started does not answer in time."""


def _stat(pid: int) -> tuple[int, int] | None:
    """Parent and clock ticks of a process; None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return int(fields[1]), sum(int(field) for field in fields[11:15])


def tree(root: int) -> list[int]:
    """The process and all of its living descendants."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (found := _stat(int(name))):
            children.setdefault(found[0], []).append(int(name))
    members, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        members.append(pid)
        waiting += children.get(pid, [])
    return members


def cpu_seconds(roots: Iterable[int]) -> float:
    """CPU time that these process trees have used since their start."""
    pids = {pid for root in roots for pid in tree(root)}
    return sum(found[1] for pid in pids if (found := _stat(pid))) / _TICKS


def resident_mb(pid: int) -> float:
    """Resident memory of one process, in MiB; 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_open(port: int) -> bool:
    """Whether somebody listens on this port of loopback."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), 1):
        return True
    return False
