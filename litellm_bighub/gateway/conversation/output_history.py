"""Follows the conversations of the gateway's requests, and keeps what is known of one in the scope of its request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from litellm_bighub.deciders.ledger.conversation_history import ConversationHistory, FollowedConversation
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.conversation.fact import unsure
from litellm_bighub.domain.payload import JsonMapping
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.requests.hosted_tools import find_own_tools
from litellm_bighub.gateway.conversation.identity import conversation_id
from litellm_bighub.gateway.pipeline.request_scope import ScopedConversation, enter, request_scope


@dataclass(frozen=True, slots=True)
class OutputHistory:
    """Follows conversations, if the decider wants to know.

    Attributes:
        decisions: holds the ledger, and knows how the decider wants conversations followed.
    """

    decisions: ToolDecisions

    async def follow(
        self, data: JsonMapping, wire_format: Format | None, previous_response_id: str, asks: Callable[[], CallContext]
    ) -> None:
        """Find out what came back before a request, and with it, and keep that for its answer.

        Args:
            data: the request.
            wire_format: its format.
            previous_response_id: the upstream's id of the response that it goes on from.
            asks: finds out who asks.

        Raises:
            DecisionError: the ledger cannot be asked.
        """
        _begin(FollowedConversation())
        if await self.decisions.followed() is None:
            return
        results = () if wire_format is None else wire_format.brought(data).results
        stores = wire_format is not None and wire_format.stores_answers
        place = (previous_response_id, conversation_id(data)) if stores else ("", "")
        _begin(await self._conversations.follow(results, *place, asks()))

    async def list_tools(self, data: JsonMapping, asks: Callable[[], CallContext], *, gateway_mcp: bool) -> None:
        """Take in the provider's own tools that a request lists: their results stand in no request that follows.

        Raises:
            DecisionError: the ledger cannot be asked.
        """
        if self.decisions.history is None:
            return
        now = self.decisions.clock()
        listed = {
            name: now
            for tool in find_own_tools(data, gateway_mcp=gateway_mcp)
            for name in (tool.call.name, tool.call.type)
        }
        if self.decisions.history.calls is not None:
            listed |= {fact: now for name in listed for fact in unsure(name)}
        _keep(await self._conversations.add(_kept(), listed, conversation_id(data), asks()))

    async def follow_caller(self, context: CallContext) -> CallContext:
        """Follow a call that stands in no conversation that is known, of a tool that the gateway runs itself.

        Returns:
            Who asks, with what the same key and user got back lately, or with the conversation's in whose request the
            gateway makes the call.

        Raises:
            DecisionError: the ledger cannot be asked.
        """
        if await self.decisions.followed() is None:
            return context
        if request_scope().outputs is None:
            await self.follow({}, None, "", lambda: context)
        return _kept().of(context)

    async def record_run(self, call: ToolCall, context: CallContext) -> None:
        """Remember a call that the gateway runs itself: its result goes back at once.

        Raises:
            DecisionError: the ledger cannot be written.
        """
        _keep(await self._conversations.record_run(call, context))

    async def record_answer(self, asks: Callable[[], CallContext]) -> None:
        """Tie an answer to its conversation, before anybody can go on from it."""
        if self.decisions.history is not None:
            await self._conversations.record_answer(asks())

    @property
    def _conversations(self) -> ConversationHistory:
        return ConversationHistory(self.decisions)


def _kept() -> FollowedConversation:
    conversation = request_scope().conversation
    return FollowedConversation() if conversation is None else conversation.known


def _begin(known: FollowedConversation) -> None:
    enter(request_scope()._replace(conversation=ScopedConversation(known)))


def _keep(found: FollowedConversation) -> None:
    """Add to what is known, for all tasks of the request: LiteLLM makes calls of MCP tools in tasks of their own."""
    conversation = request_scope().conversation
    if conversation is None:
        _begin(found)
    else:
        conversation.known = conversation.known.joined(found)
