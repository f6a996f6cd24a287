"""Fair shares, in seconds: F20 (one tenant's mountain beside another's few), F14 and F21 (a domain, a relay that stands still beside a good one)."""

from __future__ import annotations

import statistics
import time
from uuid import UUID

from tests.chaos.ledger import Figures, wait_until
from tests.chaos.place import DOMAIN, Place, place
from tests.chaos.scenarios import Run
from tests.fixtures import Person, make_tenant
from tests.sinks import SinkOptions, sink_in_thread
from webapp.bridges.service import BridgeInput, create_bridge
from webapp.kernel.addresses import parse_address
from webapp.messages.service import accept
from webapp.messages.types import Door, MessageSubmission, RecipientInput

_WAITS = (
    "select extract(epoch from r.delivered_at - m.created_at) from recipients r join messages m on m.id = r.message_id "
    "where r.tenant_id = %s and r.address like %s and r.delivered_at is not null"
)


def crowd(run: Run) -> Figures:
    """F20: 100,000 of one tenant are queued; another sends one message every quarter of a second. Measure: the 95th percentile of its waits."""
    figures = Figures("F20", "a tenant beside another one's mountain")
    mountain, few = run.pick(100_000, 5_000), run.pick(100, 40)
    with place(run.engines, "chaos_f20", run.var) as ground:
        other = make_tenant("ben@small.example", "Ben", "Small", slug="small")
        _verify(ground, other, "small.example")
        for part in range(0, mountain, 500):
            _send(ground.person, DOMAIN, [f"ok-{n}@dest.example" for n in range(part, part + 500)])
        queued = int(ground.one("select count(*) from queue_entries"))
        for n in range(few):
            _send(other, "small.example", [f"few-{n}@dest.example"])
            time.sleep(0.25)
        left = int(ground.one("select count(*) from queue_entries"))
        wait_until(lambda: len(ground.rows(_WAITS, other.tenant_id, "few-%")) == few, 30)
        figures.accepted, waits = few, _waits(ground, other, "few-%")
        figures.delivered, figures.lost = len(waits), few - len(waits)
        figures.recovery = _p95(waits)
        figures.must(figures.recovery <= 2.0, f"the 95th percentile is {figures.recovery:.2f} s, more than 2 s")
        figures.notes.append(f"{queued} of the other tenant were queued at the start, {left} at the end; median {statistics.median(waits):.2f} s")
    return figures


def standstill(run: Run) -> Figures:
    """F21: 200 to a good server alone, then the same beside 3,000 to one that never answers RCPT. Measure: the 95th percentile beside it.

    3,000 are more than two workers hold at once.
    """
    figures = Figures("F21", "a good destination beside one that stands still")
    silent, good = run.pick(3_000, 2_500), run.pick(200, 100)
    with sink_in_thread(SinkOptions(always="stall")) as stalled, place(run.engines, "chaos_f21", run.var) as ground:
        bridge = _second_way(ground, stalled.port)
        _send(ground.person, DOMAIN, [f"alone-{n}@dest.example" for n in range(good)])
        wait_until(lambda: len(_waits(ground, ground.person, "alone-%")) == good, 60)
        for part in range(0, silent, 500):
            _send(ground.person, DOMAIN, [f"silent-{n}@stalled.example" for n in range(part, part + 500)], bridge)
        _send(ground.person, DOMAIN, [f"beside-{n}@dest.example" for n in range(good)])
        wait_until(lambda: len(_waits(ground, ground.person, "beside-%")) == good, 60)
        _compare(ground, figures, good)
    return figures


def stalled_domain(run: Run) -> Figures:
    """F14: as F21, with domains whose MX hosts are dialled from one address: 2,000 to one that never answers RCPT, 200 to a good one."""
    figures = Figures("F14", "a good domain beside one that stands still")
    silent, good, limit = run.pick(2_000, 2_000), run.pick(200, 100), 10
    with place(run.engines, "chaos_f14", run.var, addresses=("127.0.0.41",)) as ground:
        # The pace of each provider would show in the figures: a good one that was just sent to has used up its burst.
        ground.change("insert into provider_budgets (provider, rate, connections) values ('*', 100000, %s)", limit)
        stall = SinkOptions(always="stall")
        with sink_in_thread(stall, host="127.0.0.2", port=ground.sink.port) as stalled:
            _send(ground.person, DOMAIN, [f"alone-{n}@dest.example" for n in range(good)])
            wait_until(lambda: len(_waits(ground, ground.person, "alone-%")) == good, 60)
            for part in range(0, silent, 500):
                _send(ground.person, DOMAIN, [f"silent-{n}@stalled.example" for n in range(part, part + 500)])
            _send(ground.person, DOMAIN, [f"beside-{n}@dest.example" for n in range(good)])
            wait_until(lambda: len(_waits(ground, ground.person, "beside-%")) == good, 60)
            _compare(ground, figures, good)
            figures.must(stalled.state.peak <= limit, f"{stalled.state.peak} connections to the silent domain, whose budget is {limit}")
            waiting = ground.one("select count(*) from queue_entries")
            figures.must(waiting == silent, f"{waiting} of {silent} to the silent domain wait")
            figures.notes.append(f"{stalled.state.peak} connections at most to the silent domain")
    return figures


def _compare(ground: Place, figures: Figures, good: int) -> None:
    alone, beside = (_waits(ground, ground.person, pattern) for pattern in ("alone-%", "beside-%"))
    figures.accepted, figures.delivered, figures.lost = 2 * good, len(alone) + len(beside), 2 * good - len(alone) - len(beside)
    figures.recovery = _p95(beside)
    figures.must(figures.recovery <= 2 * _p95(alone), f"{figures.recovery:.2f} s beside it, {_p95(alone):.2f} s alone")
    figures.notes.append(f"95th percentile alone {_p95(alone):.2f} s, beside it {figures.recovery:.2f} s")


def _send(person: Person, domain: str, to: list[str], bridge: UUID | None = None) -> None:
    with person.scope() as scope:
        recipients = tuple(RecipientInput(parse_address(address)) for address in to)
        accept(scope, MessageSubmission(parse_address(f"a@{domain}"), recipients, "Hi", Door.API, text="Hello", bridge_id=bridge))


def _verify(ground: Place, person: Person, domain: str) -> None:
    insert = "insert into domains (tenant_id, name, status, challenge, verified_at) values (%s, %s, 'verified', 'x', now())"
    ground.change(insert, person.tenant_id, domain)


def _second_way(ground: Place, port: int) -> UUID:
    """A bridge of the same tenant whose pool relays to another server."""
    pool = ground.one(
        "with a as (insert into sending_accounts (name, host, port, tls, active) values ('silent', '127.0.0.1', %s, 'none', true) returning id), "
        "p as (insert into pools (tenant_id, name) values (%s, 'Second') returning id) "
        "insert into pool_members (tenant_id, pool_id, sending_account_id) select %s, p.id, a.id from a, p returning pool_id",
        port, ground.person.tenant_id, ground.person.tenant_id,
    )  # fmt: skip
    with ground.person.scope() as scope:
        bridge, _ = create_bridge(scope, BridgeInput("second", pool_id=pool))
        return bridge.id


def _waits(ground: Place, person: Person, pattern: str) -> list[float]:
    return sorted(float(row[0]) for row in ground.rows(_WAITS, person.tenant_id, pattern))


def _p95(waits: list[float]) -> float:
    return waits[int(len(waits) * 0.95) - 1] if waits else float("inf")
