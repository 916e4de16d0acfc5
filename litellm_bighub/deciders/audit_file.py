"""The audit file: every decision as one line of JSON, appended.

Each line is one `write` to a file opened for appending, so several processes may share the file. A line that was
written in part (a full disk) is ended before the next one, and the decision it told of counts as not recorded.
A line goes to the system's cache, as Python's own log handlers write theirs: a thread would cost more than the write.
Only what is no plain file, a pipe for one, is written in a thread, since it may keep its writer waiting.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Final

import anyio.to_thread

from litellm_bighub.domain.event import DecisionEvent
from litellm_bighub.domain.opt_out import OptOut
from litellm_bighub.domain.outcome import CallOutcome
from litellm_bighub.domain.unapproved import UnapprovedResult
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
        try:
            self._file: int | None = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigurationError(key, f"{path} cannot be written: {error.strerror}") from error
        self._waits = not stat.S_ISREG(os.fstat(self._file).st_mode)
        self._torn = False

    async def write(self, event: DecisionEvent | UnapprovedResult | CallOutcome | OptOut) -> None:
        """Append the event as one line.

        Raises:
            OSError: it could not be written, or not as a whole.
        """
        line = _WRITER.encode(event.told() if isinstance(event, DecisionEvent) else event.as_dict())
        # A lone surrogate in a name becomes its JSON escape.
        written = f"{line}\n".encode(errors="backslashreplace")
        if self._waits:
            await anyio.to_thread.run_sync(self._append, written)
        else:
            self._append(written)

    async def told(self, outcome: CallOutcome) -> None:
        """Append an outcome as `write` does."""
        await self.write(outcome)

    async def aclose(self) -> None:
        """Close the file. Safe to call twice."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _append(self, line: bytes) -> None:
        if self._file is None:
            raise OSError("the audit file is closed")
        line = b"\n" + line if self._torn else line
        written = os.write(self._file, line)
        self._torn = written < len(line)
        if self._torn:
            raise OSError("the audit file took only part of a line")
