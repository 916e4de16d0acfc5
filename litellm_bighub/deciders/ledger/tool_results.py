"""Tool results in a request, judged by the ledger: was their call released, and to this caller."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from litellm_bighub.domain.decided_call import DecidedCall, outcomes, storable, withheld
from litellm_bighub.domain.event import UnapprovedResultKind
from litellm_bighub.formats.requests.results import FoundResult
from litellm_bighub.wording import ENGLISH, Wording

_Place: TypeAlias = "tuple[str, str, str, str]"


@dataclass(frozen=True, slots=True)
class ConversationThread:
    """What a request goes on from: a response, or a conversation that the provider keeps."""

    response_id: str = ""
    conversation: str = ""

    def __bool__(self) -> bool:
        return bool(self.response_id or self.conversation)

    def holds(self, call: DecidedCall) -> bool:
        """Whether the call belongs to it."""
        if self.response_id and call.response_id == self.response_id:
            return True
        return bool(self.conversation) and call.conversation == self.conversation


@dataclass(frozen=True, slots=True)
class JudgedResult:
    """What is known of a result's call.

    Attributes:
        kind: what is wrong with the result, `None` if nothing is.
        call: the call, `None` if the ledger does not hold it.
    """

    kind: UnapprovedResultKind | None = None
    call: DecidedCall | None = None


def judge(
    results: Sequence[FoundResult],
    known: Sequence[DecidedCall],
    thread: ConversationThread,
    *,
    complete: bool,
    wording: Wording = ENGLISH,
) -> list[JudgedResult]:
    """Judge the results of a request.

    Providers use call ids again in other conversations, some even in one answer. Within a thread the newest answer with
    a call of the id counts. Elsewhere it is the calls of the same actor, tool and arguments, as far as they are known;
    a call that was withheld, approved and made again was released.

    Calls that nothing else tells apart are told apart by their order, and by how many of them were released: a client
    has results of those alone.

    Args:
        results: in their order.
        known: calls that the ledger holds, the oldest first.
        thread: what the request goes on from.
        complete: whether the request holds every call of its conversation.
        wording: in which our own outputs of withheld calls are written, unless they are in the default.
    """
    judged = [JudgedResult()] * len(results)
    of_id: defaultdict[str, list[DecidedCall]] = defaultdict(list)
    for call in known:
        of_id[call.call_id].append(call)
    groups: dict[frozenset[_Place], _Alike] = {}
    for at, found in enumerate(results):
        calls = _candidates(found, of_id[storable(found.call_id)], thread)
        if not any(found.is_ours(call, wording) for call in calls if not call.released):
            groups.setdefault(frozenset(call.place for call in calls), _Alike(calls)).results.append(at)
    for group in groups.values():
        here = any(map(thread.holds, group.calls))
        for at, made in zip(group.results, _told_apart(group.calls, len(group.results), whole=here), strict=True):
            if made is not None and not made.released:
                judged[at] = JudgedResult("withheld_call_result", made)
            elif results[at].call is None and complete and not (here or (made is not None and not thread)):
                judged[at] = JudgedResult("unknown_call_result")
            else:
                judged[at] = JudgedResult(None, made)
    return judged


@dataclass(frozen=True, slots=True)
class _Alike:
    """Calls that nothing but their order tells apart, in that order, and the places of results that are of them."""

    calls: list[DecidedCall]
    results: list[int] = field(default_factory=list)


def _candidates(found: FoundResult, mine: list[DecidedCall], thread: ConversationThread) -> list[DecidedCall]:
    """The calls that the result may be of, as they stand in their answers."""
    here = [call for call in mine if thread.holds(call)]
    if not here:
        return outcomes(_same(mine, found))
    newest = here[-1].response_id
    return outcomes(call for call in here if call.response_id == newest)


def _told_apart(calls: Sequence[DecidedCall], results: int, *, whole: bool) -> Sequence[DecidedCall | None]:
    """The call that each of the results is of; `None` for one of a call that the ledger has forgotten.

    The results are of the last calls that were released, and of withheld ones only if there are more results than that.

    Args:
        calls: in their order.
        results: how many there are.
        whole: whether these are all calls that there can be, as those of one answer are.
    """
    released = [call for call in calls if call.released]
    if results <= len(released):
        return released[len(released) - results :]
    denied = withheld(calls)[-(results - len(released)) :]
    taken = [call for call in calls if call.released or call in denied]
    spare = denied[-1:] if whole or not released else []
    first = next(iter(spare if denied else released), None)
    return [*[first] * (results - len(taken)), *taken]


def _same(known: list[DecidedCall], found: FoundResult) -> list[DecidedCall]:
    """Those that are the call as it stands in the request: of its tool, and of its arguments if any has them."""
    if not known or found.call is None:
        return known
    call = found.call()
    known = [each for each in known if each.tool == call.name]
    return [each for each in known if call.digest and each.digest == call.digest] or known
