"""The supervisor over real child processes: order, restarts, patience, and death of the parent."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from webapp.settings import ROOT
from webapp.stack.children import is_alive
from webapp.stack.logs import LogSink
from webapp.stack.processes import ProcessSpec, StopTier
from webapp.stack.supervisor import Supervisor, supervising

_POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit(0)))
print('hello', flush=True)
time.sleep(60)
"""
_DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
_LEADER = """
import subprocess, sys, time
print('pid', subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True)
time.sleep(60)
"""


def _spec(name: str, program: str, tier: StopTier = StopTier.WORKERS) -> ProcessSpec:
    return ProcessSpec(name, name, (sys.executable, "-c", program), tier)


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(said: io.StringIO) -> Iterator[Supervisor]:
    with Supervisor(LogSink(said, as_json=False)) as made:
        yield made


def _until(condition: Callable[[], object], supervisor: Supervisor, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        supervisor._pump(0.05)
        supervisor._look()


def _pid(supervisor: Supervisor, number: int = 0) -> int:
    process = supervisor._watched[number][1].process
    assert process is not None
    return process.pid


def test_a_killed_child_comes_back(supervisor: Supervisor, said: io.StringIO) -> None:
    supervisor.start([_spec("polite", _POLITE)], os.environ)
    _until(lambda: said.getvalue().count("hello") == 1, supervisor)
    first = _pid(supervisor)
    os.kill(first, signal.SIGKILL)
    _until(lambda: said.getvalue().count("hello") == 2, supervisor)
    assert _pid(supervisor) != first
    assert 'process_ended name=polite reason="killed by SIGKILL" restart_in="0.5 s"' in said.getvalue()


def test_pauses_grow_while_a_child_keeps_dying(supervisor: Supervisor, said: io.StringIO) -> None:
    supervisor.start([_spec("broken", "raise SystemExit(3)")], os.environ)
    _until(lambda: said.getvalue().count("exit code 3") >= 3, supervisor)
    pauses = [line.rsplit("restart_in=", 1)[1] for line in said.getvalue().splitlines() if "restart_in" in line]
    assert pauses[:3] == ['"0.5 s"', '"1 s"', '"2 s"']


def test_workers_stop_before_doors(said: io.StringIO) -> None:
    with supervising(LogSink(said, as_json=False)) as supervisor:
        supervisor.start([_spec("door", _POLITE, StopTier.DOORS), _spec("worker", _POLITE)], os.environ)
        _until(lambda: said.getvalue().count("hello") == 2, supervisor)
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
        supervisor.watch()
        assert supervisor.is_stopping
    goodbyes = [line.split()[1] for line in said.getvalue().splitlines() if line.endswith("bye")]
    assert goodbyes == ["worker", "door"]


def test_a_second_request_to_stop_loses_patience(said: io.StringIO) -> None:
    begun = time.monotonic()
    with supervising(LogSink(said, as_json=False)) as supervisor:
        supervisor.start([_spec("deaf", _DEAF)], os.environ)
        _until(lambda: "deaf" in said.getvalue(), supervisor)
        for after in (0.1, 0.6):
            threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)).start()
        supervisor.watch()
    assert time.monotonic() - begun < 8
    assert "killed name=deaf" in said.getvalue()


def test_leftovers_of_a_dead_leader_are_removed(supervisor: Supervisor, said: io.StringIO) -> None:
    """A web server killed with -9 leaves its workers behind; they would keep its port."""
    supervisor.start([_spec("leader", _LEADER)], os.environ)
    _until(lambda: "pid" in said.getvalue(), supervisor)
    orphan = int(said.getvalue().split("pid")[1].split()[0])
    os.kill(_pid(supervisor), signal.SIGKILL)
    _until(lambda: not is_alive(orphan), supervisor)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no parent death signal")
def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import os, sys
        from webapp.stack.logs import LogSink
        from webapp.stack.processes import ProcessSpec, StopTier
        from webapp.stack.supervisor import Supervisor
        with Supervisor(LogSink(as_json=False)) as supervisor:
            child = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(60)"
            supervisor.start([ProcessSpec("child", "child", (sys.executable, "-c", child), StopTier.WORKERS)], os.environ)
            supervisor.watch()
        """
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline().split()[-1])
        assert is_alive(child)
        parent.kill()
    deadline = time.monotonic() + 10
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(child)
