"""`postbridge queue`: what is in flight, what holds it up, and since when."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.dns import look_up
from webapp.messages.service.claim import release_held
from webapp.pace.service.providers import provider_of_host
from webapp.pace.types import RELAY, provider_name

Row = dict[str, Any]

_STATE = (
    "case when q.held is not null then 'held' when q.lease_until is not null then 'sending' when q.scheduled then 'scheduled' "
    "when q.attempt > 0 then 'deferred' else 'queued' end"
)
#: A pool of relays only: its mail goes to the relay, whatever the domain.
_BY_RELAY = (
    "exists (select from pool_members m where m.pool_id = q.pool_id) and "
    "not exists (select from pool_members m where m.pool_id = q.pool_id and m.ip_address_id is not null)"
)
#: What holds it up: what is written on the queue row or on the recipient, else the last answer.
_REASON = (
    "coalesce(q.held, r.state_reason, case when q.scheduled then 'It waits for its time.' end, r.reply_class || ': ' || left(r.last_reply, 100), "
    "case when q.lease_until is not null then 'It is being sent.' end, 'It waits for a worker.')"
)
_SUMS = {
    "state": _STATE,
    "domain": "q.domain",
    "tenant": "(select slug from tenants t where t.id = q.tenant_id)",
    "bridge": "coalesce((select name from bridges b where b.id = q.bridge_id), '(no bridge)')",
    "pool": "coalesce((select name from pools p where p.id = q.pool_id), '(no pool)')",
    "reason": _REASON,
}
_GROUPED = (
    "select {what} as what, count(*) as recipients, coalesce(extract(epoch from now() - min(q.created_at)), 0)::int as oldest, "
    "extract(epoch from min(q.due_at) - now())::int as due from queue_entries q {join} group by 1 order by 2 desc, 1 limit {limit}"
)
_OLDEST = (
    f"select r.address, {_STATE} as state, {_REASON} as reason, q.attempt, q.message_id::text as message, "
    "extract(epoch from now() - q.created_at)::int as age, extract(epoch from q.due_at - now())::int as due, "
    "extract(epoch from q.expires_at - now())::int as expires "
    "from queue_entries q join recipients r on r.id = q.recipient_id and r.message_id = q.message_id order by q.created_at limit :count"
)
_WITH_RECIPIENT = "join recipients r on r.id = q.recipient_id"
#: Groups shown; domains whose MX is looked up for the view by provider, and seconds spent with it: the rest stands under its own name.
_MOST, _MOST_DOMAINS, _LOOK_SECONDS = 50, 200, 5.0
_CHOICES = [*_SUMS, "provider"]


@click.group(invoke_without_command=True)
@click.option("--by", type=click.Choice(_CHOICES), help="One table only, grouped by this.")
@click.option("--oldest", type=click.IntRange(0, 1000), default=10, show_default=True, help="How many of the oldest recipients to show with their reasons.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of tables.")
@click.option("--watch", type=click.FloatRange(0.2), help="Show it again every so many seconds, until Ctrl-C.")
@click.pass_context
def queue(ctx: click.Context, by: str | None, oldest: int, as_json: bool, watch: float | None) -> None:
    """What is in flight: by state, provider and tenant, and the oldest recipients with what holds them up."""
    if ctx.invoked_subcommand:
        return
    while True:
        found: Any = grouped(by) if by else overview(oldest)
        if watch and not as_json:
            click.clear()
        click.echo(json.dumps(found) if as_json else "\n".join(_table(by, found) if by else _overview(found)))
        if not watch:
            return
        time.sleep(watch)


def overview(oldest: int) -> dict[str, list[Row]]:
    """The tables shown when none is asked for, and the oldest recipients."""
    with unscoped("the operator looks at the queue") as session:
        found = {name: _grouped(session, name) for name in ("state", "tenant", "reason")}
        rows = [dict(row) for row in session.execute(sa.text(_OLDEST), {"count": oldest}).mappings()] if oldest else []
        domains = _domains(session)
    return {"state": found["state"], "provider": _by_provider(domains), "tenant": found["tenant"], "reason": found["reason"], "oldest": rows}


def grouped(by: str) -> list[Row]:
    """One table. ``oldest`` and ``due`` are seconds: the age of the oldest, and until the next is due."""
    with unscoped("the operator looks at the queue") as session:
        if by != "provider":
            return _grouped(session, by)
        domains = _domains(session)
    return _by_provider(domains)


def _grouped(session: Session, by: str) -> list[Row]:
    statement = _GROUPED.format(what=_SUMS[by], join=_WITH_RECIPIENT if by == "reason" else "", limit=_MOST)
    return [dict(row) for row in session.execute(sa.text(statement)).mappings()]


def _domains(session: Session) -> list[Row]:
    statement = _GROUPED.format(what=f"case when {_BY_RELAY} then '' else q.domain end", join="", limit=100_000)
    return [dict(row) for row in session.execute(sa.text(statement)).mappings()]


def _by_provider(domains: list[Row]) -> list[Row]:
    """Domains put together by who takes their mail. MX look-ups are made for the largest; the session is closed by now."""
    sums: dict[str, Row] = {}
    until = time.monotonic() + _LOOK_SECONDS
    for number, row in enumerate(domains):
        name = _provider(row["what"], ask=number < _MOST_DOMAINS and time.monotonic() < until)
        known = sums.setdefault(name, {"what": name, "recipients": 0, "oldest": 0, "due": row["due"]})
        known["recipients"] += row["recipients"]
        known["oldest"], known["due"] = max(known["oldest"], row["oldest"]), min(known["due"], row["due"])
    return sorted(sums.values(), key=lambda row: (-row["recipients"], row["what"]))[:_MOST]


def _provider(domain: str, *, ask: bool) -> str:
    if not domain:
        return provider_name(RELAY)
    answers = [value.split() for value in look_up(domain, "MX").values] if ask else []
    hosts = sorted((int(words[0]), words[1]) for words in answers if len(words) == 2 and words[1] != ".")
    return provider_name(provider_of_host(domain, hosts[0][1] if hosts else None))


def _overview(found: dict[str, list[Row]]) -> Iterable[str]:
    if not found["state"]:
        yield "The queue is empty."
        return
    for name in ("state", "provider", "tenant", "reason"):
        yield from _table(name, found[name])
        yield ""
    if found["oldest"]:
        yield f"{'oldest':<34} {'state':<10} {'age':>6} {'next':>8} {'given up':>9}  why"
        for row in found["oldest"]:
            yield (
                f"{_cut(row['address'], 34):<34} {row['state']:<10} {_duration(row['age']):>6} {_when(row['due']):>8} {_when(row['expires']):>9}  "
                f"{_cut(row['reason'], 100)}"
            )


def _table(by: str | None, rows: list[Row]) -> Iterable[str]:
    if not rows:
        yield "The queue is empty."
        return
    yield f"{by:<60} {'recipients':>10} {'oldest':>8} {'next due':>10}"
    for row in rows:
        yield f"{_cut(str(row['what']), 60):<60} {row['recipients']:>10,} {_duration(row['oldest']):>8} {_when(row['due']):>10}"


def _cut(text: str, width: int) -> str:
    """One printable line: what other servers said may hold anything, also what would steer a terminal."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain if len(plain) <= width else plain[: width - 1] + "…"


def _when(seconds: int) -> str:
    return "now" if seconds <= 0 else f"in {_duration(seconds)}"


def _duration(seconds: int) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


@queue.command("release")
@click.option("--message", help="Only this message's recipients.")
def release(message: str | None) -> None:
    """Let held recipients (parked, or long past their time) go again."""
    with unscoped("the operator releases held mail") as session:
        count = release_held(raw_of(session), message)
    click.echo(f"Released {count} recipients.")
