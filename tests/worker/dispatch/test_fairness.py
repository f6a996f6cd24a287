"""Fair shares: a tenant with a mountain of mail does not delay another one's, and a destination that stands still delays nobody's.

Counted in claims and order, not in seconds; `./run chaos F20 F21` prints the seconds.
"""

from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.fixtures import Cast
from tests.sinks import SinkOptions, SmtpSink
from tests.worker.dispatch.conftest import OpenSink
from tests.worker.dispatch.yard import Yard, drain, make_yard, rows_of, states
from webapp.kernel.db import raw_of, unscoped
from webapp.messages.service.claim import claim
from webapp.pace.service import HoldWish, hold_back
from webapp.pace.types import HoldKind, PaceState, Subject
from webapp.settings import get_settings
from worker.dispatch.dispatcher import Dispatcher
from worker.dispatch.pacer import Pacer


def pile_up(tenant: UUID, count: int, *, priority: int = 0) -> None:
    """So many recipients of a tenant, due since an hour ago: older than anything that comes now."""
    with unscoped("test") as rows:
        rows.execute(
            sa.text(
                "with made as (select uuidv7() as id from generate_series(1, :n)), people as ("
                "insert into recipients (id, tenant_id, message_id, mode, kind, address, state) "
                "select id, :t, uuidv7(), 'live', 'to', 'x@example.net', 'queued' from made) "
                "insert into queue_entries (recipient_id, tenant_id, message_id, domain, priority, due_at, expires_at) "
                "select id, :t, uuidv7(), 'example.net', :p, now() - interval '1 hour', now() + interval '1 day' from made"
            ),
            {"n": count, "t": tenant, "p": priority},
        )
        rows.execute(sa.text("analyze queue_entries"))


def test_a_hundred_thousand_of_one_tenant_do_not_stand_before_one_of_another(cast: Cast) -> None:
    assert cast.owner.tenant_id and cast.stranger.tenant_id
    pile_up(cast.owner.tenant_id, 100_000)
    pile_up(cast.stranger.tenant_id, 50)
    with unscoped("test") as rows:
        batch = claim(raw_of(rows), owner="w", batch=200, lease_seconds=60)
        whose = [c.tenant_id for c in batch]
        assert whose.count(cast.stranger.tenant_id) == 50, "all of it is in the first batch, half of which is theirs"
        asked = "explain select * from queue_entries where tenant_id = %s and lease_until is null and held is null order by priority, due_at limit 200"
        plan = str(raw_of(rows).execute(asked, (cast.owner.tenant_id,)).fetchall())
    assert "Seq Scan" not in plan


def test_transactional_mail_goes_before_bulk_of_everybody(cast: Cast) -> None:
    assert cast.owner.tenant_id and cast.stranger.tenant_id
    pile_up(cast.owner.tenant_id, 5_000, priority=1)
    pile_up(cast.owner.tenant_id, 30)
    pile_up(cast.stranger.tenant_id, 30)
    with unscoped("test") as rows:
        first = {c.recipient_id for c in claim(raw_of(rows), owner="w", batch=60, lease_seconds=60)}
    urgent = set(rows_of("select recipient_id from queue_entries where priority = 0"))
    assert first == urgent


def test_a_destination_that_stands_still_holds_nobody_up(yard: Yard, mx: dict[str, SmtpSink], dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    """400 to a silent server come first and are older; 60 to a good one all leave in the same drain."""
    monkeypatch.setenv("POSTBRIDGE_SMTP_TIMEOUT_SCALE", "0.01")  # three seconds for RCPT, so that the end of the test need not wait for minutes
    get_settings.cache_clear()
    yard.address("127.0.0.21")
    mx["other"].options.always = "stall"
    for part in range(8):
        yard.send(*(f"u{part}-{n}@small.test" for n in range(50)))
    good = yard.send(*(f"g{n}@workspace.test" for n in range(60)))
    dispatcher.drain(2)
    assert set(states(good).values()) == {"delivered"}
    assert rows_of("select count(*) from recipients where state = 'bounced'") == [0]
    dispatcher.stop()
    dispatcher.drain(0)  # what was under way is written down before the next test wipes the tables


def test_held_mail_of_one_pool_does_not_fill_the_batches_of_another(cast: Cast, yard: Yard, open_sink: OpenSink, dispatcher: Dispatcher) -> None:
    sink = open_sink(SinkOptions())
    yard.relay(sink.port)
    other = make_yard(cast, cast.stranger, "other.test")
    other.relay(sink.port)
    with yard.person.scope() as scope:
        hold_back(scope, HoldWish(HoldKind.HOLD, Subject.TENANT, "a look first"))
    for part in range(8):
        yard.send(*(f"u{part}-{n}@example.net" for n in range(50)))
    message = other.send(*(f"g{n}@example.net" for n in range(30)))
    drain(dispatcher)
    assert set(states(message).values()) == {"delivered"}
    # Each was looked at once and put away for minutes: nothing spins.
    assert rows_of("select count(*) from queue_entries where due_at < now() + interval '5 minutes'") == [0]


@pytest.mark.parametrize("workers", [1, 3])
def test_every_worker_gets_its_part_of_the_connections(workers: int) -> None:
    parts = []
    for place in range(workers):
        pacer = Pacer()
        pacer.renew(PaceState(workers=workers, place=place), {})
        parts.append(pacer._share(5))
    assert sum(parts) == 5 and max(parts) - min(parts) <= 1
