"""Pixel and click, each kept as an event, beside a bare Flask hello-world under the same server.

The events wait in the stream while the door is measured, as they do while the worker is busy; afterwards the worker writes them and they are counted.
"""

from __future__ import annotations

import time
from collections import defaultdict

from bench.loads import gets, hammer
from bench.machine import NotReady
from bench.peers import web
from bench.plan import Plan
from bench.report import Row, at_least, kept
from webapp.tracking.stream import HITS

_CONNECTIONS = 32
_READERS = 1000
_KINDS = {"pixel": "email.opened", "click": "email.clicked"}
_PATIENCE = 300.0


def hits(plan: Plan) -> list[Row]:
    """Requests a second, and that none was lost."""
    rates: dict[str, list[float]] = defaultdict(list)
    answered: dict[str, int] = defaultdict(int)
    tenant = plan.stack.tenant
    plan.stack.call("bench.fill", str(_READERS), "--tenant", tenant.tenant_id, "--bridge", tenant.tracked_bridge, "--run", plan.run_name())
    paths: dict[str, list[str]] = plan.stack.call("bench.paths", str(_READERS))
    before = {kind: _events(plan, kind) for kind in _KINDS}
    with plan.processes("web"):
        for kind in _KINDS:
            answered[kind] += _measure(plan, kind, plan.stack.url, paths[kind], 1)[1]
        for _ in range(plan.rounds):
            with web.hello(plan.stack) as url:
                _measure(plan, "hello, warming", url, ["/"], 1)
                rates["hello"].append(_measure(plan, "hello", url, ["/"], plan.seconds)[0])
            for kind in _KINDS:
                rate, total = _measure(plan, kind, plan.stack.url, paths[kind], plan.seconds)
                rates[kind].append(rate)
                answered[kind] += total
    _write_events(plan)
    slack = _CONNECTIONS * (plan.rounds + 1)
    rows = [at_least(f"{kind}, event kept", rates[kind], rates["hello"], 1.0, name="Flask hello") for kind in _KINDS]
    return rows + [kept(f"{kind}, events written", _events(plan, kind) - before[kind], answered[kind], slack=slack) for kind in _KINDS]


def _events(plan: Plan, kind: str) -> int:
    return plan.stack.count(f"select count(*) from events where type = '{_KINDS[kind]}'")


def _measure(plan: Plan, name: str, url: str, paths: list[str], seconds: int) -> tuple[float, int]:
    run = hammer(url, seconds, _CONNECTIONS, gets(paths))
    if run.bad:
        raise NotReady(f"{name}: {run.bad} of {run.total} requests were refused or cut off")
    plan.note(f"{name}: {run.rate:,.0f}/s, p99 {run.p99:.1f} ms")
    return run.rate, run.total


def _write_events(plan: Plan) -> None:
    broker = plan.stack.broker()
    waiting = broker.xlen(HITS)
    start, used = time.monotonic(), plan.stack.cpu()
    with plan.processes("default", "ticker"):
        while broker.xlen(HITS):
            if time.monotonic() - start > _PATIENCE:
                raise NotReady(f"{broker.xlen(HITS)} hits are still in the stream after {_PATIENCE:.0f} s")
            time.sleep(0.2)
    seconds = time.monotonic() - start
    plan.note(f"{waiting} hits became events in {seconds:.1f} s, CPU {(plan.stack.cpu() - used) * 1000 / max(1, int(str(waiting))):.2f} s per 1000")
