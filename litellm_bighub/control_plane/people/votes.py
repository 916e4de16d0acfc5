"""Approvals of one call by several people: whose count, for what, and what is still missing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from litellm_bighub.control_plane.store.chain import dump
from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.digest import arguments_digest
from litellm_bighub.policy.approvers import Requirement


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's approval.

    Attributes:
        person: `Person.id`; empty for one of an older release, whom the name tells apart.
        name: as the audit names them.
        user: a user's name, empty for whoever has used a key.
        groups: those of the user when they approved.
        digest: of what they approved; the vote counts for nothing else.
    """

    person: str
    name: str
    user: str
    groups: tuple[str, ...]
    time: float
    digest: str

    def is_by(self, person: str, name: str) -> bool:
        """Whether somebody has given it."""
        return self.person == person if self.person else self.name == name


def ballot_digest(call: str, arguments: Arguments) -> str:
    """What a vote is bound to: the call of the approval, and the arguments that would run.

    Args:
        call: the digest that the approval is bound to.
        arguments: as they are shown, the model's or edited.
    """
    return f"{call} {arguments_digest(arguments)}"


def voters(requirement: Requirement, votes: Sequence[Vote], asked_at: float) -> list[Vote]:
    """The votes that count for a requirement."""
    return [vote for vote in votes if requirement.counts(vote.user, vote.groups, vote.time - asked_at)]


def unmet(requirements: Sequence[Requirement], votes: Sequence[Vote], asked_at: float) -> list[Requirement]:
    """The requirements for which somebody has yet to approve."""
    return [each for each in requirements if len(voters(each, votes, asked_at)) < each.count]


def votes_text(votes: Sequence[Vote]) -> str:
    """Votes as they are stored."""
    return dump([asdict(vote) for vote in votes])


def read_votes(text: str) -> tuple[Vote, ...]:
    """The votes out of what is stored."""
    return tuple(
        Vote(each["person"], each["name"], each["user"], tuple(each["groups"]), each["time"], each["digest"])
        for each in json.loads(text or "[]")
    )


def requirements_text(requirements: Sequence[Requirement]) -> str:
    """Requirements as they are stored."""
    return dump([asdict(each) for each in requirements])


def read_requirements(text: str) -> tuple[Requirement, ...]:
    """The requirements out of what is stored."""
    return tuple(
        Requirement(tuple(each["by"]), each["count"], each["escalates_after"], tuple(each["escalates_to"]))
        for each in json.loads(text)
    )
