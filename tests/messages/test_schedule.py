"""Acts on accepted mail: cancel, another time, again to the failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.messages.conftest import House, to
from webapp.kernel import clock
from webapp.kernel.db import tenant_session
from webapp.kernel.errors import Conflict, Forbidden, NotFound, ValidationFailed
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import SYSTEM, Scope
from webapp.messages.service import cancel_message, resend_failed, retime_message
from webapp.messages.types import Accepted, RecipientState


def act(house: House, function: Callable[..., Accepted], *arguments: Any, rights: str = "*", bridge_id: UUID | None = None) -> Accepted:
    with tenant_session(house.tenant_id) as session:
        return function(Scope(session, house.tenant_id, SYSTEM, PermissionSet({rights}), bridge_id=bridge_id), *arguments)


def scheduled(house: House) -> str:
    return str(house.accept(send_at=clock.now() + timedelta(hours=1), recipients=to("a@x.example", "b@x.example")).id)


def states(house: House) -> list[str]:
    return [row[0] for row in house.rows("select state from recipients order by id")]


def test_cancel(house: House) -> None:
    message = scheduled(house)
    assert act(house, cancel_message, message).status is RecipientState.CANCELLED
    assert states(house) == ["cancelled", "cancelled"] and house.rows("select 1 from queue_entries") == []
    assert len(house.rows("select 1 from events where type = 'email.cancelled'")) == 2
    with pytest.raises(Conflict):
        act(house, cancel_message, message)
    assert [row[0] for row in house.rows("select action from activity_entries")] == ["message.cancelled"]


def test_another_time(house: House) -> None:
    message, later = scheduled(house), clock.now() + timedelta(days=2)
    before = house.rows("select due_at, expires_at from queue_entries limit 1")[0]
    assert act(house, retime_message, message, later).send_at == later
    rows = house.rows("select due_at, expires_at from queue_entries")
    assert all(row.due_at == later and row.expires_at - row.due_at == before.expires_at - before.due_at for row in rows) and len(rows) == 2
    assert house.rows("select send_at from messages")[0][0] == later
    with pytest.raises(ValidationFailed):
        act(house, retime_message, message, clock.now() - timedelta(seconds=1))


@pytest.mark.parametrize("claimed", ["lease_until = now() + interval '1 minute', attempt = 1", "attempt = 1"])
def test_what_a_worker_took_is_out_of_reach(house: House, claimed: str) -> None:
    message = scheduled(house)
    house.change(f"update queue_entries set {claimed} where tenant_id = :tenant")
    with pytest.raises(Conflict):
        act(house, cancel_message, message)
    with pytest.raises(Conflict):
        act(house, retime_message, message, clock.now() + timedelta(hours=2))
    assert states(house) == ["scheduled", "scheduled"]


def test_mail_that_was_never_scheduled(house: House) -> None:
    message = str(house.accept().id)
    with pytest.raises(Conflict, match="not scheduled"):
        act(house, cancel_message, message)


@pytest.mark.parametrize("function", [cancel_message, resend_failed])
def test_strangers_siblings_and_viewers(house: House, make_house: Callable[..., House], function: Callable[..., Accepted]) -> None:
    message, stranger = scheduled(house), make_house("stranger")
    for who, bridge in ((stranger, None), (house, house.bridge_id)):
        with pytest.raises(NotFound) as caught:
            act(who, function, message, bridge_id=bridge)
        assert str(caught.value) == "No such message."
    with pytest.raises(Forbidden):
        act(house, function, message, rights="*.read")
    with pytest.raises(NotFound):
        act(house, function, "not-an-id")
    assert states(house) == ["scheduled", "scheduled"]


def failed(house: House, *addresses: str) -> str:
    message = house.accept(recipients=to(*addresses), bridge_id=house.bridge_id)
    house.change("delete from queue_entries where tenant_id = :tenant")
    house.change("update recipients set state = 'delivered' where tenant_id = :tenant and address like 'ok%'")
    house.change("update recipients set state = 'failed', attempts = 3 where tenant_id = :tenant and address not like 'ok%'")
    return str(message.id)


def test_again_to_the_failed_only(house: House) -> None:
    message = failed(house, "ok@x.example", "bad@x.example", "gone@x.example")
    house.change("insert into suppressions (tenant_id, address, scope, reason, source) values (:tenant, 'gone@x.example', 'all', 'manual', 'test')")
    assert act(house, resend_failed, message).status is RecipientState.QUEUED
    rows = house.rows("select address, domain, q.attempt, q.bridge_id from queue_entries q join recipients r on r.id = q.recipient_id")
    assert [tuple(row) for row in rows] == [("bad@x.example", "x.example", 3, house.bridge_id)]
    assert states(house) == ["delivered", "queued", "failed"]
    assert house.rows("select sum(accepted) from stats_deltas")[0][0] == 4
    with pytest.raises(Conflict):
        act(house, resend_failed, message)


def test_a_resend_is_judged_by_today(house: House) -> None:
    message = failed(house, "bad@x.example")
    house.change("update domains set status = 'off', verified_at = null where tenant_id = :tenant")
    with pytest.raises(Conflict, match="not verified"):
        act(house, resend_failed, message)
    house.change("update bridges set paused_at = now() where tenant_id = :tenant")
    with pytest.raises(Conflict, match="paused"):
        act(house, resend_failed, message)
    house.change("update tenants set status = 'suspended' where id = :tenant")
    with pytest.raises(Forbidden):
        act(house, resend_failed, message)


def test_no_resend_without_content(house: House) -> None:
    message = failed(house, "bad@x.example")
    house.change("delete from message_contents where tenant_id = :tenant")
    with pytest.raises(Conflict, match="retention"):
        act(house, resend_failed, message)
