"""Policies and results of TLS in the database, as several delivery processes keep them, and the report of a domain."""

from __future__ import annotations

import asyncio
import datetime
import json

import pytest

from tests.fixtures import Cast
from webapp.kernel.db import unscoped
from webapp.transport.service import list_lines, make_report
from worker.delivery.mta_sts import StoredPolicy, StsMode, StsPolicy
from worker.delivery.tls_report import PolicyType, Tally, TlsFact, TlsResult
from worker.dispatch.transport import TransportStore

ENFORCED = StsPolicy(StsMode.ENFORCE, ("*.example.test", "mx.example.test"))


def fact(result: TlsResult, **changes: object) -> TlsFact:
    """A session with one host."""
    words = {"reason": "" if result is TlsResult.SUCCESSFUL else "no \0 luck", **changes}
    return TlsFact("example.test", PolicyType.STS, result, "mx.example.test", "192.0.2.1", "192.0.2.9", policy=ENFORCED.text, **words)  # type: ignore[arg-type]


def test_policies_are_shared_and_only_replaced_by_newer_ones(cast: Cast) -> None:
    async def run() -> None:
        one, two = TransportStore(Tally()), TransportStore(Tally())
        assert await one.load("example.test") is None
        newer = StoredPolicy("b", ENFORCED, 2_000_000_000.0, 2_000_604_800.0)
        await one.save("example.test", newer)
        await two.save("example.test", StoredPolicy("a", StsPolicy(StsMode.NONE, ()), 1_900_000_000.0, 1_900_604_800.0))
        found = await asyncio.gather(*(two.load(domain) for domain in ("example.test", "other.test", "example.test")))
        assert found == [newer, None, newer]
        await asyncio.gather(one.close(), two.close())

    asyncio.run(run())


def test_sessions_add_up_over_processes_and_become_a_report(cast: Cast) -> None:
    async def run() -> None:
        for _ in range(2):
            tally = Tally()
            for result in (TlsResult.SUCCESSFUL, TlsResult.SUCCESSFUL, TlsResult.EXPIRED):
                tally.add(fact(result))
            tally.add(TlsFact("nobody.test", PolicyType.NONE, TlsResult.SUCCESSFUL, "mx.nobody.test", "", ""))
            await TransportStore(tally).close()
            assert tally.take() == []

    asyncio.run(run())
    with unscoped("test") as session:
        (line,) = list_lines(session, search="EXAMPLE")
        assert (line.domain, line.policy_type, line.good, line.bad) == ("example.test", "sts", 4, 2)
        assert list_lines(session, search="nobody") == []
        report = make_report(session, "example.test", line.day)
        assert make_report(session, "example.test", datetime.date(2020, 1, 1))["policies"] == []
    (policy,) = json.loads(json.dumps(report))["policies"]
    assert policy["policy"] == {
        "policy-type": "sts", "policy-domain": "example.test", "mx-host": ["mx.example.test"],
        "policy-string": ["version: STSv1", "mode: enforce", "mx: *.example.test", "mx: mx.example.test"],
    }  # fmt: skip
    assert policy["summary"] == {"total-successful-session-count": 4, "total-failure-session-count": 2}
    (detail,) = policy["failure-details"]
    assert detail == {
        "result-type": "certificate-expired", "sending-mta-ip": "192.0.2.1", "receiving-mx-hostname": "mx.example.test", "receiving-ip": "192.0.2.9",
        "failed-session-count": 2, "failure-reason-code": "no  luck",
    }  # fmt: skip


@pytest.mark.parametrize("count", [20_000])
def test_a_tally_is_bounded(count: int) -> None:
    tally = Tally()
    for number in range(count):
        tally.add(fact(TlsResult.EXPIRED, reason=str(number)))
    assert len(tally.take()) == 10_000
