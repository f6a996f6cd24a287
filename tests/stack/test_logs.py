"""Many processes, one readable stream."""

from __future__ import annotations

import io
import json

import pytest

from webapp.stack.logs import LogSink, parse


def _text(process: str, line: str, *, verbose: bool = False) -> str:
    out = io.StringIO()
    LogSink(out, as_json=False, verbose=verbose).line(process, line)
    return out.getvalue()


def test_json_becomes_one_readable_line() -> None:
    line = json.dumps({"event": "sent", "level": "info", "timestamp": "2026-01-02T03:04:05Z", "to": "a b", "count": 3})
    assert _text("delivery-1", line).split(maxsplit=1)[1].rstrip() == 'delivery-1 info    sent to="a b" count=3'


def test_an_exception_stands_below_its_line() -> None:
    shown = _text("web", json.dumps({"event": "failed", "level": "error", "exception": "Traceback\n  ValueError"}))
    assert shown.endswith("failed\n    Traceback\n      ValueError\n")


@pytest.mark.parametrize("hostile", ["\x1b]0;title\x07", "\x9b31m", "a\rb", "\u202eevil"])
def test_no_byte_from_outside_commands_the_terminal(hostile: str) -> None:
    for line in (json.dumps({"event": hostile, "value": hostile}), f"plain {hostile}"):
        assert not set(_text("web", line)) & set("\x1b\x07\x9b\r\u202e")


@pytest.mark.parametrize(
    ("process", "line", "level"),
    [
        ("postgres", "LOG:  database system is ready to accept connections", "debug"),
        ("postgres", "FATAL:  the database system is starting up", "debug"),
        ("postgres", "PANIC:  could not write to file", "critical"),
        ("valkey", "14233:M 21 Nov 2026 06:59:14.857 # WARNING Memory overcommit must be enabled!", "debug"),
        ("valkey", "14233:M 21 Nov 2026 06:59:14.857 # Can't open the append-only file", "warning"),
        ("web", "[ERROR] Unexpected exit from worker-1", "error"),
        ("web", "{not json", "info"),
        ("web", "[1, 2]", "info"),
    ],
)
def test_foreign_lines_get_a_level(process: str, line: str, level: str) -> None:
    assert parse(process, line)["level"] == level


def test_debug_is_shown_on_request_only() -> None:
    line = "LOG:  database system is ready to accept connections"
    assert _text("postgres", line) == ""
    assert "ready to accept" in _text("postgres", line, verbose=True)


def test_elsewhere_than_a_terminal_it_stays_json() -> None:
    out = io.StringIO()
    sink = LogSink(out, as_json=True)
    sink.line("web", "Traceback (most recent call last):")
    sink.line("web", json.dumps({"event": "x", "level": "info", "process": "claimed"}))
    first, second = map(json.loads, out.getvalue().splitlines())
    assert first["process"] == second["process"] == "web"
    assert first["event"].startswith("Traceback")
