"""The `postbridge` command. One file a group, loaded only when it is called."""

from __future__ import annotations

import importlib
import os
import sys

import click

from webapp.kernel.errors import DomainError
from webapp.settings import SettingError, get_settings
from webapp.stack.errors import StackError

#: Word after `postbridge` -> "module:attribute" of a click command or group.
COMMANDS = {
    "up": "webapp.cli.up:up",
    "prepare": "webapp.cli.prepare:prepare",
    "db": "webapp.cli.db:db",
    "doctor": "webapp.cli.doctor:doctor",
    "demo": "webapp.cli.demo:demo",
    "queue": "webapp.cli.queue:queue",
    "ip": "webapp.cli.routing:ip",
    "tls": "webapp.cli.routing:tls",
    "hold": "webapp.cli.pace:hold",
    "drain": "webapp.cli.pace:drain",
    "release": "webapp.cli.pace:release",
    "throttle": "webapp.cli.pace:throttle",
    "warmup": "webapp.cli.pace:warmup",
    "guard": "webapp.cli.guard:guard",
    "suppressions": "webapp.cli.suppressions:suppressions",
    "incidents": "webapp.cli.incidents:incidents",
    "tenant": "webapp.cli.tenant:tenant",
    "user": "webapp.cli.user:user",
    "key": "webapp.cli.keys:key",
    "keys": "webapp.cli.keys:key",
    "send": "webapp.cli.send:send",
    "tail": "webapp.cli.tail:tail",
    "domains": "webapp.cli.domains:domains",
}

#: These bring up what they need themselves, or need nothing: the last ones work on a server elsewhere.
_WITHOUT_ENGINES = {"up", "prepare", "db", "doctor", "key", "keys", "send", "tail", "domains"}


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for, and tells known failures as one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The words, in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; None for an unknown word."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run; StackError, SettingError and DomainError become `Error: ...` and exit code 1."""
        try:
            return super().invoke(ctx)
        except (StackError, SettingError, DomainError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(ctx: click.Context) -> None:
    """Postbridge: self-hosted, multi-tenant email sending.

    Commands work on the Postbridge that runs in this checkout (or on DATABASE_URL and REDIS_URL); when it is not
    running, its database is started for as long as the command takes. `send`, `tail`, `keys` and `domains` work on a
    server elsewhere: POSTBRIDGE_URL and POSTBRIDGE_API_KEY, or --url and --key.
    """
    if ctx.invoked_subcommand not in _WITHOUT_ENGINES and not {"-h", "--help"} & set(sys.argv):
        attach(ctx)


def attach(ctx: click.Context) -> None:
    """Point this process at the running engines, or run them until the command ends. Migrates what it starts."""
    settings = get_settings()
    if settings.database_url and settings.redis_url:
        return
    from webapp.stack.engines import running_engines
    from webapp.stack.home import find_running
    from webapp.stack.migrations import upgrade

    is_up = find_running(settings.var_dir) is not None
    addresses = ctx.with_resource(running_engines(settings.var_dir))
    os.environ["DATABASE_URL"] = settings.database_url or addresses.database_url
    os.environ["REDIS_URL"] = settings.redis_url or addresses.redis_url
    get_settings.cache_clear()
    if not is_up:
        upgrade(os.environ["DATABASE_URL"])
