"""Accepting mail over HTTP: 10 kB of JSON, an API key, an idempotency key of its own for every request, answered after the commit.

Nobody delivers meanwhile, neither ours nor the peers': accepting is what is compared. All run under the same server with the same flags.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager

from bench import mail
from bench.loads import Hammered, hammer, posts
from bench.machine import NotReady
from bench.peers import web
from bench.peers.packages import Missing
from bench.plan import Plan
from bench.report import Row, at_least, below, kept, skipped
from bench.stack import Stack

CONNECTIONS = 32
_BATCH, _BATCH_CONNECTIONS = 100, 4
_SEND = "/api/v1/email/send"
_PEERS: dict[str, Callable[[Stack], AbstractContextManager[str]]] = {"Flask+RQ by hand": web.by_hand, "django-post-office": web.post_office}
_GOALS = {"Flask+RQ by hand": 1.0, "django-post-office": 1.8}


def _body() -> dict[str, str]:
    return {
        "from": mail.SENDER, "to": f"reader@{mail.RECIPIENT_DOMAIN}", "subject": "Your order", "html": mail.html(7200), "text": mail.text(2800),
    }  # fmt: skip


def accept(plan: Plan) -> list[Row]:
    """Single messages, beside an application written by hand and django-post-office."""
    rates: dict[str, list[float]] = defaultdict(list)
    ours: list[Hammered] = []
    missing: dict[str, str] = {}
    answered = 0
    with plan.processes("web"):
        _ours(plan, 1)
        before = plan.stack.count("select count(*) from messages")
        for _ in range(plan.rounds):
            for name, peer in _PEERS.items():
                if name not in missing:
                    _peer(plan, name, peer, rates[name], missing)
            ours.append(_ours(plan, plan.seconds))
            answered += ours[-1].total
        stored = plan.stack.count("select count(*) from messages") - before
    plan.stack.empty_queue()
    rows = [
        skipped(f"API accept, {name}", missing[name])
        if name in missing
        else at_least("API accept 10 kB, durable", [run.rate for run in ours], rates[name], goal, name=name)
        for name, goal in _GOALS.items()
    ]
    rows.append(below(f"API accept, p99 at {CONNECTIONS} connections", [run.p99 for run in ours], 50, unit=" ms"))
    rows.append(kept("API accept, answered and stored", stored, answered, slack=CONNECTIONS * plan.rounds))
    return rows


def batch(plan: Plan) -> list[Row]:
    """A hundred messages a request, beside single ones."""
    single: list[float] = []
    many: list[float] = []
    with plan.processes("web"):
        _ours(plan, 1)
        for _ in range(plan.rounds):
            single.append(_ours(plan, plan.seconds).rate)
            many.append(_ours_batch(plan).rate * _BATCH)
    plan.stack.empty_queue()
    return [at_least(f"batch of {_BATCH}, messages", many, single, 2.5, name="single")]


def _headers(plan: Plan) -> dict[str, str]:
    return {"Authorization": f"Bearer {plan.stack.tenant.api_key}"}


def _ours(plan: Plan, seconds: int) -> Hammered:
    return _measure(plan, "ours", plan.stack.url + _SEND, _SEND, seconds, json.dumps(_body(), ensure_ascii=False))


def _ours_batch(plan: Plan) -> Hammered:
    path = _SEND + "/batch"
    document = json.dumps({"emails": [_body()] * _BATCH}, ensure_ascii=False)
    return _measure(plan, "ours, batch", plan.stack.url + path, path, plan.seconds, document, connections=_BATCH_CONNECTIONS)


def _peer(plan: Plan, name: str, peer: Callable[[Stack], AbstractContextManager[str]], rates: list[float], missing: dict[str, str]) -> None:
    try:
        with peer(plan.stack) as url:
            body = json.dumps(_body(), ensure_ascii=False)
            _measure(plan, f"{name}, warming", url, "/send", 1, body)
            rates.append(_measure(plan, name, url, "/send", plan.seconds, body).rate)
    except Missing as error:
        missing[name] = str(error)


def _measure(plan: Plan, name: str, url: str, path: str, seconds: int, body: str, *, connections: int = CONNECTIONS) -> Hammered:
    plan.stack.settle()
    kinds = plan.stack.cpu_by_kind()
    run = hammer(url, seconds, connections, posts(path, body, _headers(plan)))
    if run.bad:
        raise NotReady(f"{name}: {run.bad} of {run.total} requests were refused or cut off")
    plan.note(f"{name}: {run.rate:,.0f}/s, p99 {run.p99:.0f} ms")
    plan.note_cpu(kinds, max(1, run.total))
    return run
