"""Load generators as the measurements call them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from bench.machine import NotReady
from bench.peers.packages import program
from webapp.settings import ROOT


@dataclass(frozen=True, slots=True)
class SmtpTarget:
    """An SMTP server to load. ``user``: ``name:password``; None: it asks for no login."""

    port: int
    user: str | None = None
    starttls: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """``start``: monotonic time of the first connection. Every message was answered with 250."""

    start: float
    seconds: float
    messages: int

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds


def send_by_smtp(target: SmtpTarget, messages: int, run: str, *, per_connection: int, sessions: int = 20) -> Sent:
    """Load a server until all messages are answered. Raises ``NotReady`` when one is refused or the time is out."""
    words = ["--port", str(target.port), "-n", str(messages), "--run", run, "--per-connection", str(per_connection), "--sessions", str(sessions)]
    words += ["--user", target.user] if target.user else []
    words += ["--starttls"] if target.starttls else []
    done = subprocess.run([sys.executable, "-m", "bench.load_smtp", *words], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise NotReady(f"the SMTP load failed: {' '.join(done.stderr.strip().splitlines()[-1:])}")
    said = json.loads(done.stdout)
    if said["codes"] != {"250": messages}:
        raise NotReady(f"not every message was taken: {said['codes']}")
    return Sent(said["start"], said["seconds"], messages)


@dataclass(frozen=True, slots=True)
class Hammered:
    """What wrk saw. ``p99`` in milliseconds; ``bad``: answers that were neither 2xx nor 3xx, and broken connections."""

    rate: float
    total: int
    p99: float
    bad: int


_END_OF_HEAD = "\r\n\r\n"
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def hammer(url: str, seconds: int, connections: int, script: str) -> Hammered:
    """Load a web server with wrk (one thread). ``script``: Lua that makes the requests. Raises ``Missing`` and ``NotReady``."""
    wrk = program("wrk", "wrk")
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as file:
        file.write(script)
        file.flush()
        words = [wrk, "-t", "1", "-c", connections, "-d", f"{seconds}s", "--timeout", "10s", "--latency", "-s", file.name, url]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=seconds + 60, check=False)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", done.stdout)
    total = re.search(r"(\d+) requests in", done.stdout)
    if rate is None or p99 is None or total is None:
        raise NotReady(f"wrk said nothing useful: {(done.stderr or done.stdout).strip()[-300:]}")
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", done.stdout)
    failures = (int(bad[1]) if bad else 0) + (sum(map(int, broken.groups())) if broken else 0)
    return Hammered(float(rate[1]), int(total[1]), float(p99[1]) * _UNITS[p99[2]], failures)


def posts(path: str, body: str, headers: Mapping[str, str], *, key: str = "Idempotency-Key") -> str:
    """Lua for posts of one body, each with a ``key`` header of its own. Nothing is built anew but that header, so that wrk costs little."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n{lines}{key}: "
    run = uuid4().hex[:12]
    return f"""
local head, tail = {_lua(head)}, {_lua(f"{_END_OF_HEAD}{body}")}
local n = 0
function request()
  n = n + 1
  return head .. "{run}-" .. n .. tail
end
"""


def gets(paths: Sequence[str]) -> str:
    """Lua for GETs of these paths in turn."""
    requests = ",\n".join(_lua(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Mozilla/5.0 (bench)\r\n\r\n") for path in paths)
    return f"""
local all = {{
{requests}
}}
local n = 0
function request()
  n = n % #all + 1
  return all[n]
end
"""


def _lua(text: str) -> str:
    """A Lua string literal; escapes everything that is not plain."""
    plain = {byte: chr(byte) for byte in range(32, 127) if chr(byte) not in '"\\'}
    return '"' + "".join(plain.get(byte, f"\\{byte:03d}") for byte in text.encode()) + '"'
