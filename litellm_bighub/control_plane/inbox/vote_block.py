"""Who may answer a call, who has approved it so far, and what of that is for the person who looks."""

from __future__ import annotations

from dataclasses import dataclass

from litellm_bighub.control_plane.people.person import Person
from litellm_bighub.control_plane.people.votes import voters
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.policy.approvers import ANYONE


@dataclass(frozen=True, slots=True)
class VoteLine:
    """One requirement as it is shown.

    Attributes:
        who: may approve now; empty for anybody.
        by: the people who have.
        count: how many must.
        later: who may approve from `later_at` on; empty for nobody.
    """

    who: str
    by: tuple[str, ...]
    count: int
    later: str = ""
    later_at: float = 0.0


@dataclass(frozen=True, slots=True)
class VoteBlock:
    """What a card says of its approvers.

    Attributes:
        lines: none where anybody may answer alone.
        may_answer: whether the person who looks may.
        own: whether the call is their own, which they may deny alone.
        voted: whether they have approved it already.
    """

    lines: tuple[VoteLine, ...]
    may_answer: bool
    own: bool
    voted: bool


def vote_block(approval: Approval, person: Person, now: float) -> VoteBlock:
    """The block of an approval for one person."""
    waited = now - approval.created_at
    lines: list[VoteLine] = []
    for each in approval.requirements:
        if each == ANYONE:
            continue
        by = tuple(vote.name for vote in voters(each, approval.counting, approval.created_at))
        escalates = each.escalates_after is not None and waited < each.escalates_after
        later = ", ".join(each.escalates_to) if escalates else ""
        at = approval.created_at + (each.escalates_after or 0)
        lines.append(VoteLine(", ".join(each.named(waited)), by, each.count, later, at))
    return VoteBlock(
        tuple(lines),
        approval.may_answer(person.user, person.groups, now),
        bool(person.litellm_user) and person.litellm_user == approval.context.get("user"),
        any(vote.is_by(person.id, person.name) for vote in approval.counting),
    )
