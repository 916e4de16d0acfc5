"""Decisions that hold when a stored response is fetched again: its calls are not decided on a second time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, TypeAlias

from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Block, Decision
from litellm_bighub.domain.digest import arguments_digest
from litellm_bighub.gateway.stored import is_stored

_PASSING = frozenset({"unavailable", "refused", "unreadable", "unrecorded"})
"""What blocked a call, where asking again may be answered otherwise."""

_Key: TypeAlias = "tuple[str, ...]"


class KeptDecisions(ToolDecisions):
    """Decides as `ToolDecisions` does, and keeps the last decisions for those who fetch the same response again.

    A pending approval is not kept, since it may be answered meanwhile. Another process decides anew.

    Args:
        keep: how many decisions are kept.
    """

    def __init__(self, *args: Any, keep: int = 10_000, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._keep = keep
        self._kept: OrderedDict[_Key, Decision] = OrderedDict()

    async def decide(self, calls: Sequence[ToolCall], context: CallContext) -> list[Decision]:
        """Decide on calls, those that were decided on before in the same stored response by what was decided then."""
        keys = [_key(call, context) for call in calls]
        kept = {key: self._kept[key] for key in keys if key in self._kept} if is_stored(context.surface) else {}
        asked = [call for call, key in zip(calls, keys, strict=True) if key not in kept]
        fresh = iter(await super().decide(asked, context) if asked else ())
        decisions = [kept[key] if key in kept else next(fresh) for key in keys]
        for key, decision in zip(keys, decisions, strict=True):
            self._keep_one(key, decision)
        return decisions

    def _keep_one(self, key: _Key, decision: Decision) -> None:
        if not key or not _lasts(decision):
            return
        self._kept[key] = decision
        self._kept.move_to_end(key)
        if len(self._kept) > self._keep:
            self._kept.popitem(last=False)


def _key(call: ToolCall, context: CallContext) -> _Key:
    """Empty for a call that nothing tells from others."""
    if not call.id or call.unreadable is not None:
        return ()
    # Without the response's id: in the input of a later response the same call stands under another one.
    return (call.id, call.type, call.name, arguments_digest(call.arguments), context.actor, context.user, context.team)


def _lasts(decision: Decision) -> bool:
    match decision:
        case Allow(degraded=degraded):
            return not degraded
        case Block(basis=basis):
            return basis.blocked_by not in _PASSING
        case _:
            return False
