"""Opening the database: SQLite in a file, or PostgreSQL, brought to the newest schema.

SQLite runs in WAL mode with `synchronous=NORMAL`: a killed process loses nothing, a power cut may lose the last
moments. `PRAGMA data_version` and PostgreSQL's NOTIFY signal changes to other processes.
"""

from __future__ import annotations

import math
import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError

from litellm_bighub.control_plane.store.sqlite_file import expect_file, make_private
from litellm_bighub.control_plane.store.time_limit import hang_up_after, hang_up_driver_after
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlite3 import Connection as SQLiteConnection

    from sqlalchemy.pool import ConnectionPoolEntry

NEWEST = "0031"
"""The last migration. A test compares it with the files, since importing alembic takes long."""
LOCK = 0x6267687562
"""PostgreSQL's advisory lock of all writers."""
CHANNEL = "litellm_bighub"
PATIENCE_SECONDS: Final = 15.0
"""Default for connections and locks."""


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite:///{path}"


def open_database(url: str, *, patience: float | None = None, at_start: bool = False) -> Engine:
    """Open a database and bring its schema up to date. Safe when several processes do it at once.

    Args:
        url: of SQLite or PostgreSQL.
        patience: how many seconds a connection, a lock or a statement may take. Without it, a statement as long as it
            needs, the others 15 seconds.
        at_start: as for `make_private`.

    Raises:
        ConfigurationError: the URL is not one of SQLite or PostgreSQL, or the database cannot be opened.
    """
    check_url(url)
    parsed = sa.make_url(url)
    make_private(parsed, at_start=at_start)
    engine = _engine(parsed, patience)
    try:
        _migrate(engine, patience)
    except DBAPIError as error:
        engine.dispose()
        # LiteLLM's log hides everything after "database_url:", the name included.
        raise ConfigurationError(
            f"database_url ({_url_without_secrets(parsed)})", f"cannot be opened: {_reason(error, parsed)}"
        ) from error
    return engine


def open_existing(url: str) -> Engine:
    """Open a database that holds a control plane already, for those who look at one and are not to make one.

    Raises:
        ConfigurationError: there is none, or `open_database` cannot open it.
    """
    check_url(url)
    given = sa.make_url(url)
    if given.get_backend_name() == "sqlite":
        file = Path(given.database or "")
        if not file.is_file():
            raise ConfigurationError("database_url", f"{file.absolute()} does not exist")
        engine = sa.create_engine(given)  # not tuned: what is looked at may be no database of ours, and stays as it is
    else:
        engine = _engine(given)
    try:
        with engine.connect() as connection:
            if _revision(connection) is None:
                where = engine.url.render_as_string(hide_password=True)
                raise ConfigurationError("database_url", f"{where} holds no control plane of litellm-bighub")
    except DBAPIError as error:
        raise ConfigurationError("database_url", f"cannot be opened: {_reason(error, given)}") from error
    finally:
        engine.dispose()
    return open_database(url)


def check_opening(url: str, *, patience: float) -> None:
    """Open a database once, and let it go: each process opens its own when it needs it.

    This process makes no file in its place any more. One that is deleted before the first call must not come back
    empty, without its limits and approvals.

    Raises:
        ConfigurationError: it cannot be opened.
    """
    engine = open_database(url, patience=patience, at_start=True)
    engine.dispose()
    expect_file(engine.url)


def _url_without_secrets(url: sa.URL) -> str:
    return url.set(query={}).render_as_string(hide_password=True)


def _reason(error: DBAPIError, url: sa.URL) -> str:
    """The driver's message on one line, without the password."""
    reason = " ".join(str(error.orig).split())
    return reason.replace(url.password, "***") if url.password else reason


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


def _engine(url: sa.URL, patience: float | None = None) -> Engine:
    waits = PATIENCE_SECONDS if patience is None else patience
    match url.get_backend_name():
        case "sqlite":
            if not url.database or url.database == ":memory:":
                raise ConfigurationError("database_url", "SQLite needs a file, which all processes share")
            engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", pool_timeout=waits)
            event.listen(engine, "do_connect", _connect_existing_file)
            event.listen(engine, "connect", partial(_tune_sqlite, waits))
            return engine
        case "postgresql":
            # asyncpg and others would need a second code path; psycopg serves every PostgreSQL.
            engine = sa.create_engine(
                url.set(drivername="postgresql+psycopg"),
                isolation_level="AUTOCOMMIT",
                pool_timeout=waits,
                connect_args=connect_options(url, waits),
            )
            event.listen(engine, "checkout", partial(_ping, waits))
            event.listen(engine, "connect", partial(_tune_postgres, waits, 0 if patience is None else patience))
            return engine
        case other:
            raise ConfigurationError("database_url", f"{other} is not supported; use sqlite or postgresql")


def connect_options(url: sa.URL, seconds: float) -> JsonObject:
    """Options of a connection to PostgreSQL beyond its URL. They make it notice a server that is gone."""
    options_by_name = {
        "connect_timeout": max(2, math.ceil(seconds)),  # libpq's least
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": int(seconds * 1000),
    }
    return {name: value for name, value in options_by_name.items() if name not in url.query}


def _ping(waits: float, connection: Any, _entry: ConnectionPoolEntry, _proxy: object) -> None:
    """See whether a pooled connection still works. SQLAlchemy's own ping waits for ever."""
    import psycopg  # noqa: PLC0415 - an extra, installed where there is PostgreSQL

    try:
        with hang_up_driver_after(waits, connection):
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        raise DisconnectionError from error


def _tune_postgres(waits: float, runs: float, connection: Any, _entry: ConnectionPoolEntry) -> None:
    """Bound what waits for a lock, and what runs. By statements: poolers know no other way."""
    autocommit, connection.autocommit = connection.autocommit, True
    connection.execute(f"SET lock_timeout = {int(waits * 1000)}; SET statement_timeout = {int(runs * 1000)}")
    connection.autocommit = autocommit


def _connect_existing_file(_dialect: Any, _entry: Any, where: list[Any], options: JsonObject) -> None:
    """Connect without making the file. Only `open_database` makes it: a deleted file must not come back empty."""
    path = Path(where[0])
    if not options.get("uri"):
        where[0] = f"{path.absolute().as_uri()}?mode=rw"
        options["uri"] = True


def _tune_sqlite(waits: float, connection: SQLiteConnection, _entry: ConnectionPoolEntry) -> None:
    connection.execute(f"PRAGMA busy_timeout={int(waits * 1000)}")
    until = time.monotonic() + waits
    while not _writes_ahead(connection, until):
        time.sleep(0.01)
    connection.execute("PRAGMA synchronous=NORMAL")


def _writes_ahead(connection: SQLiteConnection, until: float) -> bool:
    """Switch SQLite's log on. While several do so at once, it says that it is busy without waiting."""
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error) or time.monotonic() > until:
            raise
        return False
    return True


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


def _migrate(engine: Engine, patience: float | None) -> None:
    with engine.connect() as connection:
        with hang_up_after(patience) as watch:
            watch(connection)
            if _revision(connection) == NEWEST:
                return
            begin_writing(connection)
        try:
            if connection.dialect.name != "sqlite":  # an upgrade of much data may take long, but waits for no lock
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
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
