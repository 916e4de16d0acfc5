"""What rules ask for of earlier calls: whether one was made before, with which arguments, and how long ago."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Final, Literal, TypeAlias

from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.conversation.fact import (
    ANY_TOOL,
    ANY_VALUE,
    MAYBE,
    OF_CALLER,
    RELEASED,
    RETURNED,
    FollowedCall,
    facts_of,
    judged_digest,
)
from litellm_bighub.policy.rule_pattern import AnyOf, Pattern

Certainty: TypeAlias = Literal["no", "maybe", "yes"]
Whose: TypeAlias = Literal["conversation", "caller"]
_LEAST_FIRST: Final[tuple[Certainty, ...]] = ("no", "maybe", "yes")


@dataclass(frozen=True, slots=True)
class EarlierCall:
    """An earlier call as a rule describes it.

    Attributes:
        tools: patterns of its tool.
        same: for each of its arguments that is compared, where that stands in the call that is judged.
        within_seconds: how long ago it may be; without it, however long.
        of: where it is looked for: in the conversation, or in all that the same key and user do.
    """

    tools: tuple[str, ...]
    same: Mapping[str, str] = field(default_factory=dict)
    within_seconds: float | None = None
    of: Whose = "conversation"
    pattern: Pattern = field(init=False, repr=False, compare=False)
    _told: Callable[[str, tuple[str, ...]], _FoundFacts | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile the pattern; a conversation makes many calls with the same history behind it."""
        object.__setattr__(self, "pattern", AnyOf(self.tools))
        object.__setattr__(self, "_told", lru_cache(maxsize=64)(partial(_told_of, self.pattern, self.of)))

    def __hash__(self) -> int:
        return hash((self.tools, *self.same.items(), self.within_seconds, self.of))

    @property
    def fields(self) -> tuple[str, ...]:
        """The arguments of the earlier call that are compared, in one order."""
        return tuple(sorted(self.same))

    @property
    def compared(self) -> tuple[str, ...]:
        """Where that stands in the call that is judged, in the same order."""
        return tuple(self.same[name] for name in self.fields)

    @property
    def followed(self) -> FollowedCall:
        """What has to be remembered of calls, so that this can be answered."""
        return FollowedCall(self.tools, self.fields)

    @property
    def shown(self) -> str:
        """For people."""
        compared = [f"{earlier} = this call's {ours}" for earlier, ours in sorted(self.same.items())]
        seconds = [] if self.within_seconds is None else [f"within {self.within_seconds:g} seconds"]
        whose = ["by the same key and user"] if self.of == "caller" else []
        return ", ".join([self.pattern.text, *compared, *seconds, *whose])

    def returned(self, history: str, arguments: Arguments, now: float) -> Certainty:
        """Whether the result of such a call came back. Arguments as for `released`."""
        return self._found(history, (RETURNED,), arguments, now)

    def released(self, history: str, arguments: Arguments, now: float) -> Certainty:
        """Whether such a call was released.

        Args:
            history: as a call's context has it.
            arguments: of the call that is judged.
            now: POSIX seconds.
        """
        return self._found(history, (RELEASED, RETURNED), arguments, now)

    def _found(self, history: str, kinds: tuple[str, ...], arguments: Arguments, now: float) -> Certainty:
        found = self._told(history, kinds)
        if found is None:
            return "maybe"
        wanted = self._wanted(arguments, history)
        certainty: Certainty = "no" if found.are_all else "maybe"
        told_apart: set[str] = set()
        plain: set[str] = set()
        for sign, tool, told, time in found.facts:
            if self.within_seconds is not None and time < now - self.within_seconds:
                continue
            fits = _compared(told, wanted)
            if wanted and not told:
                plain.add(tool)
            elif wanted and told.startswith(f"{wanted[0]} "):
                told_apart.add(tool)
            if fits == "yes" and (sign == MAYBE or tool == ANY_TOOL):
                fits = "maybe"
            certainty = _surer(certainty, fits)
        if certainty == "no" and plain - told_apart:  # it was made when nothing asked for these arguments
            return "maybe"
        return certainty

    def _wanted(self, arguments: Arguments, history: str) -> tuple[str, str] | None:
        """The names and the digest of what is compared; `None` if nothing is."""
        return (",".join(self.fields), judged_digest(arguments, self.compared, history)) if self.same else None


@dataclass(frozen=True, slots=True)
class _FoundFacts:
    """What a history tells of such calls.

    Attributes:
        facts: sign, tool, arguments and time of each.
        are_all: whether there are no others. A gateway that has not heard of a rule `of: caller` tells of none for it.
    """

    facts: tuple[tuple[str, str, str, float], ...]
    are_all: bool


def _told_of(pattern: Pattern, whose: Whose, history: str, kinds: tuple[str, ...]) -> _FoundFacts | None:
    """The facts of calls of these kinds, in pieces."""
    facts = facts_of(history)
    if facts is None:
        return None
    found: list[tuple[str, str, str, float]] = []
    for fact, time in facts.items():
        sign = fact[:1]
        if (whose == "caller") != (sign == OF_CALLER) and sign != MAYBE:
            continue
        unsigned = fact[1:] if sign in {MAYBE, OF_CALLER} else fact
        tool, _, told = unsigned[1:].partition(" ")
        if unsigned[:1] in kinds and (tool == ANY_TOOL or pattern.matches(tool)):
            found.append((sign, tool, told, time))
    return _FoundFacts(tuple(found), whose == "conversation" or OF_CALLER in facts)


def _surer(one: Certainty, other: Certainty) -> Certainty:
    return one if _LEAST_FIRST.index(one) >= _LEAST_FIRST.index(other) else other


def _compared(told: str, wanted: tuple[str, str] | None) -> Certainty:
    """Whether an earlier call had the arguments that are wanted, by what is told of it."""
    if wanted is None:
        return "no" if told else "yes"
    if told == ANY_VALUE:
        return "maybe"
    names, _, digest = told.rpartition(" ")
    if names != wanted[0]:
        return "no"
    if ANY_VALUE in {digest, wanted[1]}:
        return "maybe"
    return "yes" if digest == wanted[1] else "no"
