"""Kill switches: while one is active, everything in its scope is blocked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from sqlalchemy import Connection, select, update
from typing_extensions import assert_never

from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.schema import switches
from litellm_bighub.control_plane.store.transaction import Transaction

Scope: TypeAlias = Literal["global", "domain", "rule"]


@dataclass(frozen=True, slots=True)
class Switch:
    """One activation.

    Attributes:
        domain: the blocked domain where the scope is `domain`.
        rule_id: the rule whose calls are blocked where the scope is `rule`.
    """

    id: str
    scope: Scope
    domain: str
    rule_id: str
    reason: str
    activated_by: str
    activated_at: float

    @property
    def blocks(self) -> tuple[Scope, str, str]:
        """What it blocks: two switches that block the same are one too many."""
        return self.scope, self.domain, self.rule_id

    def covers(self, domain: str, rule_id: str) -> bool:
        """Whether a call in this domain, decided by this rule, is blocked."""
        match self.scope:
            case "global":
                return True
            case "domain":
                return self.domain == domain
            case "rule":
                return self.rule_id == rule_id
            case _:
                assert_never(self.scope)


def active(connection: Connection) -> tuple[Switch, ...]:
    """All switches that are on."""
    names = ("id", "scope", "domain", "rule_id", "reason", "activated_by", "activated_at")
    query = select(*(switches.c[name] for name in names)).where(switches.c.deactivated_at.is_(None))
    return tuple(Switch(**row) for row in connection.execute(query.order_by(switches.c.activated_at)).mappings())


def activate(connection: Connection, switch: Switch) -> None:
    """Switch on."""
    connection.execute(switches.insert(), {name: getattr(switch, name) for name in Switch.__slots__})


def deactivate(connection: Connection, switch_id: str, *, by: str, now: float) -> bool:
    """Switch off; false if no such switch is on."""
    statement = (
        update(switches)
        .where(switches.c.id == switch_id, switches.c.deactivated_at.is_(None))
        .values(deactivated_by=by, deactivated_at=now)
    )
    return connection.execute(statement).rowcount == 1


def turn_on(transaction: Transaction, switch: Switch, *, person: str) -> None:
    """Switch on, for the next decision of every process, and record who has done it.

    Args:
        transaction: to write with.
        switch: names the person.
        person: their id, as `Person` has it.
    """
    activate(transaction.connection, switch)
    body = {**asdict(switch), "person": person}
    transaction.append(
        AuditEvent(
            switch.activated_at, "kill_switch.activated", switch.id, body, severity="critical", domain=switch.domain
        )
    )
    transaction.reconfigure()


def turn_off(transaction: Transaction, switch_id: str, *, by: str, person: str, reason: str, now: float) -> bool:
    """Switch off and record who has done it; false if no such switch is on."""
    if not deactivate(transaction.connection, switch_id, by=by, now=now):
        return False
    body = {"by": by, "person": person, "reason": reason}
    transaction.append(AuditEvent(now, "kill_switch.deactivated", switch_id, body, severity="critical"))
    transaction.reconfigure()
    return True
