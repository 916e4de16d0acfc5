"""Messages about calls that wait: one for each approval, channel and place.

```
                tell                       update (answered, expired)
    enqueued ────────► told, shows a call ────────► over
        │                │        ▲
        │                └─update─┘ (another vote)
        └─ answered or expired before ► over
```
A message that is due is claimed for some time by whoever sends it. If that process dies, another one claims it later.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, Text, and_, cast, exists, func, or_, select, update

from litellm_bighub.control_plane.store.schema import approvals, told_messages
from litellm_bighub.control_plane.store.tables import approvals as known_approvals
from litellm_bighub.control_plane.store.tables.approvals import OPEN, Approval

_MOST: Final = 100
_NOBODY: Final = ""
"""The place of the row that stands for an approval of which a channel has nobody to tell."""
_OPEN: Final = approvals.c.state.in_(OPEN)
_SHOWN: Final = (
    approvals.c.state + " " + approvals.c.votes + " " + func.coalesce(cast(approvals.c.escalates_at, Text), "")
)
"""What a message shows that may change: as long as this is the same, the message is right."""
_NEEDS_WORK: Final = told_messages.c.shown != _SHOWN


@dataclass(frozen=True, slots=True)
class ToldMessage:
    """A message that is to be told or updated.

    Attributes:
        place: where it stands within the channel, as the channel names it.
        reference: how the channel finds it; empty if it was not told so far.
        shown: what it will show.
        attempts: how often the service has refused it in a row.
    """

    id: int
    place: str
    reference: str
    shown: str
    attempts: int
    created_at: float


def untold(connection: Connection, channel: str, now: float) -> list[Approval]:
    """Approvals that wait and of which a channel was told nothing since they were made or others may answer them."""
    known = exists().where(
        told_messages.c.approval_id == approvals.c.id,
        told_messages.c.channel == channel,
        told_messages.c.escalates_at.is_not_distinct_from(approvals.c.escalates_at),
    )
    waits = and_(_OPEN, approvals.c.expires_at > now)
    return known_approvals.where(connection, waits, ~known, order=approvals.c.created_at, limit=_MOST)


def enqueue(connection: Connection, approval: Approval, channel: str, places: Collection[str], now: float) -> None:
    """Have a channel told of an approval, in each place where it was not told before.

    Args:
        connection: within a writing transaction.
        approval: as `untold` has found it.
        channel: its name.
        places: within the channel.
        now: POSIX seconds.
    """
    of_approval = and_(told_messages.c.approval_id == approval.id, told_messages.c.channel == channel)
    connection.execute(update(told_messages).where(of_approval).values(escalates_at=approval.escalates_at))
    known = set(connection.execute(select(told_messages.c.place).where(of_approval)).scalars())
    for place in dict.fromkeys(places or (_NOBODY,)):
        if place not in known:
            values = {"reference": "", "shown": "", "attempts": 0, "due_at": now, "is_over": int(place == _NOBODY)}
            values |= {"approval_id": approval.id, "channel": channel, "place": place, "created_at": now}
            connection.execute(told_messages.insert(), {**values, "escalates_at": approval.escalates_at})


def is_due(connection: Connection, channel: str, now: float) -> bool:
    """Whether `claim` has work."""
    return connection.execute(_due(channel, now)).first() is not None


def claim(connection: Connection, channel: str, now: float, lease: float) -> tuple[ToldMessage, Approval] | None:
    """Take a message that is due, for as long as the lease; `None` if there is none."""
    _drop(connection, channel)
    row = connection.execute(_due(channel, now)).mappings().first()
    if row is None:
        return None
    approval = known_approvals.get(connection, row["approval_id"])
    if approval is None:  # between two statements of one transaction nothing removes it
        raise LookupError(row["approval_id"])
    _set(connection, row["id"], due_at=now + lease)
    message = ToldMessage(
        row["id"], row["place"], row["reference"], row["now_shown"], row["attempts"], row["created_at"]
    )
    return message, approval


def references(connection: Connection, approval_id: str, channel: str) -> list[str]:
    """The messages about an approval that the database knows."""
    query = select(told_messages.c.reference).where(told_messages.c.approval_id == approval_id)
    return list(connection.execute(query.where(told_messages.c.channel == channel)).scalars())


def settle(connection: Connection, message: ToldMessage, reference: str, *, is_over: bool, now: float) -> None:
    """Write down that a message stands where it should, and shows what it should."""
    values = {"reference": reference, "shown": message.shown, "attempts": 0, "is_over": int(is_over), "due_at": now}
    _set(connection, message.id, **values)


def postpone(connection: Connection, message: ToldMessage, *, until: float, refused: bool) -> None:
    """Let a message be claimed again later.

    Args:
        connection: within a writing transaction.
        message: as it was claimed.
        until: POSIX seconds.
        refused: whether the service answered, and did not take it.
    """
    _set(connection, message.id, due_at=until, attempts=message.attempts + refused)


def _due(channel: str, now: float) -> Select[Any]:
    """The message whose turn it is, and what it will show."""
    both = told_messages.join(approvals, approvals.c.id == told_messages.c.approval_id)
    query = select(told_messages, _SHOWN.label("now_shown")).select_from(both)
    alive = (told_messages.c.channel == channel, told_messages.c.is_over == 0)
    order = (told_messages.c.due_at, told_messages.c.id)
    return query.where(*alive, told_messages.c.due_at <= now, _NEEDS_WORK).order_by(*order).limit(1)


def _drop(connection: Connection, channel: str) -> None:
    """Give up messages that were not told before their approval was over, or whose approval is gone."""
    is_there = exists().where(approvals.c.id == told_messages.c.approval_id)
    wanted = and_(is_there, or_(told_messages.c.reference != "", is_there.where(_OPEN)))
    alive = and_(told_messages.c.channel == channel, told_messages.c.is_over == 0)
    connection.execute(update(told_messages).where(alive, ~wanted).values(is_over=1))


def _set(connection: Connection, message_id: int, **values: object) -> None:
    connection.execute(update(told_messages).where(told_messages.c.id == message_id).values(**values))
