"""Memory of one delivery worker that drains one full queue after another: what it holds must not grow with what it has sent.

Different messages of 10 kB, signed and tracked, as in `drain`. The first two steps fill its caches (compiled messages, facts, connections, the heap
of the interpreter); from then on its resident memory may grow by a bound that does not depend on the number of messages.
"""

from __future__ import annotations

from bench.machine import NotReady, resident_mb, tree
from bench.plan import Plan
from bench.report import Row, below
from bench.suites.smtp import wait_until_recorded

_STEP = 10_000
_STEPS, _FULL_STEPS, _QUICK_STEPS = 20, 100, 4
_WARM = 2
#: MB. A leak of one reference a message would be more than this after 100,000.
_BOUND = 12.0
_PATIENCE = 300.0


def memory(plan: Plan) -> list[Row]:
    """Growth of a worker's resident memory over 200,000 messages; over a million with ``--full``."""
    steps = _FULL_STEPS if plan.full else _QUICK_STEPS if plan.quick else _STEPS
    sizes: list[float] = []
    with plan.processes("delivery", "default", "ticker"):
        plan.stack.keep_one("delivery")
        for step in range(1, steps + 1):
            _drain(plan)
            (root,) = plan.stack.pids("delivery")
            sizes.append(max(resident_mb(pid) for pid in tree(root)))
            plan.note(f"{step * plan.messages(_STEP):,} messages: {sizes[-1]:.1f} MB")
    warm = sizes[_WARM - 1]
    growth = max(sizes[_WARM:]) - warm
    work = f"memory of a delivery worker: growth over {(steps - _WARM) * plan.messages(_STEP):,} messages, from {warm:.0f} MB"
    return [below(work, [growth], _BOUND, unit=" MB")]


def _drain(plan: Plan) -> None:
    count = plan.messages(_STEP)
    plan.stack.settle()
    plan.sink.expect(count)
    tenant = plan.stack.tenant
    plan.stack.call("bench.fill", str(count), "--tenant", tenant.tenant_id, "--bridge", tenant.tracked_bridge, "--run", plan.run_name())
    if plan.sink.wait(_PATIENCE).distinct != count:
        raise NotReady(f"memory: not all of {count} messages reached the sink once")
    wait_until_recorded(plan)
