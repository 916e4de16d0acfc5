"""Opening the database: SQLite in a file, or PostgreSQL, brought to the newest schema.

SQLite runs in WAL mode with `synchronous=NORMAL`: a killed process loses nothing, a power cut may lose the last
moments. `PRAGMA data_version` and PostgreSQL's NOTIFY tell processes of each other's changes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import ArgumentError, OperationalError

from litellm_bighub.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlite3 import Connection as SQLiteConnection

    from sqlalchemy.pool import ConnectionPoolEntry

NEWEST = "0007"
LOCK = 0x6267687562
"""PostgreSQL's advisory lock of all writers."""
CHANNEL = "litellm_bighub"
_BUSY_MS = 15_000


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite:///{path}"


def open_database(url: str) -> Engine:
    """Open a database and bring its schema up to date. Safe when several processes do it at once.

    Raises:
        ConfigurationError: the URL is not one of SQLite or PostgreSQL, or the database cannot be opened.
    """
    check_url(url)
    engine = _engine(sa.make_url(url))
    try:
        _migrate(engine)
    except OperationalError as error:
        engine.dispose()
        raise ConfigurationError("database_url", f"cannot be opened: {error.orig}") from error
    return engine


def check_url(url: str) -> None:
    """Say whether a URL can be used at all, without connecting.

    Raises:
        ConfigurationError: it is not one of SQLite or PostgreSQL.
    """
    try:
        _engine(sa.make_url(url)).dispose()
    except (ArgumentError, ModuleNotFoundError) as error:
        raise ConfigurationError("database_url", f"cannot be used: {type(error).__name__}") from error


def begin_writing(connection: Connection) -> None:
    """Start a transaction that no other writer of any process overlaps."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")


def _engine(url: sa.URL) -> Engine:
    match url.get_backend_name():
        case "sqlite":
            if not url.database or url.database == ":memory:":
                raise ConfigurationError("database_url", "SQLite needs a file, which all processes share")
            engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
            event.listen(engine, "connect", _tune_sqlite)
            return engine
        case "postgresql":
            # asyncpg and others would need a second code path; psycopg serves every PostgreSQL.
            return sa.create_engine(
                url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", pool_pre_ping=True
            )
        case other:
            raise ConfigurationError("database_url", f"{other} is not supported; use sqlite or postgresql")


def _tune_sqlite(connection: SQLiteConnection, _entry: ConnectionPoolEntry) -> None:
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the schema to a revision, within the transaction of the caller.

    Raises:
        ConfigurationError: the database's own revision is not known here.
    """
    from alembic import command  # noqa: PLC0415 - slow to import, and needed only when the schema changes
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise ConfigurationError("database_url", "the database was made by a newer litellm-bighub") from error


def _migrate(engine: Engine) -> None:
    with engine.connect() as connection:
        if _revision(connection) == NEWEST:
            return
        begin_writing(connection)
        try:
            if _revision(connection) != NEWEST:  # another process may have been quicker
                upgrade(connection)
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")


def _revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
