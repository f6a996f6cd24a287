"""Reading with a history: every filter of the log, one message, figures and pages, in a tenant with a thousand bridges.

Over HTTP, one request at a time, from the first byte sent to the last read; beside them the time of a bare look-up by primary key in the same database.
"""

from __future__ import annotations

import http.client
import statistics
import time
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from bench.browser import Dashboard
from bench.history import Written, write_history
from bench.machine import NotReady
from bench.plan import Plan
from bench.report import Row

_USUAL, _FULL, _QUICK = 1_000_000, 10_000_000, 60_000
_WARM, _ROUNDS = 3, 40
_LOOK_UP = "select state from recipients where id = %s"


def reading(plan: Plan) -> list[Row]:
    """A row a question: p50 and p95, the goal of the p95, and how many times a look-up that is."""
    stack = plan.stack
    with plan.processes("web"):
        with stack.database() as connection:
            connection.autocommit = True
            size = _QUICK if plan.quick else _FULL if plan.full else _USUAL
            written = write_history(connection, stack.tenant.tenant_id, stack.tenant.pool_id, size)
            plan.note(f"{written.recipients:,} recipients are written")
            bare = _timed(lambda: connection.execute(_LOOK_UP, (written.recipient_id,)).fetchone())
            plan.note(f"look-up by primary key: {bare[0]:.2f} ms, p95 {bare[1]:.2f} ms")
        api = _Api(stack.url, stack.tenant.api_key)
        rows = [_row(plan, name, api.asker(path), goal, bare[0]) for name, path, goal in _questions(written)]
        board = Dashboard(stack.url, stack.tenant.email, stack.tenant.password, "/")
        board.open()
        rows += [_row(plan, f"page {path}", lambda path=path: board.fetch(path), 60, bare[0]) for path in _pages(written)]  # type: ignore[misc]
    return rows


def _questions(written: Written) -> list[tuple[str, str, float]]:
    """Name, path and goal in milliseconds."""
    filters: list[dict[str, str]] = [
        {}, {"page": "20"}, {"sort": "created_at"}, {"status": "delivered"}, {"status": "sent"}, {"status": "bounced"}, {"status": "failed"},
        {"status": "queued"}, {"status": "deferred"}, {"status": "opened"}, {"status": "clicked"}, {"status": "complained"}, {"status": "cancelled"},
        {"bridge": written.big_bridge}, {"bridge": written.small_bridge}, {"bridge": written.small_bridge, "status": "bounced"},
        {"bridge": written.big_bridge, "status": "bounced"}, {"domain": "bench.example.com"}, {"domain": "rare.bench.example.com"},
        {"domain": "absent.example"}, {"tag": "all"}, {"tag": "rare"}, {"tag": "absent"}, {"tag": "all", "status": "bounced"},
        {"provider": "google"}, {"provider": "rare.example"}, {"provider": "absent"}, {"sender": "shop@bench.example.com"},
        {"sender": "rare@rare.bench.example.com"}, {"recipient": written.address}, {"recipient": "@gmail.com"}, {"recipient": "@absent.example"},
        {"subject": "order"}, {"subject": "needle"}, {"template": "template-15"}, {"template": "rare"}, {"error_class": "hard.user"},
        {"error_class": "hard.domain"}, {"search": "example.com", "status": "sent"}, {"search": written.address}, {"search": written.message_id},
        {"search": "needle"}, {"mode": "sandbox"}, {"from": "2000-01-01T00:00:00Z", "to": "2000-02-01T00:00:00Z"},
    ]  # fmt: skip
    found = [(f"logs ?{urlencode(one)[:44]}", f"/api/v1/logs?{urlencode(one)}", 60.0) for one in filters]
    one = [("one log row", f"/api/v1/logs/{written.recipient_id}", 15.0), ("one message", f"/api/v1/email/{written.message_id}", 15.0)]
    bridge, span = f"/api/v1/bridges/{written.big_bridge}/stats", "timezone=Europe/Berlin"
    figures = [
        ("stats, one bridge, 30 days", f"{bridge}?days=30", 30.0), ("stats, one bridge, days of Berlin", f"{bridge}?days=30&{span}", 30.0),
        ("stats, tenant, compared", "/api/v1/stats?days=30&compare=true", 30.0), ("sent by bridge", "/api/v1/metrics/sent?split=bridge", 60.0),
        ("open rate by provider", f"/api/v1/metrics/open_rate?split=provider&{span}", 60.0),
    ]  # fmt: skip
    return found + one + figures


def _pages(written: Written) -> list[str]:
    bridge = written.big_bridge
    return [
        "/", "/?days=90", "/messages/", "/messages/?state=bounced", f"/messages/?bridge={bridge}", "/messages/?q=needle", f"/messages/{written.message_id}",
        "/bridges/", "/bridges/figures", f"/bridges/{bridge}", f"/bridges/{bridge}/figures", "/reports/",
        "/reports/?split=bridge&compare=1", "/search/?q=needle",
        "/pools/", "/domains/", "/suppressions/", "/activity/", "/templates/",
    ]  # fmt: skip


def _row(plan: Plan, name: str, ask: Callable[[], object], goal: float, bare: float) -> Row:
    middle, late = _timed(ask)
    plan.note(f"{name}: p50 {middle:.1f} ms, p95 {late:.1f} ms")
    return Row(name, f"p50 {middle:.1f}, p95 {late:.1f} ms", f"{bare:.2f} ms look-up", f"{middle / bare:.0f} x", f"p95 <= {goal:g} ms", late <= goal)


def _timed(ask: Callable[[], object]) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds."""
    for _ in range(_WARM):
        ask()
    times = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        ask()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times), statistics.quantiles(times, n=20)[18]


class _Api:
    """One kept connection with the key."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        self._headers = {"Authorization": f"Bearer {key}"}

    def asker(self, path: str) -> Callable[[], bytes]:
        """A function that asks for that path. It raises ``NotReady`` for any answer but 200."""

        def ask() -> bytes:
            self._connection.request("GET", path, headers=self._headers)
            response = self._connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise NotReady(f"{path} was answered with {response.status}: {body[:200]!r}")
            return body

        return ask
