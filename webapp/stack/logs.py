"""One readable stream out of the logs of many processes.

Children log one JSON object a line. A terminal gets `time process level event key=value`; anything else gets the
JSON with the process's name in it. Lines that are not JSON (the engines, a crash) are shown as they are.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from collections.abc import Callable
from typing import Any, TextIO

_COLOURS = (36, 32, 35, 34, 33, 96, 92, 95, 94, 93)
_LEVEL_COLOUR = {"warning": 33, "error": 31, "critical": 31}
_HIDDEN = {"debug"}
_SHOWN_ELSEWHERE = {"event", "level", "timestamp", "process", "exception", "logger"}
# What people outside wrote ends up in logs: no byte of it may command the terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_POSTGRES = re.compile(r"(DEBUG\d|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|STATEMENT|CONTEXT):\s+(.*)")
_VALKEY = re.compile(r"\d+:[A-Z] \d+ \w+ \d{4} [\d:.]+ ([.\-*#]) (.*)|\d+:signal-handler \(\d+\) (.*)")
_GRANIAN = re.compile(r"\[(DEBUG|INFO|WARNING|ERROR|CRITICAL)\] (.*)")
# True, harmless, and said at every start: a client that asks too early, advice about the kernel of a server farm.
_NOISE = re.compile(
    r"the database system is (starting up|shutting down|not yet accepting|in recovery)|terminating connection due to"
    r"|overcommit|ready to exit|Configuration allows spawning"
)
_POSTGRES_LEVEL = {"WARNING": "warning", "ERROR": "error", "FATAL": "warning", "PANIC": "critical"}


def parse(process: str, line: str) -> dict[str, Any]:
    """One line of a child as a record with at least `event`, `level` and `process`."""
    if line.startswith("{"):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if isinstance(record, dict):
            return {"event": "", "level": "info", **record, "process": process}
    level, event = _plain(process, line)
    return {"event": event, "level": level, "process": process, "timestamp": dt.datetime.now(dt.UTC).isoformat()}


def _plain(process: str, line: str) -> tuple[str, str]:
    if process == "postgres" and (found := _POSTGRES.fullmatch(line)):
        return _quiet(_POSTGRES_LEVEL.get(found[1], "debug"), found[2])
    if process == "valkey" and (found := _VALKEY.fullmatch(line)):
        return _quiet("warning" if found[1] == "#" else "debug", found[2] or found[3])
    if found := _GRANIAN.fullmatch(line):
        return _quiet("debug" if found[1] == "INFO" else found[1].lower(), found[2])
    return "info", line


def _quiet(level: str, event: str) -> tuple[str, str]:
    return "debug" if _NOISE.search(event) else level, event


class LogSink:
    """Writes lines of all processes to one stream, as text or JSON."""

    def __init__(self, stream: TextIO | None = None, *, as_json: bool, colour: bool = False, verbose: bool = False) -> None:
        self._stream = stream or sys.stdout
        self._render: Callable[[dict[str, Any]], str] = self._json if as_json else self._text
        self._colour = colour
        self._verbose = verbose
        self._width = 10
        self._names: list[str] = []

    def line(self, process: str, line: str) -> None:
        """Write one line that a child said."""
        if line.strip():
            self._emit(parse(process, line))

    def say(self, event: str, level: str = "info", **values: Any) -> None:
        """Write one line of the supervisor's own."""
        self._emit({"event": event, "level": level, "process": "up", "timestamp": dt.datetime.now(dt.UTC).isoformat(), **values})

    def plain(self, text: str) -> None:
        """Write text as it is (the banner)."""
        self._stream.write(text + "\n")
        self._stream.flush()

    def _emit(self, record: dict[str, Any]) -> None:
        if self._verbose or record["level"] not in _HIDDEN:
            self.plain(self._render(record))

    def _json(self, record: dict[str, Any]) -> str:
        return json.dumps(record, default=str, ensure_ascii=True)

    def _text(self, record: dict[str, Any]) -> str:
        process, level = str(record["process"]), str(record["level"])
        self._width = max(self._width, len(process))
        values = " ".join(f"{key}={_value(value)}" for key, value in record.items() if key not in _SHOWN_ELSEWHERE)
        head = f"{_clock(record.get('timestamp'))} {self._paint(process.ljust(self._width), self._colour_of(process))} "
        text = f"{head}{self._paint(level.ljust(7), _LEVEL_COLOUR.get(level, 0))} {_clean(str(record['event']))} {self._paint(values, 2)}".rstrip()
        if record.get("exception"):
            text += "\n" + "\n".join(f"    {_clean(line)}" for line in str(record["exception"]).splitlines())
        return text

    def _colour_of(self, process: str) -> int:
        kind = process.partition("-")[0]
        if kind not in self._names:
            self._names.append(kind)
        return _COLOURS[self._names.index(kind) % len(_COLOURS)]

    def _paint(self, text: str, code: int) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and code and text else text


def _clock(timestamp: object) -> str:
    try:
        return dt.datetime.fromisoformat(str(timestamp).replace("Z", "+00:00")).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return dt.datetime.now().astimezone().strftime("%H:%M:%S")


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    text = _clean(text).replace("\n", "\\n")
    return f'"{text}"' if " " in text and isinstance(value, str) else text


def _clean(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
