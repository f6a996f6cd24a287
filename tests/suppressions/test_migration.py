"""Going back to the older suppressions and forth again: a list's suppression becomes one of all bulk mail, new kinds end."""

from __future__ import annotations

import psycopg
import sqlalchemy as sa

from tests import rig
from webapp.stack import migrations
from webapp.stack.home import Addresses

_ROWS = [("a", "list", "news", "unsubscribe"), ("a", "bulk", "", "unsubscribe"), ("b", "list", "news", "unsubscribe"), ("b", "list", "offers", "unsubscribe"),
         ("c", "all", "", "soft_bounce"), ("d", "transactional", "", "manual"), ("e", "all", "", "complaint")]  # fmt: skip


def test_back_and_forth(addresses: Addresses, worker_name: str) -> None:
    url = rig.clone(addresses, f"migration_{worker_name}")
    plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        connection.execute("select set_config('app.tenant_id', '*', true)")
        row = connection.execute("insert into tenants (name, slug) values ('x', 'x') returning id").fetchone()
        assert row is not None
        for address, scope, key, reason in _ROWS:
            values = (row[0], f"{address}@x.net", scope, key, reason)
            connection.execute("insert into suppressions (tenant_id, address, scope, list_key, reason, source) values (%s, %s, %s, %s, %s, 't')", values)
    migrations.downgrade(url, "0002")
    with psycopg.connect(plain) as connection:
        connection.execute("select set_config('app.tenant_id', '*', true)")
        left = connection.execute("select address, scope, reason from suppressions order by 1, 2").fetchall()
    assert left == [("a@x.net", "bulk", "unsubscribe"), ("b@x.net", "bulk", "unsubscribe"), ("e@x.net", "all", "complaint")]
    migrations.upgrade(url)
    assert migrations.differences(url) == ""
