"""A real PostgreSQL of one's own: Debian's package, in a temporary directory, on a unix socket.

The server runs on a leash: it ends with the process that started it, however that ends, and its files go with it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import psycopg
from psycopg import sql

from litellm_bighub.control_plane.store.database import open_database
from litellm_bighub.testing import leash

PORT = 5432  # names the socket's file; nothing listens on TCP
READY = "ready to accept connections"
THEN_REMOVE = 'trap : TERM; "$@"; rm -rf "$0"'
"""A shell's script: it outlives the signal that ends the server, which gets its default effect back, and cleans up."""


def binaries() -> Path | None:
    """Where `initdb` lives, `None` without PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def cluster(bin_dir: Path) -> Iterator[Path]:
    """Start a cluster; gives the directory of its socket. It is stopped whatever happens."""
    home = Path(tempfile.mkdtemp(prefix="bighub-pg-"))
    try:
        with _leashed(home, *_made(bin_dir, home)) as server:
            yield home
            _stop(bin_dir, home)
            server.wait()
    finally:
        shutil.rmtree(home, ignore_errors=True)


class Server:
    """A cluster that can be stopped and started again."""

    def __init__(self, bin_dir: Path, home: Path) -> None:
        self.url = f"postgresql://postgres@/postgres?host={home}"
        self._bin_dir = bin_dir
        self._home = home
        self._command = _made(bin_dir, home)
        self._running = ExitStack()
        self.start()

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        server = self._running.enter_context(_leashed(self._home / "nothing", *self._command))
        self._running.callback(server.wait)
        self._running.callback(_stop, self._bin_dir, self._home)

    def stop(self) -> None:
        """Cut every connection, and end it."""
        self._running.close()


@contextmanager
def restartable(bin_dir: Path) -> Iterator[Server]:
    """Start a cluster that can be stopped and started again."""
    home = Path(tempfile.mkdtemp(prefix="bighub-pg-"))
    try:
        server = Server(bin_dir, home)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _made(bin_dir: Path, home: Path) -> tuple[object, ...]:
    """The command that serves a new cluster."""
    if os.geteuid() == 0:  # PostgreSQL refuses to be root
        user = pwd.getpwnam("postgres")
        os.chown(home, user.pw_uid, user.pw_gid)
    data = home / "data"
    _run(bin_dir / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--no-locale")
    settings = ("listen_addresses=", "max_connections=200", "fsync=off")  # its files need not outlive the machine
    options = ("-k", home, "-p", PORT, *(word for setting in settings for word in ("-c", setting)))
    return (bin_dir / "postgres", "-D", data, *options)


def _stop(bin_dir: Path, home: Path) -> None:
    _run(bin_dir / "pg_ctl", "-D", home / "data", "-W", "-m", "immediate", "stop")


@contextmanager
def _leashed(home: Path, *command: object) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-I", leash.__file__, "sh", "-c", THEN_REMOVE, str(home), *_words(command)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/") as server:
        assert server.stdin is not None
        assert server.stderr is not None
        try:
            told = next((line for line in server.stderr if READY in line), None)
            assert told, "PostgreSQL did not start"
            Thread(target=server.stderr.read, daemon=True).start()  # a full pipe would stop the server
            yield server
        finally:
            server.stdin.close()


def _run(*command: object) -> None:
    subprocess.run(_words(command), check=True, stdout=subprocess.DEVNULL, cwd="/")


def _words(command: tuple[object, ...]) -> list[str]:
    words = [str(word) for word in command]
    as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"]
    return as_postgres + words if os.geteuid() == 0 else words


class Databases:
    """Databases of a cluster with the newest schema and nothing in them.

    One that a test has used is emptied and handed out again, which costs a tenth of a copy. It is dropped if a client
    has stayed connected, its tables are not what they were, or it has grown: the next test is to notice nothing.
    """

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._idle: list[str] = []
        with self._connect("postgres") as connection:
            connection.execute("CREATE DATABASE migrated")
        open_database(self.url("migrated")).dispose()
        with self._connect("migrated") as connection:
            self._tables = connection.execute(_TABLES).fetchall()
            self._most_bytes = _bytes(connection) + 2_000_000
            self._empty = _emptying(connection)

    @contextmanager
    def one(self, *, migrated: bool = True) -> Iterator[str]:
        """The URL of a database for one test; one that is not migrated has no tables."""
        name = self._idle.pop() if migrated and self._idle else self._made("migrated" if migrated else "template1")
        yield self.url(name)
        if migrated and self._is_emptied(name):
            self._idle.append(name)
        else:
            with self._connect("postgres") as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self._socket}"

    def _made(self, template: str) -> str:
        name = f"test_{uuid.uuid4().hex}"
        with self._connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def _is_emptied(self, name: str) -> bool:
        with self._connect(name) as connection:
            if not any(connection.execute(_ALONE).fetchone() == (True,) for _ in range(100)):
                return False
            if connection.execute(_TABLES).fetchall() != self._tables or _bytes(connection) > self._most_bytes:
                return False
            connection.execute(self._empty)
        return True

    def _connect(self, name: str) -> psycopg.Connection:
        return psycopg.connect(self.url(name), autocommit=True)


_TABLES = """
SELECT oid, relname, relfilenode, relnatts, relchecks, relhastriggers, relacl::text
FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY oid
"""
"""Whatever of tables and their indexes a test could have changed."""
_ALONE = """
SELECT count(*) = 0 FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


def _bytes(connection: psycopg.Connection) -> int:
    [size] = connection.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
    return int(size)


def _emptying(connection: psycopg.Connection) -> sql.Composed:
    """What gives every table the rows that it has now, and every counter its number."""
    statements: list[sql.Composable] = []
    for [table] in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
        named = sql.Identifier(table)
        statements.append(sql.SQL("DELETE FROM {}").format(named))
        for row in connection.execute(sql.SQL("SELECT * FROM {}").format(named)).fetchall():
            values = sql.SQL(", ").join(map(sql.Literal, row))
            statements.append(sql.SQL("INSERT INTO {} VALUES ({})").format(named, values))
    for name, last in connection.execute("SELECT sequencename, last_value FROM pg_sequences").fetchall():
        statements.append(sql.SQL("SELECT setval({}, {}, {})").format(name, last or 1, last is not None))
    return sql.SQL("; ").join(statements)
