"""Commands that work on a server elsewhere, with an API key: what they have in common."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

from webapp.settings import ROOT

if importlib.util.find_spec("postbridge_client") is None:  # a checkout: the client's package stands beside the application
    sys.path.append(str(ROOT / "clients" / "python"))

if TYPE_CHECKING:
    from postbridge_client import Postbridge

Command = TypeVar("Command", bound=Callable[..., Any])


def remote_options(command: Command) -> Command:
    """``--url`` and ``--key`` of a server, or the environment's; the command gets them as ``url`` and ``api_key``."""
    key = click.option(
        "--key",
        "api_key",
        metavar="KEY",
        envvar="POSTBRIDGE_API_KEY",
        help="API key or bridge token; better in POSTBRIDGE_API_KEY, where no list of processes shows it.",
    )
    url = click.option("--url", metavar="URL", envvar="POSTBRIDGE_URL", help="Address of the server, such as https://mail.example.com; or POSTBRIDGE_URL.")
    return url(key(command))


@contextlib.contextmanager
def server(url: str | None, api_key: str | None) -> Iterator[Postbridge]:
    """A client of the server. What it refuses becomes one message with every problem and where to read more; exit code 1."""
    from postbridge_client import Postbridge, PostbridgeError

    if not url or not api_key:
        absent = " and ".join(name for name, value in (("--url (or POSTBRIDGE_URL)", url), ("--key (or POSTBRIDGE_API_KEY)", api_key)) if not value)
        raise click.UsageError(f"Say which server and with which key: {absent} is missing.")
    try:
        with Postbridge(url, api_key) as client:
            yield client
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except PostbridgeError as error:
        raise click.ClickException(told(error)) from error


def told(error: Any) -> str:
    """A refusal as a person reads it."""
    lines = [f"{error.message} [{error.code}]"]
    lines += [f"  {problem.param or '-'}: {problem.message}" for problem in error.problems if len(error.problems) > 1 or problem.param]
    if error.doc_url:
        lines.append(f"  See {error.doc_url}")
    if error.request_id and (error.status or 0) >= 500:
        lines.append(f"  Request {error.request_id}")
    return "\n".join(lines)
