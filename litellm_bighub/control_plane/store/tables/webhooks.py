"""Webhooks and what is delivered to them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import BindParameter, ColumnElement, Connection, RowMapping, and_, delete, exists, or_, select, update

from litellm_bighub.control_plane.store.chain import dump
from litellm_bighub.control_plane.store.schema import deliveries, events, head, webhooks
from litellm_bighub.domain.payload import JsonObject

_CURSOR = 2
Format = Literal["bighub", "slack"]
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where events are sent.

    Attributes:
        events: types that it receives. Empty means all, and for Slack only approvals that wait.
        format: what a delivery looks like.
        inbox_url: where messages for Slack link to.
        after: the newest event when it was switched on; it receives those that come later. `None` in one that was added
            before webhooks had this: there, the clock says what came later.
    """

    id: int
    url: str
    secret: str
    active: bool
    label: str
    events: tuple[str, ...]
    timeout_seconds: float
    max_retries: int
    retry_delay_seconds: float
    created_at: float
    format: Format = "bighub"
    inbox_url: str = ""
    after: int | None = None

    def wants(self, event_type: str) -> bool:
        """Whether it receives events of this type."""
        wanted = self.events or (("approval.created",) if self.format == "slack" else ())
        return self.active and (not wanted or event_type in wanted)

    def precedes(self, seq: int, time: float) -> bool:
        """Whether it was there when an event happened. Clocks cannot say: two processes have two."""
        return seq > self.after if self.after is not None else time >= self.created_at


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one webhook."""

    id: int
    webhook_id: int
    event_type: str
    body: str
    state: str
    attempts: int
    due_at: float
    status_code: int | None
    error: str | None
    created_at: float
    delivered_at: float | None


def insert(connection: Connection, *, url: str, secret: str, body: JsonObject, now: float) -> Webhook:
    """Add a webhook; with its content comes `after`."""
    values = {"url": url, "secret": secret, "active": 1, "body": dump(body), "created_at": now}
    row = connection.execute(webhooks.insert().returning(webhooks), values).mappings().one()
    return _hook(row)


def get(connection: Connection, hook_id: int) -> Webhook | None:
    """One webhook."""
    row = connection.execute(select(webhooks).where(webhooks.c.id == hook_id)).mappings().one_or_none()
    return None if row is None else _hook(row)


def listed(connection: Connection, *, inactive: bool) -> list[Webhook]:
    """All webhooks."""
    hooks = [_hook(row) for row in connection.execute(select(webhooks).order_by(webhooks.c.id)).mappings()]
    return [hook for hook in hooks if inactive or hook.active]


def change(connection: Connection, hook_id: int, *, url: str, active: bool, body: JsonObject) -> None:
    """Replace a webhook's content."""
    values = {"url": url, "active": int(active), "body": dump(body)}
    connection.execute(update(webhooks).where(webhooks.c.id == hook_id).values(**values))


def remove(connection: Connection, hook_id: int) -> bool:
    """Delete a webhook and its deliveries."""
    connection.execute(delete(deliveries).where(deliveries.c.webhook_id == hook_id))
    return connection.execute(delete(webhooks).where(webhooks.c.id == hook_id)).rowcount == 1


def enqueue(connection: Connection, hook_id: int, event_type: str, data: JsonObject, now: float) -> int:
    """Have one event delivered; the delivery's number."""
    values = {
        "webhook_id": hook_id,
        "event_type": event_type,
        "body": dump({"event_type": event_type, "created_at": now, "data": data}),
        "state": "due",
        "attempts": 0,
        "due_at": now,
        "created_at": now,
    }
    return int(connection.execute(deliveries.insert().returning(deliveries.c.id), values).scalar_one())


def enqueue_new_events(connection: Connection, now: float) -> int:
    """Enqueue what happened since the last time, for every webhook that wants it; how many events were looked at."""
    cursor = connection.execute(select(head.c.seq).where(head.c.id == _CURSOR)).scalar_one()
    rows = (
        connection.execute(select(events).where(events.c.seq > cursor).order_by(events.c.seq).limit(_PAGE))
        .mappings()
        .all()
    )
    hooks = listed(connection, inactive=False)
    for row in rows:
        for hook in hooks:
            if hook.wants(row["type"]) and hook.precedes(row["seq"], row["time"]):
                enqueue(connection, hook.id, row["type"], _event_data(row), now)
    if rows:
        connection.execute(update(head).where(head.c.id == _CURSOR).values(seq=rows[-1]["seq"]))
    return len(rows)


def has_work(now: BindParameter[Any]) -> ColumnElement[bool]:
    """Whether `enqueue_new_events` or `claim` has work. Without an active webhook, new events can wait."""
    due = exists().where(deliveries.c.state == "due", deliveries.c.due_at <= now)
    cursor = select(head.c.seq).where(head.c.id == _CURSOR).scalar_subquery()
    return or_(due, and_(exists().where(webhooks.c.active == 1), exists().where(events.c.seq > cursor)))


def claim(connection: Connection, now: float, lease: float) -> list[Delivery]:
    """Take deliveries that are due. If the process dies, another takes them after the lease."""
    query = select(deliveries).where(deliveries.c.state == "due", deliveries.c.due_at <= now)
    rows = connection.execute(query.order_by(deliveries.c.due_at).limit(20)).mappings().all()
    taken = [Delivery(**row) for row in rows]
    for delivery in taken:
        statement = update(deliveries).where(deliveries.c.id == delivery.id)
        connection.execute(statement.values(due_at=now + lease, attempts=delivery.attempts + 1))
    return taken


def settle(
    connection: Connection, delivery: Delivery, hook: Webhook, *, status: int | None, error: str | None, now: float
) -> None:
    """Write down what came of an attempt: delivered, to be tried again, or failed for good."""
    attempts = delivery.attempts + 1
    delivered = status is not None and 200 <= status < 300
    again = not delivered and attempts <= hook.max_retries
    values = {
        "state": "delivered" if delivered else "due" if again else "failed",
        "due_at": now + hook.retry_delay_seconds * 2 ** (attempts - 1),
        "status_code": status,
        "error": error,
        "delivered_at": now if delivered else None,
    }
    connection.execute(update(deliveries).where(deliveries.c.id == delivery.id).values(**values))


def deliveries_of(connection: Connection, hook_id: int, limit: int) -> list[Delivery]:
    """A webhook's deliveries, the newest first."""
    query = select(deliveries).where(deliveries.c.webhook_id == hook_id).order_by(deliveries.c.id.desc()).limit(limit)
    return [Delivery(**row) for row in connection.execute(query).mappings()]


def replay(connection: Connection, hook_id: int, delivery_id: int, now: float) -> bool:
    """Deliver once more; false if there is no such delivery."""
    statement = update(deliveries).where(deliveries.c.id == delivery_id, deliveries.c.webhook_id == hook_id)
    return connection.execute(statement.values(state="due", due_at=now, attempts=0)).rowcount == 1


def _event_data(row: RowMapping) -> JsonObject:
    names = ("type", "severity", "subject", "actor", "domain", "tool", "verdict", "rule_id", "time")
    return {**{name: row[name] for name in names}, "event_id": f"evt_{row['seq']}", "body": json.loads(row["body"])}


def _hook(row: RowMapping) -> Webhook:
    body = json.loads(row["body"])
    return Webhook(
        id=row["id"],
        url=row["url"],
        secret=row["secret"],
        active=bool(row["active"]),
        label=body["label"],
        events=tuple(body["events"]),
        timeout_seconds=body["timeout_seconds"],
        max_retries=body["max_retries"],
        retry_delay_seconds=body["retry_delay_seconds"],
        format=body.get("format", "bighub"),
        inbox_url=body.get("inbox_url", ""),
        after=body.get("after"),
        created_at=row["created_at"],
    )
