"""Tool results in a request, judged by the ledger: was their call released, and to this caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from litellm_bighub.domain.decided_call import DecidedCall, storable, withheld
from litellm_bighub.domain.event import UnapprovedResultKind
from litellm_bighub.formats.requests.results import FoundResult
from litellm_bighub.wording import ENGLISH, Wording


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
    found: FoundResult,
    known: Sequence[DecidedCall],
    thread: ConversationThread,
    *,
    complete: bool,
    wording: Wording = ENGLISH,
) -> JudgedResult:
    """Judge a result.

    Providers use call ids again in other conversations. Within a thread the newest call of an id counts. Elsewhere it
    is the call of the same actor, tool and arguments, as far as they are known; a call that was withheld, approved and
    made again was released.

    Args:
        found: the result.
        known: calls that the ledger holds, the oldest first.
        thread: what the request goes on from.
        complete: whether the request holds every call of its conversation.
        wording: in which our own outputs of withheld calls are written, unless they are in the default.
    """
    call_id = storable(found.call_id)
    mine = [call for call in known if call.call_id == call_id]
    here = [call for call in mine if thread.holds(call)]
    if here:
        newest = here[-1].response_id
        candidates = [call for call in here if call.response_id == newest]
    else:
        candidates = _same(mine, found)
    denied = withheld(candidates)
    released = [call for call in candidates if call.place not in denied]
    if denied and not released:
        row = list(denied.values())[-1]
        return JudgedResult() if found.is_ours(row, wording) else JudgedResult("withheld_call_result", row)
    if found.call is None and complete and not (here or (released and not thread)):
        return JudgedResult("unknown_call_result")
    return JudgedResult(None, released[-1] if released else None)


def _same(known: list[DecidedCall], found: FoundResult) -> list[DecidedCall]:
    """Those that are the call as it stands in the request: of its tool, and of its arguments if any has them."""
    if not known or found.call is None:
        return known
    call = found.call()
    known = [each for each in known if each.tool == call.name]
    return [each for each in known if call.digest and each.digest == call.digest] or known
