"""`postbridge send`: one message, through a server elsewhere."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import click

from webapp.cli.remote import remote_options, server


@click.command()
@remote_options
@click.option("--from", "sender", metavar="ADDRESS", help="Sender; a bridge with one allowed sender may leave it out.")
@click.option("--to", "to", multiple=True, required=True, metavar="ADDRESS", help="Recipient; may be given several times.")
@click.option("--cc", multiple=True, metavar="ADDRESS")
@click.option("--bcc", multiple=True, metavar="ADDRESS")
@click.option("--reply-to", metavar="ADDRESS")
@click.option("--subject", "-s", help="Needed unless a template is named.")
@click.option("--text", "-t", help="Plain text; `-` reads it from standard input.")
@click.option("--html", help="HTML; `@page.html` reads a file.")
@click.option("--template", help="Slug of a template, instead of --text and --html.")
@click.option("--variable", "variables", multiple=True, metavar="NAME=VALUE", help="Value for the template; JSON where it is JSON.")
@click.option("--attach", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file to send along; may be given several times.")
@click.option("--tag", "tags", multiple=True)
@click.option("--bridge", metavar="ID", help="Bridge to send through; a bridge's own token needs none.")
@click.option("--at", "send_at", metavar="TIME", help="When to send: 2026-06-01T09:00:00Z.")
@click.option("--idempotency-key", metavar="TEXT", help="Sent again with the same, nothing is sent twice.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole answer.")
def send(url: str | None, api_key: str | None, as_json: bool, idempotency_key: str | None, **given: Any) -> None:
    """Send a message and print its id.

    \b
    export POSTBRIDGE_URL=https://mail.example.com POSTBRIDGE_API_KEY=mp_test_...
    postbridge send --from shop@your-domain.com --to jo@example.net -s Hello -t "It works"
    """
    message = _message(given)
    with server(url, api_key) as client:
        answer = client.send_email(**message, idempotency_key=idempotency_key)
    if as_json:
        click.echo(json.dumps(answer, indent=2))
    else:
        click.echo(f"{answer['id']}  {answer['status']}{'  (sandbox: nothing is dialled)' if answer['sandbox'] else ''}")


def _message(given: dict[str, Any]) -> dict[str, Any]:
    """Options as arguments of the client; what was not given is left out."""
    text, html = given["text"], given["html"]
    if text == "-":
        text = sys.stdin.read()
    if html and html.startswith("@"):
        html = _read(html[1:])
    if not (text or html or given["template"]):
        raise click.UsageError("There is nothing to send: give --text, --html or --template.")
    plain = {"from_": given["sender"], "text": text, "html": html} | {name: given[name] for name in ("subject", "reply_to", "template", "bridge", "send_at")}
    lists = {name: list(given[name]) for name in ("to", "cc", "bcc", "tags")}
    more = {"variables": dict(_variable(pair) for pair in given["variables"]), "attachments": [_file(path) for path in given["attach"]]}
    return {name: value for name, value in {**plain, **lists, **more}.items() if value}


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path} cannot be read: {error}") from error


def _variable(pair: str) -> tuple[str, Any]:
    name, is_there, text = pair.partition("=")
    if not is_there or not name:
        raise click.UsageError(f"Write a variable as NAME=VALUE, not {pair!r}.")
    try:
        return name, json.loads(text)
    except ValueError:
        return name, text


def _file(path: Path) -> dict[str, str]:
    return {"filename": path.name, "content": base64.b64encode(path.read_bytes()).decode()}
