"""A caller's answers to requests for approval: they count where the operator lets them, and never reach a provider."""

from __future__ import annotations

from collections.abc import Callable

from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.requests.approval_answers import Effect


async def take_answers(
    data: JsonObject, spoken: Format, asks: Callable[[], CallContext], tool_decisions: ToolDecisions, *, counts: bool
) -> None:
    """Let the answers in a request take effect, and put messages in their places.

    Args:
        data: the request; changed in place.
        spoken: its format.
        asks: tells the caller, as authenticated.
        tool_decisions: whose approvals are answered.
        counts: whether callers have a say.
    """
    approvals, items = spoken.client_approvals, data.get(spoken.conversation)
    if approvals is None or not isinstance(items, list):
        return
    effects: dict[str, Effect] = {}
    for answer in approvals.find(items):
        effect: Effect = "ignored"
        if counts:
            counted = await tool_decisions.consent(answer.approval_id, asks(), approve=answer.approve)
            effect = ("approved" if answer.approve else "denied") if counted else "void"
        effects[answer.approval_id] = effect
    data[spoken.conversation] = approvals.readable(items, effects, tool_decisions.wording)
