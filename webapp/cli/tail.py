"""`postbridge tail`: what becomes of mail, line by line as it happens. Asks the log again and again, so it works through any proxy."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import click

from webapp.cli.remote import remote_options, server
from webapp.kernel.clock import now, rfc3339

#: Moments that a row of the log notes besides its state.
_LATER = ("opened_at", "clicked_at", "complained_at", "unsubscribed_at")
_COLOURS = {"delivered": "green", "bounced": "red", "failed": "red", "complained": "red", "deferred": "yellow", "held": "yellow", "suppressed": "yellow"}
#: States that mail has from the moment it was taken.
_AT_ONCE = ("queued", "scheduled", "sandboxed", "suppressed")
#: Most rows looked at in one round; more are told of.
_MOST = 1000


@click.command()
@remote_options
@click.option("--bridge", metavar="ID", help="Only mail through this bridge.")
@click.option("--status", help="Only rows in this state.")
@click.option("--tag")
@click.option("--domain", help="Only senders at this domain.")
@click.option("--search", help="An address, an id, or a part of the subject.")
@click.option("--minutes", default=15, show_default=True, type=click.IntRange(1, 1440), help="Watch mail that was accepted at most so long ago.")
@click.option("--every", default=2.0, show_default=True, type=click.FloatRange(0.5, 60), help="Seconds between looks.")
@click.option("--once", is_flag=True, help="Show what is there, and end.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def tail(url: str | None, api_key: str | None, minutes: int, every: float, once: bool, as_json: bool, **filters: str | None) -> None:
    """Follow mail live: accepted, delivered, bounced, opened ... Ctrl-C ends it."""
    known: dict[str, set[str]] = {}
    with server(url, api_key) as client:
        while True:
            since = rfc3339(now() - timedelta(minutes=minutes))
            rows, more = _rows(client, {**filters, "from_": since})
            for row, what in _news(rows, known):
                click.echo(_as_json(row, what) if as_json else _line(row, what))
            if more:
                click.echo(f"More than {_MOST} recipients: narrow it down with --bridge, --tag or --minutes.", err=True)
            if once:
                return
            try:
                time.sleep(every)
            except KeyboardInterrupt:
                return


def _rows(client: Any, filters: dict[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    """The oldest first, and whether there were more than are looked at."""
    found: list[dict[str, Any]] = []
    for row in client.iter_logs(limit=100, **filters):
        if len(found) == _MOST:
            return found[::-1], True
        found.append(row)
    return found[::-1], False


def _news(rows: list[dict[str, Any]], known: dict[str, set[str]]) -> Iterator[tuple[dict[str, Any], str]]:
    """What happened since the last look; rows that left the window are forgotten."""
    for row in rows:
        happened = [row["status"], *(name.removesuffix("_at") for name in _LATER if row.get(name))]
        seen = known.setdefault(row["id"], set())
        for what in happened:
            if what not in seen:
                seen.add(what)
                yield row, what
    for gone in known.keys() - {row["id"] for row in rows}:
        del known[gone]


def _moment(row: dict[str, Any], what: str) -> str:
    """When it happened; the log has no moment of its own for every state."""
    return str(row.get(f"{what}_at") or (row["created_at"] if what in _AT_ONCE else row["sent_at"]) or row["created_at"])


def _line(row: dict[str, Any], what: str) -> str:
    clock = _moment(row, what)[11:19]
    said = row.get("last_reply") or row.get("reason") or "" if what == row["status"] and what not in _AT_ONCE else ""
    return f"{clock}  {click.style(f'{what:<12}', fg=_COLOURS.get(what))}  {row['recipient']:<32}  {row['subject'][:50]:<50}  {said[:100]}".rstrip()


def _as_json(row: dict[str, Any], what: str) -> str:
    return json.dumps({"at": _moment(row, what), "event": what, **row})
