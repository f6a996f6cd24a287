"""How soon mail leaves when nothing else is going on: from the answer of the API until the receiver has the message."""

from __future__ import annotations

import json
import statistics
import time
import urllib.request

from bench import mail
from bench.plan import Plan
from bench.report import Row, below

_GOAL_MS = 150
_PAUSE = 0.2


def first_attempt(plan: Plan) -> list[Row]:
    """Single messages with a pause between them; the 95th percentile of each round."""
    count = 20 if plan.quick else 100
    with plan.processes("web", "delivery", "default", "ticker"):
        _delays(plan, 10)
        rounds = [_delays(plan, count) for _ in range(plan.rounds)]
    worst = [statistics.quantiles(delays, n=20)[-1] for delays in rounds]
    for delays, p95 in zip(rounds, worst, strict=True):
        plan.note(f"accepted to received: median {statistics.median(delays):.0f} ms, p95 {p95:.0f} ms")
    return [below("API answer to received, idle, p95", worst, _GOAL_MS, unit=" ms")]


def _delays(plan: Plan, count: int) -> list[float]:
    run = plan.run_name()
    delays = []
    for number in range(count):
        plan.sink.expect(1)
        _send(plan, mail.recipient(number, run).decode())
        answered = time.monotonic()
        delays.append(max(0.0, plan.sink.wait(30).last - answered) * 1000)
        time.sleep(_PAUSE)
    return delays


def _send(plan: Plan, to: str) -> None:
    body = {"from": mail.SENDER, "to": to, "subject": "Your code", "text": "123456"}
    headers = {"Authorization": f"Bearer {plan.stack.tenant.plain_token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{plan.stack.url}/api/v1/email/send", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()
