"""Where a scenario takes place: engines that can be crashed, a fresh database, a sink, and a running stack that delivers to it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis

from tests import rig
from tests.dns_server import dns_in_thread
from tests.fixtures import Person, make_tenant
from tests.live import LiveStack, live_stack
from tests.sinks import SinkOptions, SmtpSink, sink_in_thread
from webapp.bridges.service import BridgeInput, create_bridge, reveal
from webapp.bridges.types import Secrets
from webapp.kernel import db
from webapp.settings import get_settings
from webapp.stack.engines import Engine, Postgres, Valkey, make_engines, start
from webapp.stack.home import Addresses

GROUPS = ("web", "submission", "delivery", "default", "webhooks", "ticker")
#: The domain that mail comes from; verified. Recipients are at `dest.example`, which the sink takes mail for.
DOMAIN = "acme.example"
#: A day's schedule in minutes, and leases that come back in seconds.
SCALED = {
    "POSTBRIDGE_RETRY_SCALE": "0.01",
    "POSTBRIDGE_LEASE_SILENCE_SECONDS": "5",
    "POSTBRIDGE_SEND_RATE": "100000000",
    "POSTBRIDGE_SIMULATOR_ENABLED": "false",
    "POSTBRIDGE_SMTP_CONNECTIONS_PER_ADDRESS": "1000",
    "POSTBRIDGE_GUARD_MINIMUM_SENT": "1000000000",  # runs that bounce on purpose must not be stopped for it
}

#: Where domains' mail goes when it leaves by MX: the sink of the place, and a second host on the same port for a sink of the scenario's own.
ZONE = {
    ("dest.example", "MX"): ["10 mx.dest.example."],
    ("mx.dest.example", "A"): ["127.0.0.1"],
    ("stalled.example", "MX"): ["10 mx.stalled.example."],
    ("mx.stalled.example", "A"): ["127.0.0.2"],
}

_SEED = """
with account as (
  insert into sending_accounts (name, host, port, tls, active) select 'sink', '127.0.0.1', %(port)s, 'none', true
  where %(addresses)s::text[] = '{}' returning id),
ip as (insert into ip_addresses (address, helo_name) select a, 'out.example' from unnest(%(addresses)s::text[]) a returning id),
pool as (insert into pools (name, is_default) values ('Shared', true) returning id),
member as (insert into pool_members (pool_id, sending_account_id, ip_address_id)
  select pool.id, account.id, null::uuid from pool, account union all select pool.id, null, ip.id from pool, ip)
insert into domains (tenant_id, name, status, challenge, verified_at) values (%(tenant)s, %(domain)s, 'verified', 'x', now())
"""


class Engines:
    """PostgreSQL and Valkey of a run, under ``folder``. Call from the main thread: they die with the thread that started them."""

    def __init__(self, folder: Path) -> None:
        self.postgres: Postgres
        self.valkey: Valkey
        self.postgres, self.valkey = make_engines(folder)

    def start(self) -> None:
        """Start both."""
        self.start_one(self.postgres)
        self.start_one(self.valkey)

    def start_one(self, engine: Engine) -> None:
        """Start one and wait until it answers."""
        start(engine, subprocess.DEVNULL)

    def stop(self) -> None:
        """End both."""
        self.valkey.stop()
        self.postgres.stop()

    def crash(self, engine: Engine, number: signal.Signals) -> None:
        """End one at once: SIGQUIT is PostgreSQL's immediate mode, SIGKILL a power cut for Valkey."""
        assert engine.process is not None
        engine.process.send_signal(number)
        engine.process.wait()
        engine.process = None

    @property
    def addresses(self) -> Addresses:
        """As the test rig wants them."""
        return Addresses(self.postgres.database_url, self.valkey.redis_url, self.postgres.admin_url)


@dataclass
class Place:
    """One scenario's ground. ``person`` owns the tenant, ``secrets`` are the credentials of its bridge."""

    engines: Engines
    database: str
    stack: LiveStack
    sink: SmtpSink
    person: Person
    secrets: Secrets
    notes: list[str] = field(default_factory=list)

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows as superuser, over all tenants. Waits for a database on its way up."""
        deadline = time.monotonic() + 60
        while True:
            try:
                with self.engines.postgres.connect(self.database) as connection:
                    return connection.execute(statement, parameters or None).fetchall()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def one(self, statement: str, *parameters: Any) -> Any:
        """The first field of the first row."""
        return self.rows(statement, *parameters)[0][0]

    def change(self, statement: str, *parameters: Any) -> None:
        """A statement without an answer, as superuser."""
        with self.engines.postgres.connect(self.database) as connection:
            connection.execute(statement, parameters or None)

    def flush_broker(self) -> None:
        """Everything in Valkey is gone."""
        with redis.Redis.from_url(self.engines.valkey.redis_url) as client:
            client.flushall()

    def dead(self) -> list[str]:
        """Processes that ended by themselves, which none may."""
        return [name for name, process in self.stack.running.items() if process.poll() is not None]

    def resident(self, name: str) -> float:
        """Memory of a process and its children in MB."""
        group = self.stack.running[name].pid
        pages = 0
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = status.read_text().rpartition(")")[2].split()
                if int(fields[2]) == group:
                    pages += int(fields[21])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _use(database_url: str, redis_url: str, var: Path) -> None:
    """Point this process's own services at the scenario's database."""
    os.environ.update(DATABASE_URL=database_url, REDIS_URL=redis_url, POSTBRIDGE_VAR_DIR=str(var))
    get_settings.cache_clear()
    db.engine.cache_clear()


def _seed(engines: Engines, database: str, port: int, addresses: Sequence[str]) -> tuple[Person, Secrets]:
    person = make_tenant("olivia@acme.example", "Olivia Owner", "Acme", slug="acme")
    with engines.postgres.connect(database) as connection:
        connection.execute(_SEED, {"port": port, "tenant": person.tenant_id, "domain": DOMAIN, "addresses": list(addresses)})
    with person.scope() as scope:
        bridge, _ = create_bridge(scope, BridgeInput("shop"))
        secrets = reveal(scope, bridge.id, noted=False)[0]
    db.engine().dispose()
    return person, secrets


@contextlib.contextmanager
def place(
    engines: Engines,
    name: str,
    var: Path,
    extra: Mapping[str, str] | None = None,
    sink: SinkOptions | None = None,
    logs: Path | None = None,
    addresses: Sequence[str] = (),
) -> Iterator[Place]:
    """A fresh database called ``name`` with one tenant, an empty broker, a sink, and the running processes; all ended at the end.

    ``logs``: where the processes write what they say, else ``var``. ``addresses``: mail leaves from these to the MX hosts of `ZONE`; without any, through
    a relay account.
    """
    url = rig.clone(engines.addresses, name)
    with redis.Redis.from_url(engines.valkey.redis_url) as client:
        client.flushall()
    _use(url, engines.valkey.redis_url, var)
    with sink_in_thread(sink) as running, dns_in_thread(ZONE) as dns:
        person, secrets = _seed(engines, name, running.port, addresses)
        by_mx = {"POSTBRIDGE_DNS_SERVERS": dns.address, "POSTBRIDGE_DELIVERY_PORT": str(running.port)} if addresses else {}
        settings = {**SCALED, **by_mx, **(extra or {})}
        with live_stack(url, engines.valkey.redis_url, only=GROUPS, var_dir=var, extra=settings, log_dir=logs) as stack:
            yield Place(engines, name, stack, running, person, secrets)
