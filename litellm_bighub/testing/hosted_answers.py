"""What the fake hosted BIGHUB can be told to answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response.

    Attributes:
        body: its bytes.
        status: its status code.
        headers: headers beside Content-Length.
        delay: seconds before it is sent.
    """

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Hangup:
    """Closes the connection without a word."""


@dataclass(frozen=True, slots=True)
class BlackHole:
    """Never answers. Ends when the client gives up, which `HostedBighub.abandoned` counts, or with the server."""


@dataclass(frozen=True, slots=True)
class Endless:
    """Says 200 and JSON, and never stops talking.

    Attributes:
        part: what it repeats.
        pause: seconds between two parts.
    """

    part: bytes = b" " * 65_536
    pause: float = 0.0


Answer: TypeAlias = Reply | Hangup | BlackHole | Endless


def reply(body: object, status: int = 200, *, headers: Mapping[str, str] | None = None, delay: float = 0.0) -> Reply:
    """Any JSON with any status."""
    headers = {"Content-Type": "application/json", **(headers or {})}
    return Reply(json.dumps(body).encode(), status, headers, delay)


def error(status: int, detail: object = "made up", *, retry_after: float | None = None) -> Reply:
    """An error in BIGHUB's shape."""
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return reply({"detail": detail}, status, headers=headers)


def garbage() -> Reply:
    """Says 200 and JSON, and is none."""
    return Reply(b'{"allowed": tr')


def allow(*, delay: float = 0.0, **fields: object) -> Reply:
    """The call may run. More fields are added, or replace these."""
    body = {"allowed": True, "result": "allowed", "reason": "within policy", "request_id": "req_allow"}
    return reply({**body, **fields}, delay=delay)


def block(reason: str = "not within policy", *, delay: float = 0.0, **fields: object) -> Reply:
    """The call must not run."""
    body = {"allowed": False, "result": "blocked", "reason": reason, "request_id": "req_block", "blocked_by": "rule"}
    return reply({**body, **fields}, delay=delay)


def require_approval(
    request_id: str = "req_approval", reason: str = "a person must look", *, delay: float = 0.0, **fields: object
) -> Reply:
    """The call waits for a person."""
    body = {"allowed": False, "result": "requires_approval", "requires_approval": True, "reason": reason}
    return reply({**body, "request_id": request_id, **fields}, delay=delay)
