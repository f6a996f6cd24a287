"""Alembic as functions: no ini file, the scripts are those of this checkout."""

from __future__ import annotations

import io

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import NullPool, create_engine

from webapp.settings import ROOT
from webapp.stack.errors import StackError


def config(database_url: str) -> Config:
    """The Alembic configuration for one database."""
    made = Config(stdout=io.StringIO())  # what it prints is for a command line of its own
    made.set_main_option("script_location", str(ROOT / "migrations"))
    made.set_main_option("sqlalchemy.url", database_url.replace("%", "%%"))
    return made


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the schema to a revision, as the role in `database_url`. Safe to call from several processes at once."""
    command.upgrade(config(database_url), revision)


def downgrade(database_url: str, revision: str) -> None:
    """Take the schema back to a revision ('-1' is one step, 'base' is nothing left)."""
    command.downgrade(config(database_url), revision)


def differences(database_url: str) -> str:
    """What the models have and the database has not, or the other way round, as text; '' when they agree."""
    try:
        command.check(config(database_url))
    except CommandError as error:
        return str(error)
    return ""


def current_and_head(database_url: str) -> tuple[str | None, str | None]:
    """The revision the database is at (None: empty) and the newest one of this checkout."""
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current, ScriptDirectory.from_config(config(database_url)).get_current_head()


def require_known_revision(database_url: str) -> None:
    """Raise StackError when the database is ahead of this checkout (made by a newer version)."""
    current, _ = current_and_head(database_url)
    known = {script.revision for script in ScriptDirectory.from_config(config(database_url)).walk_revisions()}
    if current is not None and current not in known:
        raise StackError(
            f"The database is at revision {current}, which this version does not know: it was used with a newer one. "
            "Take that version again, or set POSTBRIDGE_VAR_DIR to a fresh folder."
        )
