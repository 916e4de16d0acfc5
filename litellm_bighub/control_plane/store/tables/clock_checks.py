"""How old things are: a look at the clock is believed when another, a day later, agrees with it.

A clock that steps ahead makes everything old, and what was removed does not come back. So each look is remembered. One
that comes more than a day after the last, or more than a day before it, may be a step: nothing is removed for it until
the clock has gone on for a day. Somebody who was away for a week looks like a step too, and waits for that day.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Final, Literal, TypeAlias

from sqlalchemy import Connection, insert, select, update

from litellm_bighub.control_plane.store.schema import retention as table

What: TypeAlias = Literal["audit", "decided_calls"]
DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class ClockChecks:
    """What the looks so far have shown.

    Attributes:
        looked_at: what the clock said last.
        doubted_at: what it said when it seemed to have made a step; `None` while it has not.
        sure_at: the time by which age may be measured; `None` before any look was confirmed.
    """

    looked_at: float
    doubted_at: float | None = None
    sure_at: float | None = None

    def then(self, now: float) -> ClockChecks:
        """What they show with one more look."""
        confirmed = self.doubted_at is not None and now >= self.doubted_at + DAY
        if abs(now - self.looked_at) > DAY:
            sure = self.doubted_at if confirmed else self.sure_at
            return ClockChecks(now, now, _no_later(sure, now))
        if self.doubted_at is None or confirmed:
            return ClockChecks(now, None, now)
        return ClockChecks(now, self.doubted_at, _no_later(self.sure_at, now))


def _no_later(sure: float | None, now: float) -> float | None:
    return None if sure is None else min(sure, now)


def check_clock(connection: Connection, what: What, now: float) -> ClockChecks:
    """Look at the clock, and remember it."""
    before = past_checks(connection, what)
    after = ClockChecks(now, doubted_at=now) if before is None else before.then(now)
    values = dict(zip(("looked_at", "doubted_at", "sure_at"), astuple(after), strict=True))
    if before is None:
        connection.execute(insert(table).values(what=what, **values))
    else:
        connection.execute(update(table).where(table.c.what == what).values(**values))
    return after


def past_checks(connection: Connection, what: What) -> ClockChecks | None:
    """What the looks so far have shown, `None` if there was none."""
    columns = (table.c.looked_at, table.c.doubted_at, table.c.sure_at)
    row = connection.execute(select(*columns).where(table.c.what == what)).one_or_none()
    return None if row is None else ClockChecks(*row)
