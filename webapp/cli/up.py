"""`postbridge up`: everything at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import click

from webapp.cli import COMMANDS
from webapp.settings import ROOT, Settings, get_settings
from webapp.stack import engines, home
from webapp.stack.certificates import ensure_certificate
from webapp.stack.errors import StackError
from webapp.stack.home import Addresses, StackLock
from webapp.stack.logs import LogSink
from webapp.stack.ports import require_free
from webapp.stack.processes import ProcessSpec, child_environment, process_table
from webapp.stack.supervisor import Supervisor, supervising


@click.command()
@click.option("--only", multiple=True, metavar="NAME", help="Only this kind of process (repeatable): web, submission, inbound, delivery, default, ticker.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="Default: text on a terminal, json elsewhere.")
@click.option("-v", "--verbose", is_flag=True, help="Show debug lines and what the engines say.")
def up(only: tuple[str, ...], log_format: str | None, verbose: bool) -> None:
    """Start database, web, SMTP servers and workers; keep them running until Ctrl-C."""
    settings = get_settings()
    table = process_table(settings, only)
    sink = make_sink(log_format or os.environ.get("POSTBRIDGE_LOG_FORMAT", ""), verbose)
    lock = StackLock(settings.var_dir)
    own_engines = not (settings.database_url and settings.redis_url)
    if own_engines:
        lock.acquire()
    try:
        # Only the first process of a kind opens the port as far as we are concerned; its siblings share it.
        require_free({listener: None for spec in table for listener in spec.listeners})
        with supervising(sink) as supervisor:
            _run(supervisor, settings, table, sink)
    finally:
        if own_engines:
            home.unpublish(settings.var_dir)
        lock.release()


def make_sink(log_format: str, verbose: bool) -> LogSink:
    """Where logs go: stdout, as text (in colour on a terminal that wants it) or JSON."""
    is_terminal = sys.stdout.isatty()
    as_json = log_format == "json" or (log_format != "text" and not is_terminal)
    return LogSink(as_json=as_json, colour=is_terminal and not os.environ.get("NO_COLOR"), verbose=verbose)


def _run(supervisor: Supervisor, settings: Settings, table: list[ProcessSpec], sink: LogSink) -> None:
    cert, key = ensure_certificate(settings.var_dir, settings.mail_hostname, settings.tls_cert, settings.tls_key)
    addresses = _start_engines(supervisor, settings)
    env = child_environment(settings, addresses.database_url, addresses.redis_url, (str(cert), str(key)))
    if supervisor.run_once("prepare", [sys.executable, "-m", "webapp.cli", "prepare"], env) != 0:
        raise StackError("The database could not be prepared; the reason stands above. Nothing was left running.")
    supervisor.start(table, env)
    supervisor.wait_until_ready()
    sink.plain(_banner(settings, [spec.group for spec in table], env))
    supervisor.watch()


def _start_engines(supervisor: Supervisor, settings: Settings) -> Addresses:
    database_url, redis_url, admin_url = settings.database_url, settings.redis_url, None
    if database_url and redis_url:
        return Addresses(database_url, redis_url)
    postgres, valkey = engines.make_engines(settings.var_dir)
    if not database_url:
        supervisor.start_engine(postgres, signal.SIGINT)
        database_url, admin_url = postgres.database_url, postgres.admin_url
    if not redis_url:
        supervisor.start_engine(valkey)
        redis_url = valkey.redis_url
    addresses = Addresses(database_url, redis_url, admin_url)
    home.publish(settings.var_dir, addresses)
    return addresses


def _banner(settings: Settings, groups: list[str], env: Mapping[str, str]) -> str:
    lines = ["", "  Postbridge is ready.", ""]
    if "web" in groups:
        lines += [f"  Dashboard    {settings.public_url}", f"  API          {settings.public_url}/api/v1"]
    if "submission" in groups:
        host = settings.smtp_host
        lines += [f"  SMTP         {host}:{settings.submission_port} (STARTTLS), {host}:{settings.submission_tls_port} (TLS)"]
    lines += _credentials(env) if settings.demo and "demo" in COMMANDS else []
    return "\n".join([*lines, "", "  Ctrl-C stops everything; your data stays.", ""])


def _credentials(env: Mapping[str, str]) -> list[str]:
    asked = subprocess.run(
        [sys.executable, "-m", "webapp.cli", "demo", "credentials", "--json"], env=dict(env), cwd=ROOT, capture_output=True, text=True, check=False
    )
    try:
        known: dict[str, Any] = json.loads(asked.stdout)
        smtp = known["bridge"]["smtp"]
        return [
            "",
            f"  Log in as    {known['email']}   password  {known['password']}",
            f"  Staff        {known['staff_email']}   password  {known['staff_password']}",
            f"  API key      {known['api_key_test']} (sandbox)",
            f"               {known['api_key_live']} (live)",
            f"  SMTP login   {smtp['username']}   password  {smtp['password']}",
            f"  Send to      delivered@{known['simulator_domain']}, bounce@{known['simulator_domain']}, ...",
        ]
    except (ValueError, KeyError, TypeError):
        return ["  Credentials: ./run demo credentials"]
