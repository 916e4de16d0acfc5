"""Answering a repeated request with the first answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from sqlalchemy import Connection, delete, select

from litellm_bighub.control_plane.store.chain import dump
from litellm_bighub.control_plane.store.schema import idempotency
from litellm_bighub.domain.payload import JsonObject

KEPT_SECONDS = 24 * 3600


class KeyReused(ValueError):  # noqa: N818 - names the state
    """The same Idempotency-Key came with another request."""


def once(
    connection: Connection, key: str, request: JsonObject, now: float, make: Callable[[], JsonObject]
) -> JsonObject:
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
    known = find(connection, key, request, now)
    if known is not None:
        return known
    answer = make()
    put(connection, key, request, answer, now)
    return answer


def find(connection: Connection, key: str, request: JsonObject, now: float) -> JsonObject | None:
    """What was kept for this key; arguments as for `once`.

    Raises:
        KeyReused: see there.
    """
    fresh = idempotency.c.created_at > now - KEPT_SECONDS
    query = select(idempotency).where(idempotency.c.key == _digest(key), fresh)
    known = connection.execute(query).mappings().one_or_none()
    if known is None:
        return None
    if known["request"] != _digest(dump(request)):
        raise KeyReused
    kept: JsonObject = json.loads(known["response"])
    return kept


def put(connection: Connection, key: str, request: JsonObject, kept: JsonObject, now: float) -> None:
    """Keep something for this key; arguments as for `once`."""
    name = _digest(key)
    connection.execute(delete(idempotency).where(idempotency.c.key == name))
    row = {"key": name, "request": _digest(dump(request)), "response": dump(kept), "created_at": now}
    connection.execute(idempotency.insert(), row)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def purge(connection: Connection, *, before: float, limit: int | None = None) -> int:
    """Forget answers that are older, at most so many, the oldest first; how many there were."""
    old = select(idempotency.c.key).where(idempotency.c.created_at < before)
    if limit is not None:
        old = old.order_by(idempotency.c.created_at).limit(limit)
    return connection.execute(delete(idempotency).where(idempotency.c.key.in_(old))).rowcount
