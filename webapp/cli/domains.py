"""`postbridge domains`: domains to send from, at a server elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import click

from webapp.cli.remote import remote_options, server

_COLOURS = {"ok": "green", "missing": "red", "different": "red", "unreachable": "yellow"}


@click.group()
def domains() -> None:
    """Domains to send from, at a server elsewhere."""


@domains.command("list")
@remote_options
def list_domains(url: str | None, api_key: str | None) -> None:
    """Show all domains with state and score."""
    with server(url, api_key) as client:
        for row in client.iter_domains():
            score = "-" if row["score"] is None else str(row["score"])
            click.echo(f"{row['id']}  {row['status']:<9}  {score:>3}  {row['domain']}")


@domains.command()
@click.argument("name")
@click.option("--cover-subdomains", is_flag=True, help="Mail from sub-domains too.")
@remote_options
def add(url: str | None, api_key: str | None, name: str, cover_subdomains: bool) -> None:
    """Add a domain and show the records to publish."""
    with server(url, api_key) as client:
        _show(client.create_domain(domain=name, covers_subdomains=cover_subdomains))


@domains.command()
@click.argument("name")
@click.option("--zone-file", is_flag=True, help="As lines of a zone file.")
@remote_options
def records(url: str | None, api_key: str | None, name: str, zone_file: bool) -> None:
    """Show the records to publish. NAME: the domain, or its id."""
    with server(url, api_key) as client:
        found = client.get_domain_records(_id_of(client, name))
        if zone_file:
            click.echo(found["zone_file"], nl=False)
        else:
            _show_records(found["records"])


@domains.command()
@click.argument("name")
@click.option("--wait", is_flag=True, help="Look again every ten seconds until it is verified.")
@remote_options
def verify(url: str | None, api_key: str | None, name: str, wait: bool) -> None:
    """Look the records of a domain up now. NAME: the domain, or its id. Exit code 1 while it is not verified."""
    with server(url, api_key) as client:
        domain_id = _id_of(client, name)
        found = client.verify_domain(domain_id)
        _show(found)
        while wait and found["status"] != "verified":
            time.sleep(10)
            found = client.verify_domain(domain_id)
            click.echo(f"{found['domain']} is {found['status']}.")
    if found["status"] != "verified":
        raise SystemExit(1)


def _id_of(client: Any, name: str) -> str:
    """The id of a domain by its name. Raises ClickException when there is none."""
    wanted = name.strip().rstrip(".").lower()
    for row in client.iter_domains():
        if wanted in (row["domain"], row["id"]):
            return str(row["id"])
    raise click.ClickException(f"There is no domain {name!r}; `postbridge domains add {name}` adds it.")


def _show(found: Mapping[str, Any]) -> None:
    click.echo(f"{found['domain']} is {found['status']}.{' ' + found['problem'] if found['problem'] else ''}")
    _show_records(found["records"])


def _show_records(rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        state = click.style(f"{row['state']:<11}", fg=_COLOURS.get(row["state"]))
        click.echo(f"  {state} {row['need']:<11} {row['type']:<5} {row['name']}")
        click.echo(f"           {row['value']}")
        if row["todo"]:
            click.echo(f"           {click.style(row['todo'], fg='yellow')}")
