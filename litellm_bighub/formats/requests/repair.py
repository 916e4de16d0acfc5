"""What is to be put right in a request before the provider gets it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.formats.requests.turns import LostCalls
from litellm_bighub.wording import ENGLISH, Wording


@dataclass(frozen=True, slots=True)
class RequestRepair:
    """What a request has to say in addition to what it brings back.

    Attributes:
        owed: withheld calls whose output the provider waits for, before everything else.
        owed_after: others, by the places of the results behind which their outputs come: they have the same call ids.
        notices: withheld calls by the id of the notice in their place.
        behind: withheld calls by the places of the reasoning that stood right before them.
        lost: withheld calls of answers in the request, which it may show as text alone or not at all.
        approved: calls that a person has changed or says something of, by the places of their results: ids may repeat.
        denied: the places of a client's approvals of withheld MCP calls, which do not count.
        told: ids of withheld calls that the provider keeps together with their outputs.
        with_calls: whether owed outputs come with their calls, for a provider that has kept none.
        wording: what the model is told.
    """

    owed: Sequence[DecidedCall] = ()
    owed_after: Mapping[str, Sequence[DecidedCall]] = field(default_factory=dict)
    notices: Mapping[str, DecidedCall] = field(default_factory=dict)
    behind: Mapping[str, DecidedCall] = field(default_factory=dict)
    lost: Sequence[LostCalls] = ()
    approved: Mapping[str, DecidedCall] = field(default_factory=dict)
    denied: Collection[str] = ()
    told: Collection[str] = ()
    with_calls: bool = False
    wording: Wording = ENGLISH

    def __bool__(self) -> bool:
        needed = (self.owed, self.owed_after, self.notices, self.behind, self.lost, self.approved, self.denied)
        return any(map(bool, needed))
