"""A sending account takes no more than its quotas, its usage is counted, and what does not fit leaves by the next member or waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from tests.worker.dispatch.conftest import OpenSink
from tests.worker.dispatch.yard import Yard, drain, make_due, rows_of, states
from webapp.kernel.db import unscoped
from webapp.sending_accounts.types import Usage
from worker.dispatch import routes
from worker.dispatch.dispatcher import Dispatcher
from worker.dispatch.quotas import QuotaBucket, wait_for

TO = [f"u{n}@example.net" for n in range(12)]
_USED = "select coalesce(sum(sent), 0)::int from sending_account_usage where sending_account_id = :a"


def set_quota(account: UUID, **quotas: int | None) -> None:
    """Quotas of an account, seen at once."""
    assignments = ", ".join(f"{name} = :{name}" for name in quotas)
    with unscoped("test") as rows:
        rows.execute(sa.text(f"update sending_accounts set {assignments} where id = :a"), {**quotas, "a": account})
    routes.route_for._values.clear()


def test_usage_is_counted_by_account_tenant_and_hour(yard: Yard, open_sink: OpenSink, dispatcher: Dispatcher) -> None:
    sink = open_sink()
    account = yard.relay(sink.port)
    yard.send(*TO)
    drain(dispatcher)
    assert rows_of(_USED, a=account) == [len(sink.received)] == [12]
    assert rows_of("select distinct tenant_id from sending_account_usage") == [yard.person.tenant_id]
    assert rows_of("select distinct date_trunc('hour', hour) = hour from sending_account_usage") == [True]


def test_what_is_refused_is_not_counted(yard: Yard, open_sink: OpenSink, dispatcher: Dispatcher) -> None:
    account = yard.relay(open_sink().port)
    yard.send("r550-1@example.net", "ok@example.net")
    drain(dispatcher)
    assert rows_of(_USED, a=account) == [1]


def test_no_more_leaves_than_the_hourly_quota(yard: Yard, open_sink: OpenSink, dispatcher: Dispatcher) -> None:
    sink = open_sink()
    account = yard.relay(sink.port, name="small")
    set_quota(account, hourly_quota=5)
    message = yard.send(*TO)
    drain(dispatcher, 4)
    assert len(sink.received) == 5
    assert sorted(states(message).values()).count("delivered") == 5
    routes.route_for._values.clear()
    make_due()
    drain(dispatcher, 2)
    assert len(sink.received) == 5
    assert any("used up its quota" in (reason or "") for reason in rows_of("select state_reason from recipients"))
    set_quota(account, hourly_quota=100)
    make_due()
    drain(dispatcher, 4)
    assert len(sink.received) == 12 and set(states(message).values()) == {"delivered"}


def test_another_member_takes_what_does_not_fit(yard: Yard, open_sink: OpenSink, dispatcher: Dispatcher) -> None:
    small, large = open_sink(), open_sink()
    account = yard.relay(small.port, name="small", weight=1000)
    yard.relay(large.port, name="large", weight=1)
    set_quota(account, daily_quota=3)
    message = yard.send(*TO)
    drain(dispatcher)
    assert set(states(message).values()) == {"delivered"}
    assert len(small.received) == 3 and len(large.received) == 9


def usage(today: int, daily: int = 10) -> Usage:
    """A reading of an account with a daily quota."""
    return Usage(today, today, None, daily, datetime.now(UTC) + timedelta(hours=3) if today >= daily else None)


def test_mail_under_way_is_no_room() -> None:
    bucket = QuotaBucket(usage(0), 1)
    assert [bucket.take() for _ in range(11)].count(True) == 10
    bucket.renew(usage(4), 1)  # six are still on their way
    assert not bucket.has()
    bucket.renew(usage(4), 1)  # they came to nothing
    assert [bucket.take() for _ in range(7)].count(True) == 6


def test_a_share_is_never_nothing_while_something_is_left() -> None:
    assert [QuotaBucket(usage(0, 3), 8).take() for _ in range(2)] == [True, True]
    assert not QuotaBucket(usage(3, 3), 8).has()
    assert 1 <= wait_for(usage(3, 3), datetime.now(UTC)) <= 990
