"""One watched child: started, its lines collected, restarted with a growing pause when it dies."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from typing import IO

from webapp.stack.children import Output, signal_group
from webapp.stack.errors import StackError
from webapp.stack.logs import LogSink

_FIRST_PAUSE = 0.5  # seconds before the first restart; doubled for each further one
_LONGEST_PAUSE = 15.0
_HEALTHY_AFTER = 30.0  # seconds of life after which earlier deaths are forgotten
_LONGEST_LINE = 64 * 1024

Starter = Callable[[Output], subprocess.Popen[bytes]]


class Watched:
    """A child process that is brought back whenever it ends, until :meth:`ask_to_stop`."""

    def __init__(self, name: str, start: Starter, sink: LogSink, selector: selectors.BaseSelector, *, stop_signal: signal.Signals = signal.SIGTERM) -> None:
        self.name = name
        self.restarts = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._start = start
        self._sink = sink
        self._selector = selector
        self._stop_signal = stop_signal
        self._started_at = 0.0
        self._due_at = 0.0
        self._deaths = 0
        self._stopping = False

    def start(self) -> None:
        """Start the child; its output comes through the selector. Raises what the starter raises."""
        reader, writer = os.pipe()
        output = os.fdopen(reader, "rb", buffering=0)
        try:
            with os.fdopen(writer, "wb", buffering=0) as child_end:
                self.process = self._start(child_end)
        except BaseException:
            output.close()
            raise
        self._started_at = time.monotonic()
        os.set_blocking(reader, False)
        self._selector.register(output, selectors.EVENT_READ, _Lines(self.name, self._sink, output, self._selector))

    def look(self) -> None:
        """Notice a death, and start the child again when its pause is over."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self._bury(now)
        if self.process is None and not self._stopping and self._due_at <= now and self._started_at:
            self._restart(now)

    def _restart(self, now: float) -> None:
        self.restarts += 1
        try:
            self.start()
        except (OSError, StackError) as error:  # an engine that cannot start now may in a while
            self._deaths += 1
            self._due_at = now + _LONGEST_PAUSE
            self._sink.say("start_failed", "error", name=self.name, reason=str(error))

    def _bury(self, now: float) -> None:
        assert self.process is not None
        code = self.process.returncode
        signal_group(self.process, signal.SIGKILL)  # what it left behind holds its ports
        self.process = None
        if self._stopping:
            return
        self._deaths = 1 if now - self._started_at > _HEALTHY_AFTER else self._deaths + 1
        pause = min(_FIRST_PAUSE * 2 ** (self._deaths - 1), _LONGEST_PAUSE)
        self._due_at = now + pause
        self._sink.say("process_ended", "warning", name=self.name, reason=_reason(code), restart_in=f"{pause:g} s")

    @property
    def is_running(self) -> bool:
        """Whether the child lives, as far as the last :meth:`look` knows."""
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        """Send the stop signal and never restart again."""
        self._stopping = True
        if self.is_running:
            assert self.process is not None
            self.process.send_signal(self._stop_signal)

    def kill(self) -> None:
        """End the child and all of its children at once."""
        self._stopping = True
        if self.process is not None:
            signal_group(self.process, signal.SIGKILL)


class _Lines:
    """Cuts a child's output into lines. Called when there is something to read; closes itself at the end."""

    def __init__(self, name: str, sink: LogSink, source: IO[bytes], selector: selectors.BaseSelector) -> None:
        self._name = name
        self._sink = sink
        self._source = source
        self._selector = selector
        self._rest = b""

    def __call__(self) -> None:
        try:
            read = os.read(self._source.fileno(), _LONGEST_LINE)
        except BlockingIOError:
            return
        if not read:
            self._selector.unregister(self._source)
            self._source.close()
        *lines, self._rest = (self._rest + read).split(b"\n")
        if len(self._rest) > _LONGEST_LINE or (self._rest and not read):
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._sink.line(self._name, line.decode(errors="replace").rstrip("\r"))


def _reason(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
