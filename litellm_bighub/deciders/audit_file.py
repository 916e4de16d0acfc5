"""The audit file: every decision as one line of JSON, appended.

Each line is one `write` to a file opened for appending, so several processes may share the file; the system's lock on
it lets one of them write at a time. A line that was written in part (a full disk) is cut off again, and the decision it
told of counts as not recorded. A part that another process left, when it was killed, is ended before the next line.
Where the file was deleted or moved away, as logs are when they are rotated, the next line begins a new one.
A line goes to the system's cache, as Python's own log handlers write theirs: a thread would cost more than the write.
Only what is no plain file, a pipe for one, is written in a thread, since it may keep its writer waiting.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Awaitable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import anyio.to_thread

from litellm_bighub.domain.event import CallOutcome, DecisionEvent, OptOut, UnapprovedResult
from litellm_bighub.errors import ConfigurationError

_WRITER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class AuditFile:
    """Appends events to a JSON Lines file that only its owner may read.

    Args:
        path: the file; it is made if it is not there, its folder is not.
        key: the setting that names it, for errors.

    Raises:
        ConfigurationError: the file cannot be opened for writing.
    """

    def __init__(self, path: Path, *, key: str = "audit_file") -> None:
        self._path = path.absolute()
        try:
            self._file: int | None = _opened(self._path)
        except OSError as error:
            raise ConfigurationError(key, f"{path} cannot be written: {error.strerror}") from error
        self._waits = not stat.S_ISREG(os.fstat(self._file).st_mode)
        self._torn = not self._waits and _is_torn(path)

    def write(self, event: DecisionEvent | UnapprovedResult | CallOutcome | OptOut) -> Awaitable[None] | None:
        """Append the event as one line; to what is no plain file, when what is returned is awaited.

        Raises:
            OSError: it could not be written, or not as a whole.
        """
        line = _WRITER.encode(event.as_shared_dict() if isinstance(event, DecisionEvent) else event.as_dict())
        # A lone surrogate in a name becomes its JSON escape.
        written = f"{line}\n".encode(errors="backslashreplace")
        if self._waits:
            return anyio.to_thread.run_sync(self._append, written, abandon_on_cancel=True)
        self._append(written)
        return None

    async def record(self, event: DecisionEvent | UnapprovedResult | CallOutcome | OptOut) -> None:
        """Append the event as `write` does, and wait for that."""
        appended = self.write(event)
        if appended is not None:
            await appended

    async def aclose(self) -> None:
        """Close the file. Safe to call twice."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _append(self, line: bytes) -> None:
        if self._file is None:
            raise OSError("the audit file is closed")
        if self._waits:
            _write(self._file, line)
            return
        if _is_another(self._path, self._file):
            begun = _opened(self._path)
            os.close(self._file)
            self._file, self._torn = begun, _is_torn(self._path)
        with _alone(self._file):
            size = os.fstat(self._file).st_size
            try:
                _write(self._file, b"\n" + line if self._torn else line)
            except OSError:
                os.ftruncate(self._file, size)
                raise
        self._torn = False


def _opened(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _is_another(path: Path, file: int) -> bool:
    """Whether the path names another file by now, or none: it was deleted, or moved away to begin a new one."""
    try:
        return not os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return True


def _is_torn(path: Path) -> bool:
    """Whether a line without an end stands last in the file, as far as the file may be read."""
    try:
        with path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read() != b"\n"
    except OSError:
        return False


def _write(file: int, line: bytes) -> None:
    if os.write(file, line) < len(line):
        raise OSError("the audit file took only part of a line")


if sys.platform == "win32":

    @contextmanager
    def _alone(file: int) -> Generator[None]:
        """Windows locks no file in this way; there each process needs a file of its own."""
        del file
        yield

else:
    import fcntl

    @contextmanager
    def _alone(file: int) -> Generator[None]:
        """No other process writes to the file meanwhile."""
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
