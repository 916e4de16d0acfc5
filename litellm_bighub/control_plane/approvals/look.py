"""Looking at a hidden value of a call that waits: an act of one person, and an event, which does not hold the value."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final, Literal

from litellm_bighub.control_plane.approvals.sealed_arguments import opened
from litellm_bighub.control_plane.decisions.recorded_decision import approval_event
from litellm_bighub.control_plane.people.person import Person
from litellm_bighub.control_plane.store.seal import VARIABLE, Sealing
from litellm_bighub.control_plane.store.tables import approvals, sealed_values
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.control_plane.store.tables.sealed_values import SealedValue
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.call import JSON
from litellm_bighub.domain.redaction import ArgumentPath, place_of
from litellm_bighub.policy.approvers import Requirement

logger = logging.getLogger(__name__)
SHOWN: Final = "approval.value_shown"


@dataclass(frozen=True, slots=True)
class ValueLook:
    """Somebody wants to see a value.

    Attributes:
        place: of the value, as `place_of` writes it.
        person: who looks.
    """

    approval_id: str
    place: str
    person: Person


@dataclass(frozen=True, slots=True)
class ShownValue:
    """What somebody sees."""

    place: str
    value: JSON


@dataclass(frozen=True, slots=True)
class LookRefused:
    """Why somebody sees nothing."""

    code: Literal["unknown", "over", "not_visible", "unopened"]


def look_at(transaction: Transaction, sealing: Sealing | None, look: ValueLook, now: float) -> ShownValue | LookRefused:
    """Open a value for somebody, and record that they see it."""
    connection = transaction.connection
    approval = approvals.get(connection, look.approval_id)
    if approval is None:
        return LookRefused("unknown")
    if approval.state_at(now) not in approvals.OPEN:
        return LookRefused("over")
    values = sealed_values.of_approvals(connection, [approval.id]).get(approval.id, [])
    found = next((one for one in values if place_of(one.path) == look.place), None)
    if found is None or not may_look(approval, found, look.person):
        return LookRefused("not_visible")
    value = opened(sealing, approval.id, found)
    if value is None:
        logger.warning("no key of %s opens %s of %s", VARIABLE, look.place, approval.id)
        return LookRefused("unopened")
    body = {"by": look.person.name, "person": look.person.id, "argument": look.place, "digest": approval.digest}
    transaction.append(approval_event(approval, SHOWN, now, body))
    return ShownValue(look.place, value[0])


def may_look(approval: Approval, value: SealedValue, person: Person) -> bool:
    """Whether somebody may see a value: an approver of those who are named, and never in a call of their own."""
    own = bool(person.litellm_user) and person.litellm_user == approval.context.get("user")
    named = Requirement(value.visible_to).counts(person.user, person.groups, 0)
    return "approvals:resolve" in person.scopes and named and not own and is_left(approval, value.path)


def is_left(approval: Approval, path: ArgumentPath) -> bool:
    """Whether the value would still run: an edit may have taken it out."""
    return approval.edited is None or _at(approval.edited, path) == _at(approval.arguments, path)


def _at(value: JSON, path: ArgumentPath) -> JSON:
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return None
    return value
