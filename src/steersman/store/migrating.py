"""Brings a database to the tables of this version, however many servers start at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from steersman.core.errors import UserError
from steersman.store import engines

FOLDER = Path(__file__).with_name("migrations")
# Taken for the transaction: who comes second waits, and then finds nothing to do.
_ALONE = text("SELECT pg_advisory_xact_lock(7023390)")


def config() -> Config:
    """Return what alembic must know."""
    found = Config()
    found.set_main_option("script_location", str(FOLDER))
    return found


def migrate(url: str) -> None:
    """Bring the database at *url* up to date; one that a newer version made is refused."""
    engine = engines.open_engine(url)
    try:
        with engine.connect() as connection, connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(_ALONE)
            settings = config()
            settings.attributes["connection"] = connection
            _refuse_newer(
                ScriptDirectory.from_config(settings),
                MigrationContext.configure(connection).get_current_revision(),
            )
            command.upgrade(settings, "head")
    except DBAPIError as error:
        raise engines.explained(error) from error
    finally:
        engine.dispose()


def _refuse_newer(scripts: ScriptDirectory, current: str | None) -> None:
    if current is None:
        return
    try:
        scripts.get_revision(current)
    except CommandError:
        raise UserError(
            f"the database was made by a newer version of Steersman (its tables are {current})",
            hint="start that version, or restore the backup from before the upgrade",
        ) from None
