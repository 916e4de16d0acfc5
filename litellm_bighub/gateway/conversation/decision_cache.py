"""Decisions that hold when a stored response is fetched again: its calls are not decided on a second time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from typing_extensions import assert_never

from litellm_bighub.control_plane.approvals.edited_call import merge_arguments
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decided_call import DecidedCall, Search, outcomes
from litellm_bighub.domain.decision import Allow, Block, BlockCause, Decision, RequireApproval
from litellm_bighub.domain.digest import arguments_digest, rules_digest
from litellm_bighub.errors import DecisionError
from litellm_bighub.gateway.conversation.identity import IN_CODE
from litellm_bighub.gateway.conversation.stored_responses import is_stored, lists_input
from litellm_bighub.gateway.sdk.reentrancy import release, was_released

_PASSING: Final[frozenset[BlockCause]] = frozenset({"unreachable", "unreadable", "unapproved", "unrecorded"})
"""The causes of a block where asking again may be answered otherwise."""

_Key: TypeAlias = "tuple[str, ...]"
_Place: TypeAlias = "tuple[str, str]"
"""The id of a response, and where the call stands there."""

_ANYWHERE: Final[_Place] = ("", "")


@dataclass(frozen=True, slots=True)
class _Kept:
    """A decision, and where the call stood that it was made on."""

    decision: Decision
    place: _Place


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
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()

    async def decide(
        self, calls: Sequence[ToolCall], context: CallContext, *, wait_seconds: float = 0.0
    ) -> list[Decision]:
        """Decide on calls, those that were decided on before in the same stored response by what was decided then."""
        keys = [_key(call, context) for call in calls]
        nested = [context.surface == IN_CODE and was_released(call) for call in calls]
        kept = [
            Allow() if again else self._kept_for(key, (context.response_id, call.place), context)
            for call, key, again in zip(calls, keys, nested, strict=True)
        ]
        if None in kept and is_stored(context.surface):
            ledger = await self._known(calls, context)
            kept = [known or self._again(call, ledger, context) for call, known in zip(calls, kept, strict=True)]
        asked = [call for call, known in zip(calls, kept, strict=True) if known is None]
        fresh = iter(await self._inner.decide(asked, context, wait_seconds=wait_seconds) if asked else ())
        decisions = [next(fresh) if known is None else known for known in kept]
        for call, key, decision in zip(calls, keys, decisions, strict=True):
            if isinstance(decision, Allow) and context.surface == IN_CODE:
                release(call if decision.edited is None else replace(call, arguments=decision.edited))
            self._keep_one(key, decision, (context.response_id, call.place))
        return decisions

    def _kept_for(self, key: _Key | None, place: _Place, context: CallContext) -> Decision | None:
        if key is None or not is_stored(context.surface):
            return None
        # In the input of a later response the same call stands at another place of another response.
        kept = self._kept.get((*(_ANYWHERE if lists_input(context.surface) else place), *key))
        if kept is None:
            return None
        return replace(kept.decision, remembered=False) if isinstance(kept.decision, Allow) else kept.decision

    async def _known(self, calls: Sequence[ToolCall], context: CallContext) -> list[DecidedCall]:
        """What the ledger knows to have become of calls of these ids."""
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
        return [call for call in outcomes(call for call in known if call.owner == owner) if call.call_id]

    def _again(self, call: ToolCall, ledger: Sequence[DecidedCall], context: CallContext) -> Allow | None:
        """What lets this call pass as it has passed, `None` if it has not."""
        if call.unreadable is not None:
            return None
        same_call = (call.id, call.type, call.name, rules_digest(context.caller_rules))
        alike = [known for known in ledger if (known.call_id, known.type, known.tool, known.caller_rules) == same_call]
        if not lists_input(context.surface) and any(known.path == call.place for known in alike):
            alike = [known for known in alike if known.path == call.place]
        same = [known for known in alike if known.digest == call.digest]
        if call.digest and same and all(known.released for known in same):
            return Allow(told=same[-1].told)
        if same or lists_input(context.surface):  # what a client sends back has the person's arguments already
            return None
        shown = call.redacted(self._inner.redactor.redact)
        edited = [known for known in alike if known.edited and known.released and known.digest]
        merged = [(known, merge_arguments(known.arguments, shown, call.arguments)) for known in edited]
        return next(
            (Allow(edited=made, told=known.told) for known, made in merged if arguments_digest(made) == known.digest),
            None,
        )

    def _keep_one(self, key: _Key | None, decision: Decision, place: _Place) -> None:
        if key is None or not _lasts(decision):
            return
        self._put((*place, *key), _Kept(decision, place))
        anywhere = self._kept.get((*_ANYWHERE, *key))
        # If a later response cannot distinguish two calls, the blocked one counts.
        if anywhere is None or anywhere.place == place or isinstance(anywhere.decision, Allow):
            self._put((*_ANYWHERE, *key), _Kept(decision, place))

    def _put(self, key: _Key, kept: _Kept) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        if len(self._kept) > 2 * self._keep:  # each is kept in two places
            self._kept.popitem(last=False)


def _key(call: ToolCall, context: CallContext) -> _Key | None:
    """What distinguishes a call from others in its response, `None` where nothing does."""
    if not call.id or not context.response_id or call.unreadable is not None:
        return None
    who = (context.actor, context.key, context.user, context.team, rules_digest(context.caller_rules))
    return (call.id, call.type, call.name, call.digest, *who)


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
