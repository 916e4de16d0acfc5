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
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

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
