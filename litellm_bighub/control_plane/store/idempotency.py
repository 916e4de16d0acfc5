"""Answering a repeated request with the first answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, delete, select

from litellm_bighub.control_plane.store.chain import dump
from litellm_bighub.control_plane.store.schema import idempotency

KEPT_SECONDS = 24 * 3600


class KeyReused(ValueError):  # noqa: N818 - names the state
    """The same Idempotency-Key came with another request."""


def once(
    connection: Connection, key: str, request: dict[str, Any], now: float, make: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Make the answer, or give the one that was made for this key.

    Args:
        connection: within a writing transaction.
        key: caller, path and the caller's key.
        request: the body; another one under the same key is refused.
        now: POSIX seconds.
        make: makes the answer.

    Raises:
        KeyReused: see there.
    """
    asked = hashlib.sha256(dump(request).encode()).hexdigest()
    name = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
    known = (
        connection.execute(
            select(idempotency).where(idempotency.c.key == name, idempotency.c.created_at > now - KEPT_SECONDS)
        )
        .mappings()
        .one_or_none()
    )
    if known is not None:
        if known["request"] != asked:
            raise KeyReused
        answer: dict[str, Any] = json.loads(known["response"])
        return answer
    answer = make()
    connection.execute(delete(idempotency).where(idempotency.c.key == name))
    connection.execute(
        idempotency.insert(), {"key": name, "request": asked, "response": dump(answer), "created_at": now}
    )
    return answer


def purge(connection: Connection, *, before: float) -> int:
    """Forget answers that are older; how many there were."""
    return connection.execute(delete(idempotency).where(idempotency.c.created_at < before)).rowcount
