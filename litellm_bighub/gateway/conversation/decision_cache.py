"""Decisions that hold when a stored response is fetched again: its calls are not decided on a second time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from typing_extensions import assert_never

from litellm_bighub.control_plane.approvals.edited_call import merge_arguments
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decided_call import DecidedCall, Search
from litellm_bighub.domain.decision import Allow, Block, BlockCause, Decision, RequireApproval
from litellm_bighub.domain.digest import arguments_digest
from litellm_bighub.errors import DecisionError
from litellm_bighub.gateway.conversation.identity import IN_CODE
from litellm_bighub.gateway.conversation.stored_responses import is_stored, lists_input
from litellm_bighub.gateway.sdk.reentrancy import release, was_released

_PASSING: Final[frozenset[BlockCause]] = frozenset({"unreachable", "unreadable", "unapproved", "unrecorded"})
"""The causes of a block where asking again may be answered otherwise."""

_ANY_RESPONSE = ""

_Key: TypeAlias = "tuple[str, ...]"


class DecisionCache:
    """Decides as `ToolDecisions` does, and keeps the last decisions for those who fetch the same response again.

    A pending approval is not kept, since it may be answered meanwhile. What another process let through is found in the
    ledger; what it blocked is decided anew. The ledger holds no secrets: a person's arguments are put together out of
    what it shows and of what the model's call holds, and count only if they have the digest of the call that was
    released. Where a person has written a secret they have not, and the call is decided on anew.

    Args:
        inner: decides on what is not kept; its ledger holds the calls of other processes.
        keep: how many decisions are kept.
    """

    def __init__(self, inner: ToolDecisions, *, keep: int = 10_000) -> None:
        self._inner = inner
        self._keep = keep
        self._kept: OrderedDict[_Key, Decision] = OrderedDict()

    async def decide(
        self, calls: Sequence[ToolCall], context: CallContext, *, wait_seconds: float = 0.0
    ) -> list[Decision]:
        """Decide on calls, those that were decided on before in the same stored response by what was decided then."""
        keys = [_key(call, context) for call in calls]
        nested = [context.surface == IN_CODE and was_released(call) for call in calls]
        kept = [Allow() if again else self._kept_for(key, context) for key, again in zip(keys, nested, strict=True)]
        if None in kept and is_stored(context.surface):
            released = await self._released(calls, context)
            kept = [known or self._again(call, released, context) for call, known in zip(calls, kept, strict=True)]
        asked = [call for call, known in zip(calls, kept, strict=True) if known is None]
        fresh = iter(await self._inner.decide(asked, context, wait_seconds=wait_seconds) if asked else ())
        decisions = [next(fresh) if known is None else known for known in kept]
        for call, key, decision in zip(calls, keys, decisions, strict=True):
            if isinstance(decision, Allow) and context.surface == IN_CODE:
                release(call if decision.edited is None else replace(call, arguments=decision.edited))
            self._keep_one(key, context.response_id, decision)
            self._keep_one(key, _ANY_RESPONSE, decision)
        return decisions

    def _kept_for(self, key: _Key | None, context: CallContext) -> Decision | None:
        if key is None or not is_stored(context.surface):
            return None
        # In the input of a later response the same call stands under another response's id.
        response_id = _ANY_RESPONSE if lists_input(context.surface) else context.response_id
        kept = self._kept.get((response_id, *key))
        return replace(kept, remembered=False) if isinstance(kept, Allow) else kept

    async def _released(self, calls: Sequence[ToolCall], context: CallContext) -> list[DecidedCall]:
        """The calls that the ledger knows to have left."""
        ids = {call.id for call in calls if call.id}
        try:
            if lists_input(context.surface):
                known = await self._inner.ledger.find(
                    Search(call_ids=ids, actor=context.actor, key=context.key, user=context.user)
                )
            else:
                known = await self._inner.ledger.find(Search(response_id=context.response_id))
        except DecisionError:
            return []
        owner = (context.actor, context.key, context.user)
        last = {(call.response_id, call.call_id): call for call in known if call.owner == owner}
        return [call for call in last.values() if call.call_id and call.digest and call.released]

    def _again(self, call: ToolCall, released: Sequence[DecidedCall], context: CallContext) -> Allow | None:
        """What lets this call pass as it has passed, `None` if it has not."""
        if call.unreadable is not None:
            return None
        same = [
            known for known in released if (known.call_id, known.type, known.tool) == (call.id, call.type, call.name)
        ]
        if any(known.digest == call.digest for known in same):
            return Allow()
        if lists_input(context.surface):  # what a client sends back has the person's arguments already
            return None
        shown = self._inner.redactor.redact(call.arguments)
        merged = [(known, merge_arguments(known.arguments, shown, call.arguments)) for known in same if known.edited]
        return next(
            (Allow(edited=edited) for known, edited in merged if arguments_digest(edited) == known.digest), None
        )

    def _keep_one(self, key: _Key | None, response_id: str, decision: Decision) -> None:
        if key is None or not _lasts(decision):
            return
        place = (response_id, *key)
        self._kept[place] = decision
        self._kept.move_to_end(place)
        if len(self._kept) > 2 * self._keep:  # each is kept in two places
            self._kept.popitem(last=False)


def _key(call: ToolCall, context: CallContext) -> _Key | None:
    """What tells a call from others in its response, `None` where nothing does."""
    if not call.id or not context.response_id or call.unreadable is not None:
        return None
    return (call.id, call.type, call.name, call.digest, context.actor, context.key, context.user, context.team)


def _lasts(decision: Decision) -> bool:
    match decision:
        case Allow():
            return True
        case Block(cause=cause):
            return cause not in _PASSING
        case RequireApproval():
            return False
        case _:
            assert_never(decision)
