"""What is hidden in a call that waits, as somebody sees it: a button for those who may look, and what they look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from litellm_bighub.control_plane.approvals.look import ShownValue, is_left, may_look
from litellm_bighub.control_plane.inbox.views.text_runs import Runs, text_runs
from litellm_bighub.control_plane.inbox.views.value_block import Block, Reading, value_block
from litellm_bighub.control_plane.people.person import Person
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.control_plane.store.tables.sealed_values import SealedValue
from litellm_bighub.domain.redaction import place_of


@dataclass(frozen=True, slots=True)
class HiddenLine:
    """One value.

    Attributes:
        place: as the form sends it.
        name: the same, as it is shown.
        who: may look.
        may_look: whether the person who sees the page does.
        block: the value; `None` while nobody looks.
    """

    place: str
    name: Runs
    who: str
    may_look: bool
    block: Block | None = None


def hidden_lines(
    approval: Approval, values: Iterable[SealedValue], person: Person, shown: ShownValue | None = None
) -> tuple[HiddenLine, ...]:
    """The hidden values of a call that it still has.

    Args:
        approval: the call.
        values: what is sealed of it.
        person: who sees the page.
        shown: what they look at.
    """
    lines: list[HiddenLine] = []
    for value in values:
        if not is_left(approval, value.path):
            continue
        place = place_of(value.path)
        name = next((step for step in reversed(value.path) if isinstance(step, str)), "")
        looked = shown is not None and shown.place == place
        block = value_block(name, shown.value, Reading()) if shown is not None and looked else None
        who = ", ".join(value.visible_to)
        lines.append(HiddenLine(place, text_runs(place), who, may_look(approval, value, person), block))
    return tuple(lines)
