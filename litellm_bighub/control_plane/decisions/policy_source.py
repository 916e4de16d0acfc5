"""The policy file: read at the start and when it changes. An invalid change is refused, and the old one stays."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from litellm_bighub.errors import ConfigurationError
from litellm_bighub.policy.policy_file import load_text
from litellm_bighub.policy.policy_text import PolicyText

logger = logging.getLogger(__name__)
LOOK_SECONDS = 0.5
Signature: TypeAlias = tuple[int, int, int]
PolicyCheck: TypeAlias = Callable[[PolicyText], None]
"""Refuses a policy that cannot be used here, by a `ConfigurationError`."""


def any_policy(_: PolicyText) -> None:
    """Refuses none."""


class PolicySource:
    """Holds the content of a policy file, and looks at the file at most every half second.

    A look is one `stat`, made when a decision is asked for: no thread, and links that are exchanged (as Kubernetes
    does) are seen too.

    Attributes:
        text: the last valid content.
        path: the file; `None` for a policy that comes from elsewhere and never changes.
        problem: why the file's present content was refused; `None` if it was not.
    """

    def __init__(
        self,
        text: PolicyText,
        path: Path | None = None,
        *,
        seen: Signature | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        check: PolicyCheck = any_policy,
    ) -> None:
        self.text = text
        self.path = path
        self.problem: ConfigurationError | None = None
        self._monotonic = monotonic
        self._check = check
        self._seen = seen
        self._next_look = monotonic() + LOOK_SECONDS

    @classmethod
    def from_file(
        cls, path: Path, *, monotonic: Callable[[], float] = time.monotonic, check: PolicyCheck = any_policy
    ) -> PolicySource:
        """Read a file.

        Args:
            path: of the file.
            monotonic: seconds.
            check: looks at its content now and after every change.

        Raises:
            ConfigurationError: it is no policy, or one that the check refuses.
        """
        seen = _signature(path)  # before reading: a change in between is then seen as one
        text = load_text(path)
        check(text)
        return cls(text, path, seen=seen, monotonic=monotonic, check=check)

    def refresh(self) -> bool:
        """Look at the file if it is time to.

        Returns:
            Whether its content was just accepted or refused.
        """
        if self.path is None or self._monotonic() < self._next_look:
            return False
        self._next_look = self._monotonic() + LOOK_SECONDS
        seen = _signature(self.path)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            text = load_text(self.path)
            self._check(text)
        except ConfigurationError as error:
            self.problem = error
            logger.error("the policy was changed to something that is refused; the old one stays: %s", error)  # noqa: TRY400 - the message says it all
            return True
        self.problem = None
        if text == self.text:
            return False
        self.text = text
        logger.info("the policy was changed: %d rules", len(text.rules))
        return True


def _signature(path: Path) -> Signature | None:
    """What changes with the file; `None` if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
