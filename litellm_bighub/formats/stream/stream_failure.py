"""Why a stream that may have begun goes on no further; each format tells it as its own clients expect."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class StreamFailure:
    """The failure of a stream.

    Attributes:
        kind: the error's type, as whole answers name it.
        message: for the caller.
        status: the HTTP status that a whole answer would have.
        last: the event that was sent last; `None` if there was none.
        begun: the answer as far as the stream's first events told it, in formats whose events do.
    """

    kind: str
    message: str
    status: int
    last: object = None
    begun: object = None

    @property
    def is_servers(self) -> bool:
        """Whether the fault is the server's, so that the same request may succeed later."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR
