"""A tenant whose mail leaves through pool members made for the test: relays and addresses on loopback, with MX hosts in a DNS of the test's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tests.fixtures import Cast, Person
from webapp.bridges.service import BridgeInput, create_bridge
from webapp.kernel.addresses import parse_address
from webapp.kernel.db import unscoped
from webapp.messages.service import accept
from webapp.messages.types import Door, MessageSubmission, RecipientInput
from webapp.sending_accounts.service import sealed_password
from worker.dispatch import routes
from worker.dispatch.dispatcher import Dispatcher

#: Whose MX hosts are on 127.0.0.31 (a Yahoo), 127.0.0.32 (a Google) and 127.0.0.33 (anybody).
ZONE = {
    ("yahoo.test", "MX"): ["10 mta5.am0.yahoodns.net."],
    ("mta5.am0.yahoodns.net", "A"): ["127.0.0.31"],
    ("workspace.test", "MX"): ["10 aspmx.l.google.com."],
    ("aspmx.l.google.com", "A"): ["127.0.0.32"],
    ("small.test", "MX"): ["10 mx.small.test."],
    ("mx.small.test", "A"): ["127.0.0.33"],
}


@dataclass
class Yard:
    """One pool and one bridge of a person, the domain of its mail verified."""

    person: Person
    pool: UUID
    bridge: UUID
    domain: str

    def relay(self, port: int, *, weight: int = 100, name: str = "relay", username: str | None = None, owned: bool = False) -> UUID:
        """A sending account on loopback as member; its id. ``owned``: the tenant's, else the platform's."""
        with unscoped("test") as rows:
            account = rows.execute(
                sa.text("insert into sending_accounts (tenant_id, name, host, port, tls, active) values (:t, :n, '127.0.0.1', :p, 'none', true) returning id"),
                {"t": self.person.tenant_id if owned else None, "n": name, "p": port},
            ).scalar_one()
        if username:
            self.set_login(account, username, "wrong")
        self._join("sending_account_id", account, weight)
        return UUID(str(account))

    def set_login(self, account: UUID, username: str, password: str) -> None:
        """Give an account a login."""
        sealed = sealed_password(None, password)
        with unscoped("test") as rows:
            rows.execute(sa.text("update sending_accounts set username = :u, password = :p where id = :a"), {"u": username, "p": sealed, "a": account})

    def address(self, ip: str, *, weight: int = 100, owned: bool = False) -> UUID:
        """A sending IP address on loopback as member; its id."""
        with unscoped("test") as rows:
            made = rows.execute(
                sa.text("insert into ip_addresses (tenant_id, address, helo_name) values (:t, :a, 'out.example') returning id"),
                {"t": self.person.tenant_id if owned else None, "a": ip},
            ).scalar_one()
        self._join("ip_address_id", made, weight)
        return UUID(str(made))

    def _join(self, column: str, what: Any, weight: int) -> None:
        with unscoped("test") as rows:
            rows.execute(
                sa.text(f"insert into pool_members (tenant_id, pool_id, {column}, weight) values (:t, :p, :w, :weight)"),
                {"t": self.person.tenant_id, "p": self.pool, "w": what, "weight": weight},
            )
        forget()

    def send(self, *to: str) -> UUID:
        """Accept one message to these recipients; its id."""
        with self.person.scope() as scope:
            submission = MessageSubmission(
                from_address=parse_address(f"shop@{self.domain}"), recipients=tuple(RecipientInput(parse_address(a)) for a in to), subject="Order",
                door=Door.API, text="Thanks", bridge_id=self.bridge,
            )  # fmt: skip
            return accept(scope, submission).id


def make_yard(cast: Cast, person: Person | None = None, domain: str = "acme.test") -> Yard:
    """An empty yard of a person (the owner)."""
    person = person or cast.owner
    with unscoped("test") as rows:
        pool = rows.execute(sa.text("insert into pools (tenant_id, name) values (:t, 'Yard') returning id"), {"t": person.tenant_id}).scalar_one()
        rows.execute(
            sa.text("insert into domains (tenant_id, name, status, challenge, verified_at) values (:t, :d, 'verified', 'x', now())"),
            {"t": person.tenant_id, "d": domain},
        )
    with person.scope() as scope:
        bridge, _ = create_bridge(scope, BridgeInput("shop", pool_id=pool))
        return Yard(person, UUID(str(pool)), bridge.id, domain)


def forget() -> None:
    """Read pools anew at the next look."""
    routes.route_for._values.clear()


def rows_of(query: str, **values: Any) -> list[Any]:
    """What a query over all tenants answers."""
    with unscoped("test") as rows:
        return [row[0] if len(row) == 1 else tuple(row) for row in rows.execute(sa.text(query), values)]


def do(query: str, **values: Any) -> None:
    """Run a statement over all tenants."""
    with unscoped("test") as rows:
        rows.execute(sa.text(query), values)


def states(message_id: UUID) -> dict[str, str]:
    """The state of each recipient of a message."""
    return dict(rows_of("select address, state from recipients where message_id = :m", m=message_id))


def make_due() -> None:
    """Every waiting recipient is due now, whatever it waits for."""
    do("update queue_entries set due_at = now() where lease_until is null")


def drain(dispatcher: Dispatcher, seconds: float = 10) -> int:
    """One drain with a fresh look at the pace."""
    dispatcher._renew_at = 0.0
    return dispatcher.drain(seconds)


def pass_time(span: timedelta) -> None:
    """Throttles grow older by ``span``."""
    do("update throttles set until = until - :s, changed_at = changed_at - :s, updated_at = updated_at - :s, created_at = created_at - :s", s=span)
