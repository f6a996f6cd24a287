"""Starts everything, keeps it running, stops it in order.

One thread and one loop: output of the children, deaths and signals all wake the same selector, so nothing here
needs a lock and forking stays safe.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

from webapp.settings import ROOT
from webapp.stack import children
from webapp.stack.children import Output
from webapp.stack.engines import START_PATIENCE, Engine
from webapp.stack.errors import StackError
from webapp.stack.logs import LogSink
from webapp.stack.processes import ProcessSpec, StopTier
from webapp.stack.watched import Watched

# Seconds each step of the stop may take; together under 30.
_STOP_PATIENCE = {StopTier.WORKERS: 10.0, StopTier.DOORS: 8.0}
_ENGINE_PATIENCE = 8.0
_TICK = 0.25
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """Somebody asked us to stop while we were starting."""


class Supervisor:
    """The parent of all processes. Use as a context manager: leaving it stops whatever was started, in order."""

    def __init__(self, sink: LogSink) -> None:
        self._sink = sink
        self._selector = selectors.DefaultSelector()
        self._engines: list[tuple[Engine, Watched]] = []
        self._watched: list[tuple[ProcessSpec, Watched]] = []
        self._stop_requests = 0
        self._before: dict[signal.Signals, Any] = {}
        self._wake_reader, self._wake_writer = os.pipe()

    def __enter__(self) -> Supervisor:
        for end in (self._wake_reader, self._wake_writer):
            os.set_blocking(end, False)
        self._selector.register(self._wake_reader, selectors.EVENT_READ, lambda: os.read(self._wake_reader, 4096))
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake the loop
        for number in _STOP_SIGNALS:
            # Started with `&` by a script, SIGINT comes ignored, yet whoever sends it means it; nohup stays nohup.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._on_stop_signal)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_everything()
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._selector.close()
        os.close(self._wake_reader)
        os.close(self._wake_writer)

    def _on_stop_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_requests += 1

    @property
    def is_stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._stop_requests > 0

    # -- starting

    def start_engine(self, engine: Engine, stop_signal: signal.Signals = signal.SIGTERM) -> None:
        """Start an engine and return when it can be used; from then on it is restarted when it dies.

        Raises StackError when it ends or never answers, Stopped when a stop is asked for meanwhile.
        """

        def launch(output: Output) -> subprocess.Popen[bytes]:
            engine.launch(output)
            assert engine.process is not None
            return engine.process

        watched = Watched(engine.name, launch, self._sink, self._selector, stop_signal=stop_signal)
        self._engines.append((engine, watched))
        watched.start()
        deadline = time.monotonic() + START_PATIENCE
        while not engine.answers():
            self._pump(0.05)
            if not watched.is_running:
                self._pump(0.2)
                raise StackError(f"{engine.name} ended while starting; what it said stands above.")
            if time.monotonic() > deadline:
                raise StackError(f"{engine.name} did not answer within {START_PATIENCE:.0f} s.")
        engine.prepare()

    def run_once(self, name: str, argv: Sequence[str], env: Mapping[str, str]) -> int:
        """Run one program to its end, its lines in the log; its exit code. Raises Stopped when a stop is asked for."""
        running: list[subprocess.Popen[bytes]] = []

        def launch(output: Output) -> subprocess.Popen[bytes]:
            running.append(children.spawn(argv, output=output, env=env, cwd=ROOT))
            return running[0]

        Watched(name, launch, self._sink, self._selector).start()
        try:
            while running[0].poll() is None:
                self._pump(_TICK)
        except Stopped:
            children.stop(running[0], signal.SIGTERM, patience=5)
            raise
        self._pump(0.05)
        return running[0].returncode

    def start(self, table: Iterable[ProcessSpec], env: Mapping[str, str]) -> None:
        """Start the processes of the table and watch them from now on."""
        for spec in table:
            watched = Watched(spec.name, _starter(spec, env), self._sink, self._selector)
            self._watched.append((spec, watched))
            watched.start()

    def wait_until_ready(self, note_after: float = 20.0) -> None:
        """Return when every door answers. Says every `note_after` seconds what is still missing; raises Stopped."""
        note_at = time.monotonic() + note_after
        waiting = [(spec, watched) for spec, watched in self._watched]
        while waiting:
            waiting = [(spec, watched) for spec, watched in waiting if not _is_ready(spec, watched)]
            self._pump(0.2)
            self._look()
            if waiting and time.monotonic() > note_at:
                self._sink.say("still_waiting", "warning", processes=", ".join(spec.name for spec, _ in waiting))
                note_at += note_after

    def watch(self) -> None:
        """Keep everything running until a stop is asked for."""
        with contextlib.suppress(Stopped):
            while True:
                self._pump(_TICK)
                self._look()

    def _look(self) -> None:
        for engine, watched in self._engines:
            if not watched.is_running:
                engine.process = None
            watched.look()
        for _, watched in self._watched:
            watched.look()

    def _pump(self, patience: float, *, raise_stop: bool = True) -> None:
        """Handle what children said, waiting at most `patience` seconds for more."""
        for key, _ in self._selector.select(patience):
            key.data()
        if raise_stop and self.is_stopping:
            raise Stopped

    # -- stopping

    def _stop_everything(self) -> None:
        if self._watched or self._engines:
            self._sink.say("stopping")
        asked = self._stop_requests
        for tier, patience in _STOP_PATIENCE.items():
            self._stop([watched for spec, watched in self._watched if spec.tier == tier], patience, asked)
        # Engines in the opposite order of their start; PostgreSQL, the truth, goes last.
        for _, watched in reversed(self._engines):
            self._stop([watched], _ENGINE_PATIENCE, asked + 1)
        self._drain()
        if self._watched or self._engines:
            self._sink.say("stopped")

    def _stop(self, group: list[Watched], patience: float, asked: int) -> None:
        for watched in group:
            watched.ask_to_stop()
        deadline = time.monotonic() + patience
        while (alive := [watched for watched in group if watched.is_running]) and time.monotonic() < deadline:
            if self._stop_requests > asked:  # a second Ctrl-C: no more patience
                break
            self._pump(0.05, raise_stop=False)
        for watched in alive:
            self._sink.say("killed", "warning", name=watched.name, reason="did not stop in time")
        for watched in group:
            watched.kill()
            if watched.process is not None:
                watched.process.wait()

    def _drain(self) -> None:
        end = time.monotonic() + 0.5
        while len(self._selector.get_map()) > 1 and time.monotonic() < end:
            self._pump(0.05, raise_stop=False)


def _starter(spec: ProcessSpec, env: Mapping[str, str]) -> Callable[[Output], subprocess.Popen[bytes]]:
    return lambda output: children.spawn(spec.argv, output=output, env={**env, "POSTBRIDGE_PROCESS": spec.name}, cwd=ROOT)


def _is_ready(spec: ProcessSpec, watched: Watched) -> bool:
    if not watched.is_running:
        return False
    if not spec.listeners:
        return True
    first = spec.listeners[0]
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(first.host, first.host)
    try:
        if spec.health_path:
            return _answers_http(host, first.port, spec.health_path)
        with socket.create_connection((host, first.port), timeout=0.5) as connection:
            return connection.recv(4).startswith(b"220")
    except (OSError, http.client.HTTPException):
        return False


def _answers_http(host: str, port: int, path: str) -> bool:
    with contextlib.closing(http.client.HTTPConnection(host, port, timeout=3)) as connection:
        connection.request("GET", path)
        return connection.getresponse().status < 500


@contextlib.contextmanager
def supervising(sink: LogSink) -> Iterator[Supervisor]:
    """A supervisor for a `with` block; a stop asked for while starting ends the block quietly."""
    with Supervisor(sink) as supervisor:
        try:
            yield supervisor
        except Stopped:
            return
