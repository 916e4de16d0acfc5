"""Who must approve what a rule asks: which groups or people, how many, and who may as well after a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Final, TypeAlias, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict

GROUP: Final = "group:"
USER: Final = "user:"
GroupName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]
ApproverName: TypeAlias = Annotated[
    str, Field(pattern=r"^(group:[a-z0-9][a-z0-9._-]{0,99}|user:[a-z0-9][a-z0-9._@+-]{0,99})$")
]


def _by_place(value: object) -> object:
    """One text or list is for everything; one text for a place is a list of it."""
    if isinstance(value, str | list):
        value = {"*": cast("object", value)}
    if not isinstance(value, dict):
        return value
    places = cast("dict[object, object]", value)
    return {place: [by] if isinstance(by, str) else by for place, by in places.items()}


_Place: TypeAlias = Annotated[str, Field(pattern=r"^[^.]+(\.[^.]+)*$", max_length=200)]
VisibleTo: TypeAlias = Annotated[
    dict[_Place, Annotated[list[ApproverName], Field(min_length=1, max_length=50)]],
    BeforeValidator(_by_place),
    Field(min_length=1, max_length=50),
]
"""Who may look at what redaction hides, by where it stands: patterns of names with dots between them."""


def viewers_of(visible_to: Mapping[str, Sequence[str]], names: Sequence[str]) -> tuple[str, ...]:
    """Who may look at a hidden value. The first place that fits counts; it stands for everything below it, too.

    Args:
        visible_to: who, by place.
        names: the names that lead to the value; positions in lists are none.
    """
    for place, by in visible_to.items():
        steps = place.split(".")
        if len(steps) <= len(names) and all(map(fnmatchcase, names, steps)):
            return tuple(by)
    return ()


class QuorumText(BaseModel):
    """So many different people of a group must approve."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: Annotated[int, Strict(), Field(ge=1, le=20)] = Field(description="how many")
    group: GroupName = Field(description="of which group")


class EscalationText(BaseModel):
    """Who may approve as well, when nobody has for a while."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after_seconds: Annotated[int, Strict(), Field(ge=1)] = Field(description="from the question on")
    to: Annotated[list[ApproverName], Field(min_length=1, max_length=50)] = Field(description="group:… or user:…")


@dataclass(frozen=True, slots=True)
class Requirement:
    """So many different people must approve.

    Attributes:
        by: who counts, as `group:…` or `user:…`; anybody who may answer if it is empty.
        escalates_after: seconds from the question on, after which those of `escalates_to` count too.
    """

    by: tuple[str, ...] = ()
    count: int = 1
    escalates_after: int | None = None
    escalates_to: tuple[str, ...] = ()

    def counts(self, name: str, groups: Collection[str], waited: float) -> bool:
        """Whether the approval of somebody counts.

        Args:
            name: of a user; empty for whoever is none.
            groups: of the user.
            waited: seconds from the question on.
        """
        names = {f"{USER}{name}", *(f"{GROUP}{group}" for group in groups)}
        return not self.by or not names.isdisjoint(self.named(waited))

    def named(self, waited: float) -> tuple[str, ...]:
        """Who counts after so many seconds."""
        escalated = self.escalates_after is not None and waited >= self.escalates_after
        return (*self.by, *self.escalates_to) if escalated else self.by


ANYONE: Final = Requirement()


def requirements_of(
    approvers: Iterable[str], quorum: QuorumText | None, escalation: EscalationText | None, *, four_eyes: bool
) -> tuple[Requirement, ...]:
    """What the fields of a rule come to. All of it must be met."""
    by, escalates = tuple(approvers), escalation is not None
    after = escalation.after_seconds if escalation else None
    to = tuple(escalation.to) if escalation else ()
    found: list[Requirement] = []
    if quorum is not None:
        found.append(Requirement((f"{GROUP}{quorum.group}",), quorum.count, after, to))
    if by or four_eyes or quorum is None:
        found.append(Requirement(by, 2 if four_eyes else 1, after if by and escalates else None, to if by else ()))
    return tuple(found)


def all_of(requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """Several rules' requirements in one: each once, and anybody only where nobody else is asked."""
    merged = tuple(dict.fromkeys(requirements))
    others = tuple(one for one in merged if one != ANYONE)
    return others or (ANYONE,)
