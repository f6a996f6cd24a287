"""The rig itself: real engines, clean databases, no way out."""

from __future__ import annotations

import socket

import pytest
import redis
import sqlalchemy as sa

from tests.rig import Wiper
from webapp.kernel.db import TenantSession
from webapp.stack import migrations
from webapp.tenants.models import Tenant


def test_migrated_schema_agrees_with_the_models(database_url: str) -> None:
    current, head = migrations.current_and_head(database_url)
    assert current == head
    assert migrations.differences(database_url) == ""


def test_the_application_role_is_bound_by_row_security(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        row = connection.exec_driver_sql("select rolsuper, rolbypassrls from pg_roles where rolname = current_user").one()
    assert tuple(row) == (False, False)


def test_db_clean_keeps_nothing(wiper: Wiper, db_clean: sa.Engine, redis_client: redis.Redis) -> None:
    def count() -> object:
        with db_clean.connect() as connection:
            connection.exec_driver_sql("select set_config('app.tenant_id', '*', true)")
            return connection.scalar(sa.text("select count(*) from tenants"))

    with TenantSession(db_clean) as session, session.begin():
        session.info["unscoped"] = "test"
        session.add(Tenant(name="Left", slug="left"))
    redis_client.set("left", "over")
    assert count() == 1
    wiper.wipe()
    assert count() == 0


@pytest.mark.parametrize("address", [("192.0.2.1", 25), ("2001:db8::1", 25)])
def test_the_outside_cannot_be_reached(address: tuple[str, int]) -> None:
    with pytest.raises(OSError, match="only loopback"):
        socket.create_connection(address, timeout=1)
    with pytest.raises(OSError, match="look up"):
        socket.getaddrinfo("example.com", 25)
