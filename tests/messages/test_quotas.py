"""Limits of live recipients: a day, a month, a minute; a tenant's own or its plan's."""

from __future__ import annotations

import pytest

from tests.messages.conftest import House, to
from webapp.kernel.errors import LimitExceeded, RateLimited
from webapp.kernel.scope import Mode

_HOUR = (
    "insert into stats_hours (tenant_id, hour, mode, bridge_id, pool_id, member_id, accepted) values "
    "(:tenant, date_trunc('month', now(), 'UTC'), 'live', uuidv7(), uuidv7(), uuidv7(), 3), "
    "(:tenant, date_trunc('month', now(), 'UTC') - interval '1 hour', 'live', uuidv7(), uuidv7(), uuidv7(), 100)"
)


def test_the_month_counts_from_its_first_day(house: House) -> None:
    house.change("update tenants set monthly_limit = 5 where id = :tenant")
    house.change(_HOUR)
    house.accept(recipients=to("a@x.example", "b@x.example"))
    with pytest.raises(LimitExceeded, match="a month is reached"):
        house.accept()
    house.accept(sender=house.sender(Mode.SANDBOX))


def test_the_minute_asks_for_patience(house: House) -> None:
    house.change("update tenants set minute_limit = 2 where id = :tenant")
    house.accept()
    house.accept()
    with pytest.raises(RateLimited, match="a minute is reached") as refused:
        house.accept()
    assert refused.value.retryable and refused.value.retry_after
    house.change("update recipients set id = overlay(id::text placing '00000000' from 1 for 8)::uuid where tenant_id = :tenant")  # long ago
    house.accept()


def test_a_plan_holds_until_the_tenant_has_a_limit_of_its_own(house: House) -> None:
    house.change("""with made as (insert into plans (name, limits) values ('Small', '{"daily_recipients": 1}') returning id)
        update tenants set plan_id = (select id from made) where id = :tenant""")
    house.accept()
    with pytest.raises(LimitExceeded, match="a day is reached"):
        house.accept()
    house.change("update tenants set daily_limit = 2 where id = :tenant")
    house.accept()
    with pytest.raises(LimitExceeded):
        house.accept()
