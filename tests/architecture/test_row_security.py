"""PostgreSQL's lock between tenants: on every table that has a tenant, forced on the owner too, closed by default."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.fixtures import Cast
from webapp.all_models import metadata
from webapp.kernel.db import TenantOrShared, TenantOwned

_TABLES = """
select c.relname, c.relrowsecurity and c.relforcerowsecurity as is_locked, exists (select from pg_policy p where p.polrelid = c.oid) as has_policy
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
"""

#: Tables whose tenant is data, not ownership, each with the reason.
UNLOCKED = {
    "user_sessions": "a person's session; the tenant is the one they look at now",
    "one_time_tokens": "a person's mailed token; an invitation names the tenant it leads to",
}


def test_every_table_with_a_tenant_is_locked(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(_TABLES).all()
    assert len(rows) > 20
    assert not [row.relname for row in rows if not (row.is_locked and row.has_policy) and row.relname not in UNLOCKED]


def test_every_model_with_a_tenant_is_marked() -> None:
    """The session's guard goes by the mark, so a table with `tenant_id` and no mark would pass it unseen."""
    from webapp.kernel.db import Base

    classes = {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers if isinstance(mapper.local_table, sa.Table)}
    with_tenant = {name for name, table in metadata.tables.items() if "tenant_id" in table.columns}
    unmarked = {name for name in with_tenant if name in classes and not issubclass(classes[name], TenantOwned | TenantOrShared)}
    assert unmarked - set(UNLOCKED) == set()


@pytest.mark.parametrize("who", ["nobody", "stranger"])
def test_raw_sql_sees_no_row_of_another_tenant(cast: Cast, engine: sa.Engine, who: str) -> None:
    """Whatever statement reaches the database: without a tenant there is nothing, and with one only its own."""
    mine, theirs = cast.owner.tenant_id, cast.stranger.tenant_id if who == "stranger" else None
    with engine.connect() as connection:
        names = [row.relname for row in connection.exec_driver_sql(_TABLES)]
        connection.execute(sa.text("select set_config('app.tenant_id', :tenant, true)"), {"tenant": str(theirs or "")})
        seen = {name: connection.scalar(sa.text(f"select count(*) from {name} where tenant_id = :mine"), {"mine": mine}) for name in names}
        connection.execute(sa.text("select set_config('app.tenant_id', :tenant, true)"), {"tenant": str(mine)})
        own = {name: connection.scalar(sa.text(f"select count(*) from {name} where tenant_id = :mine"), {"mine": mine}) for name in names}
    assert any(own.values())
    assert not any(seen.values())
