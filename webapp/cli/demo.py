"""`postbridge demo`: the demo tenant and its credentials."""

from __future__ import annotations

import json
from typing import Any

import click

from webapp.demo import demo_credentials, ensure_demo


@click.group()
def demo() -> None:
    """Make the demo tenant, show how to use it."""


@demo.command()
def ensure() -> None:
    """Make the demo tenant, or what is missing of it."""
    ensure_demo()
    click.echo("The demo is there; see `postbridge demo credentials`.")


@demo.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
def credentials(as_json: bool) -> None:
    """Print addresses, logins, keys and the bridge of the demo."""
    known = demo_credentials()
    if as_json:
        click.echo(json.dumps(known, indent=2))
        return
    for name, value in _lines(known):
        click.echo(f"{name:<22} {value}")


def _lines(values: dict[str, Any], before: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        found += _lines(value, f"{before}{name}.") if isinstance(value, dict) else [(before + name, str(value))]
    return found
