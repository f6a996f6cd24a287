"""Everything runs, nobody sends, five people have a dashboard open: what that costs."""

from __future__ import annotations

import time

from bench.browser import Dashboard
from bench.machine import resident_mb, tree
from bench.plan import Plan
from bench.report import Row, below
from webapp.stack.processes import process_table

_PAGES = ("/", "/messages/", "/bridges/", "/bridges/{bridge}", "/simulator")
_SECONDS = 30


def idle(plan: Plan) -> list[Row]:
    """CPU of all processes and engines as a share of one core, and the memory of a web process."""
    stack = plan.stack
    groups = tuple({spec.group for spec in process_table(stack.settings)})
    with plan.processes(*groups):
        bridge = stack.tenant.tracked_bridge
        dashboards = [Dashboard(stack.url, stack.tenant.email, stack.tenant.password, path.format(bridge=bridge)) for path in _PAGES]
        for dashboard in dashboards:
            dashboard.open()
            plan.note(f"{dashboard.path} polls {', '.join(f'{path} every {every:g} s' for path, every in dashboard.polls.items()) or 'nothing'}")
        _watch(dashboards, 5)
        before, start = stack.cpu(), time.monotonic()
        requests = _watch(dashboards, 10 if plan.quick else _SECONDS)
        share = (stack.cpu() - before) / (time.monotonic() - start) * 100
        # The first process only watches the others.
        memory = max(resident_mb(pid) for root in stack.pids("web") for pid in tree(root)[1:])
        plan.note(f"{requests} polls answered")
    return [below("idle, 5 dashboards, % of one core", [share], 3, unit=" %"), below("memory of a web process", [memory], 150, unit=" MB")]


def _watch(dashboards: list[Dashboard], seconds: float) -> int:
    """Poll as browsers do for that long; the number of polls."""
    end, polls = time.monotonic() + seconds, 0
    while (now := time.monotonic()) < end:
        polls += sum(dashboard.poll_due(now) for dashboard in dashboards)
        time.sleep(0.05)
    return polls
