"""F08: the disk that holds everything is full, first for our guard, then for the database itself; then there is room again.

The disk is a tmpfs of 220 MB in a mount namespace of a process of its own, so nothing of it is seen outside. That needs root.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.ledger import Figures, count, drain, wait_until
from tests.chaos.load import ApiLoad, Load, SmtpLoad
from tests.chaos.place import Engines, Place, place
from tests.chaos.scenarios import Run

_TITLE = "disk full, then room again"
_SIZE = 220 * 2**20
_MINIMUM = 20 * 2**20
_MOUNT = 'mount -t tmpfs -o size=220m,mode=0711 tmpfs "$1" && exec "$2" -m tests.chaos.scenarios.disk "$1" "$3" "$4"'


def disk_full(run: Run) -> Figures:
    """F08. Recovery: from free space until mail was taken again and everything answered ready, the slower of the two times."""
    return in_namespace(run, Figures("F08", _TITLE), _MOUNT, run.var.parent / "disk")


def in_namespace(run: Run, figures: Figures, script: str, folder: Path) -> Figures:
    """Run a scenario where mounts are seen by nobody else: `script` (sh) gets ``folder``, this Python, the folder of the logs, and the size of the run.

    It prints its figures as JSON; ``figures`` come back as skipped where that cannot be done.
    """
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("unshare") is None:
        figures.skipped = "needs root on Linux, to mount a small disk in a namespace of its own"
        return figures
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        figures.skipped = "this kernel or container allows no mount namespace"
        return figures
    folder.mkdir(exist_ok=True)
    run.var.mkdir(exist_ok=True)
    argv = ["unshare", "-m", "sh", "-c", script, "sh", str(folder), sys.executable, str(run.var), "quick" if run.quick else "full"]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, timeout=300, check=False)
    if done.returncode == 32:  # mount's own failure
        figures.skipped = "this container may not mount a tmpfs"
        return figures
    return Figures(**json.loads(done.stdout.splitlines()[-1]))


def _inside(disk: Path, logs: Path, quick: bool) -> Figures:
    figures = Figures("F08", _TITLE)
    engines = Engines(disk / "engines")
    try:
        engines.start()
        with place(engines, "chaos_f08", disk / "var", {"POSTBRIDGE_DISK_MINIMUM_BYTES": str(_MINIMUM)}, logs=logs) as ground:
            seconds = 24 if quick else 60
            loads: list[Load] = [ApiLoad(ground, 25 * seconds, seconds).start(), SmtpLoad(ground, 4 * seconds, seconds, threads=4).start()]
            time.sleep(4)
            waits = [_fill(ground, figures, disk, room, loads) for room in (_MINIMUM // 2, 0)]
            for load in loads:
                load.finish()
            drain(ground, 90)
            figures.recovery = max(waits)
            figures.must(figures.recovery <= 30, "not ready 30 s after there was room again")
            count(ground, figures, loads)
            api, smtp = loads
            figures.must(api.statuses() <= {"202", "200", "503", "409"}, f"API answers {dict(api.answers)}")
            figures.must(smtp.statuses() <= {"250 2.0.0", "452 4.3.1", "451 4.3.0", "454 4.7.0", "421 4.3.2"}, f"SMTP answers {dict(smtp.answers)}")
            figures.must(smtp.answers["452 4.3.1"], "nobody was told 452 4.3.1")
    finally:
        engines.stop()
    return figures


def _fill(ground: Place, figures: Figures, disk: Path, room: int, loads: Sequence[Load]) -> float:
    """Leave so much room for a while, then free the disk; the seconds until readiness and the next acceptance."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        try:
            while (free := shutil.disk_usage(disk).free) > room:
                file.write(b"\0" * min(2**20, free - room))
                file.flush()
        except OSError:
            pass  # the database took the rest
    time.sleep(3)
    figures.must(_readiness(ground) != 200, f"ready with {room} octets of room")
    time.sleep(3)
    ballast.unlink()
    freed = time.monotonic()
    engine = ground.engines.postgres
    wait_until(lambda: engine.answers() or (engine.process is not None and engine.process.poll() is not None), 20)
    if not engine.answers():  # it may give up when it cannot write its log; the supervisor starts it again
        ground.engines.start_one(engine)
        figures.notes.append(f"PostgreSQL ended itself with {room} octets of room and was started again")
    figures.must(wait_until(lambda: _readiness(ground) == 200, 40), "not ready again")
    ready = time.monotonic() - freed
    wait_until(lambda: any(load.first_after(freed) for load in loads), 10)
    return max([ready, *(wait for load in loads if (wait := load.first_after(freed)) is not None)])


def _readiness(ground: Place) -> int:
    try:
        with urllib.request.urlopen(f"{ground.stack.url}/readyz", timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


if __name__ == "__main__":
    found = _inside(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "quick")
    print(json.dumps(dataclasses.asdict(found)))
