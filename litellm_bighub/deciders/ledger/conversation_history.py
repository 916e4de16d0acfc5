"""What came back in a conversation, so that labels hold and rules on earlier calls decide for the calls that follow.

Where rules ask for earlier calls, facts about these are followed, too. What is sure is what the ledger knows of this
very key and user; what a request says, what others did, and what happened in the window of a new turn is possible.

A request goes on from what it names: an answer, a provider's conversation, or calls that it replays. What had come back
there holds on, and what it brings itself. A request that names nothing that the ledger knows gets what the same key and
user got back lately, so that nobody loses a history by leaving an id out.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall, is_readable
from litellm_bighub.domain.conversation.fact import (
    RELEASED,
    RETURNED,
    Facts,
    facts_of,
    is_fact,
    is_thread,
    kept,
    of_call,
    of_caller,
    of_calls,
    of_one_call,
    possible,
    spans,
    text_of,
    thread,
    unsure,
    with_facts,
)
from litellm_bighub.domain.conversation.history import (
    UNKNOWN_TOOL,
    FreshHistory,
    Returned,
    as_returned,
    mark,
    mark_of_caller,
    marks_of_calls,
    marks_of_place,
    merged,
    own_marks,
    told,
)
from litellm_bighub.domain.decided_call import DecidedCall, Search, storable
from litellm_bighub.errors import DecisionError
from litellm_bighub.formats.requests.results import FoundResult

logger = logging.getLogger(__name__)
_OFTEN: Final = 60.0
"""Seconds after which it is written again that a result came back."""


@dataclass(frozen=True, slots=True)
class FollowedConversation:
    """What is known of a conversation at a request, as the context of its answer's calls has it.

    Attributes:
        outputs: the tools whose results came back.
        history: facts about its calls.
    """

    outputs: str = ""
    history: str = ""

    def of(self, context: CallContext) -> CallContext:
        """A context with it."""
        return replace(context, outputs=self.outputs, history=self.history)

    def joined(self, other: FollowedConversation) -> FollowedConversation:
        """The same with what another task has found out; where nobody knows the facts, nobody does."""
        outputs = told([*self.outputs.split("\n"), *other.outputs.split("\n")])
        return replace(self.with_facts(facts_of(other.history) or {}), outputs=outputs)

    def with_facts(self, facts: Facts) -> FollowedConversation:
        """The same with more facts about its calls; where nobody knows these, nobody does."""
        return replace(self, history=with_facts(self.history, facts))


UNKNOWN: Final = FollowedConversation(UNKNOWN_TOOL)
"""A conversation that could not be followed: any result may have come back."""


@dataclass(frozen=True, slots=True)
class ConversationHistory:
    """Follows conversations, if the decider wants to know.

    Attributes:
        decisions: holds the ledger, and knows how the decider wants conversations followed.
    """

    decisions: ToolDecisions

    async def follow(
        self, results: Sequence[FoundResult], response_id: str, conversation: str, context: CallContext
    ) -> FollowedConversation:
        """Find out what came back before a request, and with it.

        Args:
            results: what it brings.
            response_id: the upstream's id of the response that it goes on from.
            conversation: the id of the provider's conversation.
            context: who asks.

        Raises:
            DecisionError: the ledger cannot be asked.
        """
        fresh = await self.decisions.followed()
        if fresh is None:
            return FollowedConversation()
        known = _KnownCalls(await self._calls(results, response_id, conversation, context))
        now = self.decisions.clock()
        brought = {tool: now for found in results for tool in self._tools(found, known)}
        own = own_marks(response_id, conversation, context)
        own |= marks_of_calls((storable(found.call_id) for found in results), context)
        caller = mark_of_caller(context)
        before = await self.decisions.ledger.returned({*own, *marks_of_place(response_id, conversation), caller})
        lately = before.get(caller, {})
        earlier = [history for name, history in before.items() if name != caller]
        is_new = not known and own.isdisjoint(before)
        if is_new:
            earlier.append(_lately(lately, fresh, now))
        history = ""
        if fresh.calls is not None:
            sure = own - marks_of_calls(known.ambiguous(), context)
            facts = merged(
                history if name in sure else possible(history) | _threads(history)
                for name, history in before.items()
                if name != caller
            )
            by_call = of_calls(facts)
            new = {fact: now for found in results for fact in self._facts(found, known, by_call)}
            if not spans(facts):
                facts |= {**possible(_lately(lately, fresh, now)), **self._began(caller, fresh, now)}
            history = _text(merged([kept(facts), new]), lately, fresh)
            brought |= new
        await self._keep(brought, lately, {*marks_of_place("", conversation), caller})
        return FollowedConversation(_told(merged([*earlier, brought])), history)

    async def add(
        self, followed: FollowedConversation, new: Returned, conversation: str, context: CallContext
    ) -> FollowedConversation:
        """Add results, and facts about calls, to what is known already.

        Raises:
            DecisionError: the ledger cannot be asked.
        """
        if not new:
            return followed
        caller = mark_of_caller(context)
        lately = (await self.decisions.ledger.returned([caller])).get(caller, {})
        await self._keep(new, lately, {*marks_of_place("", conversation), caller})
        outputs = _told(merged([as_returned(followed.outputs, 0.0), new]))
        facts = {fact: time for fact, time in new.items() if is_fact(fact)}
        return replace(followed.with_facts(facts) if facts else followed, outputs=outputs)

    async def record_run(self, call: ToolCall, context: CallContext) -> FollowedConversation:
        """Remember a call whose result goes back at once; gives what is known by it.

        Raises:
            DecisionError: the ledger cannot be written.
        """
        fresh = self.decisions.history
        if fresh is None:
            return FollowedConversation()
        now = self.decisions.clock()
        facts = of_call(call.name, call.arguments, fresh.calls or ()) if fresh.calls is not None else ()
        new = {sign + fact: now for fact in facts for sign in (RELEASED, RETURNED)}
        await self.decisions.ledger.mark({mark_of_caller(context)}, {call.name: now, **new})
        return FollowedConversation(call.name, text_of(new))

    async def record_answer(self, context: CallContext) -> None:
        """Tie an answer to its conversation, before anybody can go on from it.

        Who goes on from an answer that could not be recorded gets what came back lately.
        """
        if self.decisions.history is None:
            return
        place = (context.response_id, context.conversation)
        if marks := marks_of_place(*place) | own_marks(*place, context):
            returned = as_returned(context.outputs, self.decisions.clock()) | kept(facts_of(context.history) or {})
            try:
                await self.decisions.ledger.mark(marks, returned)
            except DecisionError as error:
                logger.warning("the ledger did not remember what came back before an answer: %s", error)

    async def _keep(self, new: Returned, lately: Returned, marks: set[str]) -> None:
        if any(time >= lately.get(tool, 0.0) + _OFTEN for tool, time in new.items()):
            await self.decisions.ledger.mark(marks, new)

    async def _calls(
        self, results: Sequence[FoundResult], response_id: str, conversation: str, context: CallContext
    ) -> Sequence[DecidedCall]:
        """The caller's calls that a request is about, as far as the ledger knows them."""
        if not (results or response_id or conversation):
            return ()
        ids = {storable(found.call_id) for found in results}
        owner = (storable(context.actor), storable(context.key), storable(context.user))
        search = Search(response_id, storable(conversation), ids, (), *owner)
        return [call for call in await self.decisions.ledger.find(search) if (call.key, call.user) == owner[1:]]

    def _tools(self, found: FoundResult, known: _KnownCalls) -> set[str]:
        """The tools whose result that may be: what the request says, and what the ledger knows."""
        calls = known.of(found)
        if any(found.is_ours(call, self.decisions.wording) for call in calls if not call.released):
            return set()
        tools = {call.tool for call in calls}
        if found.call is not None:
            tools.add(found.call().name)
        return {tool if is_readable(tool) else UNKNOWN_TOOL for tool in tools} or {UNKNOWN_TOOL}

    def _facts(self, found: FoundResult, known: _KnownCalls, by_call: Mapping[str, Sequence[str]]) -> set[str]:
        """What a result says of earlier calls. Only one of a released call that is surely known says it for sure."""
        calls = known.of(found)
        if found.call is not None:
            made = found.call()
            calls = [call for call in calls if call.tool == made.name and call.digest == made.digest]
        if calls and len({(call.tool, call.digest) for call in calls}) == 1 and all(call.released for call in calls):
            head = of_one_call(calls[0].call_id, calls[0].digest, calls[0].tool)
            if surely := {RETURNED + fact.removeprefix(head) for fact in by_call.get(head, ())}:
                return surely
        return {fact for tool in self._tools(found, known) for fact in unsure(tool)}

    def _began(self, caller: str, fresh: FreshHistory, now: float) -> dict[str, float]:
        """A new conversation, which goes on from what the key and user did in the window."""
        began = {thread(mark("thread", self.decisions.new_id())): now}
        return began | ({thread(caller, now - fresh.seconds, now): now} if fresh.seconds else {})


class _KnownCalls:
    """Calls that the ledger knows, by their ids: a request may replay a thousand."""

    def __init__(self, calls: Sequence[DecidedCall]) -> None:
        self._by_id: defaultdict[str, list[DecidedCall]] = defaultdict(list)
        for call in calls:
            self._by_id[call.call_id].append(call)

    def __bool__(self) -> bool:
        return bool(self._by_id)

    def of(self, found: FoundResult) -> Sequence[DecidedCall]:
        """Those that a result may be of."""
        return self._by_id.get(storable(found.call_id), ())

    def ambiguous(self) -> set[str]:
        """The ids of calls of several answers: what came before one of them did not surely come before the other."""
        return {call_id for call_id, calls in self._by_id.items() if len({call.response_id for call in calls}) > 1}


def _told(returned: Returned) -> str:
    return told(name for name in returned if not is_fact(name))


def _threads(history: Returned) -> dict[str, float]:
    """The conversation that a history is of, also where it is not this caller's."""
    return {fact: time for fact, time in history.items() if is_thread(fact)}


def _text(facts: Facts, lately: Returned, fresh: FreshHistory) -> str:
    """Facts as a call's context has them, with those of the caller if rules ask for them."""
    return text_of({**facts, **of_caller(lately)} if fresh.of_caller else facts)


def _lately(returned: Returned, fresh: FreshHistory, now: float) -> Returned:
    return {tool: time for tool, time in returned.items() if time > now - fresh.seconds}
