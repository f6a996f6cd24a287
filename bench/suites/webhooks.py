"""Events to webhooks: fanned out, signed, posted and written down, while a second endpoint hangs; beside a bare aiohttp client and the same receiver.

The clock runs from the commit of the events until the healthy endpoint has them all. The hanging one gets every event too.
"""

from __future__ import annotations

import statistics
import sys
import time
import urllib.request

from bench.children import Child
from bench.machine import NotReady, free_port
from bench.place import VAR
from bench.plan import Plan
from bench.report import Row, figure

_GOAL = 1000.0
_COUNT = 20_000
_WARM = 200
_PATIENCE = 180.0
_GROUPS = ("default", "webhooks", "ticker")
_LEFT = "select count(*) from webhook_queue q join webhook_endpoints e on e.id = q.endpoint_id where e.url like '%/ok'"


def webhooks(plan: Plan) -> list[Row]:
    """Deliveries a second to an endpoint that answers, and CPU for 1,000 of them."""
    port = free_port()
    sink = Child([sys.executable, "-m", "bench.web_sink", "--port", port], VAR / "logs" / "web_sink.log")
    try:
        sink.wait_for(port)
        return _measure(plan, port)
    finally:
        sink.stop()


def _measure(plan: Plan, port: int) -> list[Row]:
    ours, limits, costs = list[float](), list[float](), list[float]()
    count = plan.messages(_COUNT)
    for _ in range(plan.rounds):
        said = plan.stack.call("bench.web_client", "--url", f"http://127.0.0.1:{port}/ok", "--count", str(count))
        limits.append(count / said["seconds"])
        plan.note(f"bare client: {limits[-1]:,.0f}/s, {said['cpu'] * 1000 / count:.2f} s of CPU per 1000")
        plan.stack.call("bench.hooks", "--tenant", plan.stack.tenant.tenant_id, "--port", str(port))
        with plan.processes(*_GROUPS):
            _send(plan, port, _WARM)
            plan.stack.settle()
            before = plan.stack.cpu_by_kind()
            seconds = _send(plan, port, count)
            after = plan.stack.cpu_by_kind()
            ours.append(count / seconds)
            costs.append(sum(after[kind] - before.get(kind, 0.0) for kind in after) * 1000 / count)
            plan.note(f"webhooks: {ours[-1]:,.0f}/s")
            plan.note_cpu(before, count)
    middle, limit = statistics.median(ours), statistics.median(limits)
    goal = middle >= _GOAL
    return [
        Row("webhooks, one endpoint hanging", figure(ours, "/s"), f"{figure(limits, '/s')} bare client", f"{middle / limit:.2f} x", f">= {_GOAL:,.0f}/s", goal),
        Row("webhooks, CPU per 1000, all processes", figure(costs, " s"), "-", "-", "-", None),
    ]


def _send(plan: Plan, port: int, count: int) -> float:
    """Seconds from the commit of ``count`` events until the healthy endpoint has taken them all. Raises ``NotReady`` when one is missing or left over."""
    tenant, before = plan.stack.tenant, _answered(port)
    said = plan.stack.call("bench.fill", str(count), "--tenant", tenant.tenant_id, "--bridge", tenant.plain_bridge, "--run", plan.run_name())
    deadline = time.monotonic() + _PATIENCE
    while (taken := _answered(port) - before) < count:
        if time.monotonic() > deadline:
            raise NotReady(f"only {taken} of {count} deliveries came in {_PATIENCE:.0f} s")
        time.sleep(0.1)
    ended = time.monotonic()
    plan.stack.empty_queue()
    plan.stack.wait_for(_LEFT, 0, 30)
    return ended - float(said["start"])


def _answered(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/count", timeout=10) as answer:
        return int(answer.read())
