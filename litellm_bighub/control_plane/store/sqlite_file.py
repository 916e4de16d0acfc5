"""The file of a SQLite database: private, and still the one that was opened."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy import Engine

from litellm_bighub.errors import DecisionUnavailable

logger = logging.getLogger(__name__)
_Identity: TypeAlias = tuple[int, int]


_expected: Final[set[Path]] = set()
"""Files that were there when this process started."""


def make_private(url: sa.URL, *, at_start: bool = False) -> None:
    """Make the file, readable by its owner alone, if it is not there. SQLite gives its log the same mode.

    Args:
        url: the database's.
        at_start: the process starts. Later it makes no file in the place of one that `expect_file` has named.
    """
    path = _path(url)
    if path is None or (path in _expected and not at_start):
        return
    with suppress(OSError):  # SQLite says better what is wrong with the place
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def expect_file(url: sa.URL) -> None:
    """Remember that the file is there. Deleted, it must not come back empty, without its limits and approvals."""
    path = _path(url)
    if path is not None:
        _expected.add(path)


def warn_if_readable(engine: Engine) -> None:
    """Log where others may read the database. Their permissions are left as they are."""
    path = _path(engine.url)
    with suppress(OSError):
        if path is not None and path.stat().st_mode & 0o077:
            logger.warning("%s can be read or written by other users; chmod 600 it, unless they serve it too", path)


class OpenedFile:
    """Checks that the open file is still the one at its path.

    A file that was deleted or replaced can be written for as long as it is open, but what is written there is lost. So
    nothing is decided until the file is back, or a restart has opened the new one.

    Args:
        engine: its database was opened just now.
    """

    def __init__(self, engine: Engine) -> None:
        self._path = _path(engine.url)
        self._opened = self._identity()
        self._gone = False

    def check(self) -> None:
        """Look whether it is there.

        Raises:
            DecisionUnavailable: it was deleted or replaced.
        """
        if self._path is None:
            return
        gone = self._identity() != self._opened
        if gone != self._gone:
            self._gone = gone
            if gone:
                logger.error(
                    "%s was deleted or replaced: nothing is decided until it is back, or a restart", self._path
                )
            else:
                logger.warning("%s is back", self._path)
        if gone:
            raise DecisionUnavailable("the control plane's database file was deleted or replaced")

    def _identity(self) -> _Identity | None:
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino


def _path(url: sa.URL) -> Path | None:
    """Where the file is; `None` without a file, or where the URL is in SQLite's own syntax."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith("file:"):
        return None
    return Path(url.database).absolute()
