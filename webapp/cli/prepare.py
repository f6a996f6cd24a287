"""`postbridge prepare`: what has to happen between the engines' start and everybody else's."""

from __future__ import annotations

import click

from webapp import logs
from webapp.settings import get_settings
from webapp.stack import migrations


@click.command(hidden=True)
def prepare() -> None:
    """Bring the schema up to date and, with POSTBRIDGE_DEMO on, make the demo tenant when there is none."""
    settings = get_settings()
    logs.configure(settings, "prepare")
    migrations.require_known_revision(settings.database_url)
    current, head = migrations.current_and_head(settings.database_url)
    if current != head:
        click.echo(f"Migrating the database from {current or 'nothing'} to {head}.")
        migrations.upgrade(settings.database_url)
    from webapp.bootstrap import ensure_platform
    from webapp.demo import ensure_demo

    if settings.demo:
        ensure_demo()
    else:
        ensure_platform()
