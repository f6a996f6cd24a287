"""`postbridge doctor`: what is well, what is not, and what to do. One line a finding; nothing secret is printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

import click
import psycopg
import redis
from sqlalchemy.exc import SQLAlchemyError

from webapp.cli.doctor import engines, machine, network, work
from webapp.cli.doctor.findings import Check, Finding, Level, Place, wrong
from webapp.settings import get_settings
from webapp.stack.errors import StackError
from webapp.stack.home import find_running

#: In the order of the output: from the ground up.
CHECKS: tuple[tuple[str, Check], ...] = (
    ("machine", machine.check_machine), ("disk", machine.check_disk), ("ports", machine.check_ports), ("certificate", machine.check_certificate),
    ("database", engines.check_database), ("broker", engines.check_broker), ("clock", engines.check_clock),
    ("processes", work.check_processes), ("work", work.check_work),
    ("dns", network.check_resolver), ("addresses", network.check_addresses), ("outbound", network.check_outbound),
)  # fmt: skip
_COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.WRONG: "red"}
_EXIT = {Level.OK: 0, Level.WARN: 1, Level.WRONG: 2}
_FAILURES = (StackError, SQLAlchemyError, psycopg.Error, redis.RedisError, OSError)


@click.command()
@click.option("--outbound", is_flag=False, flag_value="gmail.com", help="Also dial a domain's MX, from each address (by default gmail.com).")
@click.option("--ntp", is_flag=False, flag_value="pool.ntp.org", help="Also compare the clock with a time server (by default pool.ntp.org).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def doctor(outbound: str | None, ntp: str | None, as_json: bool) -> None:
    """Check this installation. Exit code 0: all is well, 1: somebody should look, 2: something is wrong."""
    settings = get_settings()
    found = list(findings(Place(settings, find_running(settings.var_dir), outbound, ntp)))
    worst = max((finding.level for finding in found), key=lambda level: _EXIT[level])
    if as_json:
        click.echo(json.dumps({"level": worst, "findings": [asdict(finding) for finding in found]}))
    else:
        for finding in found:
            click.secho(f"{finding.level.upper() if finding.level is Level.WRONG else finding.level:<6}", fg=_COLOURS[finding.level], nl=False)
            click.echo(f"{finding.check:<12} {finding.text}")
    raise SystemExit(_EXIT[worst])


def findings(place: Place) -> Iterator[Finding]:
    """What all checks say. One that cannot be made is a finding itself: the first line of what it met."""
    for name, check in CHECKS:
        try:
            yield from check(place)
        except _FAILURES as error:
            yield wrong(name, (str(error).splitlines() or [type(error).__name__])[0][:300])
