"""Deciding through a BIGHUB client."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import anyio.to_thread

from litellm_bighub.agent.bighub.client import Client
from litellm_bighub.agent.tools.result_text import jsonable
from litellm_bighub.agent.tools.tool import DecisionMode, Tool
from litellm_bighub.agent.tools.value_extraction import UnreadableStake, metadata_of
from litellm_bighub.deciders.hosted.background_message import tell_background
from litellm_bighub.deciders.hosted.service import (
    answered_status,
    decision_error,
    gateway,
    question,
    redacted_target,
)
from litellm_bighub.deciders.hosted.strict_answer import read_decision
from litellm_bighub.deciders.hosted.told_history import ToldHistory
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.conversation.history import FreshHistory
from litellm_bighub.domain.decision import Decision, RequireApproval
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.errors import DecisionRefused

_PAYLOAD_METHODS: Mapping[DecisionMode, tuple[str, ...]] = {
    "submit": ("submit_payload", "evaluate_payload", "submit_v2"),
    "submit_v2": ("submit_v2", "submit_payload", "evaluate_payload"),
    "submit_payload": ("submit_payload", "evaluate_payload", "submit_v2"),
}
"""What the generations of clients call the endpoint that takes a free payload, the likeliest first."""


class ClientDecider:
    """Implements `Decider` with a client's `actions`.

    Args:
        tools: the agent's tools, for the metadata of each.
        mode: which endpoint is asked where the tool names none.
        facts: what goes with every question.
        redactor: takes secrets out of the arguments that go to BIGHUB.
    """

    name = "bighub"

    def __init__(
        self,
        client: Client,
        *,
        tools: Mapping[str, Tool],
        mode: DecisionMode,
        facts: JsonMapping,
        redactor: Redactor,
    ) -> None:
        self._client = client
        self._tools = tools
        self._mode: DecisionMode = mode
        self._always = dict(facts)
        self._redactor = redactor
        self._told = ToldHistory(self._status)

    @property
    def history(self) -> FreshHistory:
        """Whoever answers has the labels of results; an embedded control plane also asks for earlier calls."""
        return self._told.fresh

    async def learn(self) -> None:
        """Ask an embedded control plane which earlier calls its rules ask for."""
        await self._told.learn()

    async def decide(self, call: ToolCall, context: CallContext) -> Decision:
        """Decide on one call."""
        tool = self._tools.get(call.name)
        mode = tool.decision_mode if tool and tool.decision_mode else self._mode
        asked = self._question(call, context, tool)
        if mode == "submit" and (method := self._client.method("actions", "submit", "evaluate")):
            answer = await self._asked(method, asked)
        else:
            method = self._payload_method(_PAYLOAD_METHODS[mode])
            answer = await self._asked(method, {"payload": _payload(asked)})
        return _decision(answer)

    async def tell_background(self, decision: RequireApproval, call: ToolCall, context: CallContext) -> None:
        """Tell an embedded control plane why the call was made, as `TellingDecider` has it."""
        await tell_background(self._send, decision, call, context, self._redactor)

    async def _send(self, path: str, body: JsonObject) -> object:
        """Post with the connections of the SDK's client; another client has none."""
        transport = getattr(getattr(self._client.object, "approvals", None), "_transport", None)
        if transport is None:
            return None
        ask = partial(transport.request, method="POST", path=path, json_body=body)
        if inspect.iscoroutinefunction(transport.request):
            return await ask()
        return await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)

    async def dry_run(self, call: ToolCall, context: CallContext) -> Decision:
        """The decision that the call would get; BIGHUB records nothing of it.

        A client without dry runs is asked as for the call itself: BIGHUB then records a decision, and nothing runs.
        """
        method = self._client.method("actions", "dry_run")
        if method is None:
            return await self.decide(call, context)
        answer = await self._asked(
            method, {"payload": _payload(self._question(call, context, self._tools.get(call.name)))}
        )
        if isinstance(answer, Mapping):
            # That nothing can run by a dry run is what we asked for, not an objection.
            asked = {
                key: each for key, each in answer.items() if key not in {"dry_run", "can_run"} and each != "dry_run"
            }
            return _with_answer(read_decision(asked), answer)
        return read_decision(answer)

    async def aclose(self) -> None:
        """Close the client."""
        await self._told.aclose()
        await self._client.aclose()

    def _payload_method(self, names: tuple[str, ...]) -> Callable[..., Any]:
        method = self._client.method("actions", *names)
        if method is None:
            raise DecisionRefused(f"the BIGHUB client has no actions.{names[0]}")
        return method

    def _question(self, call: ToolCall, context: CallContext, tool: Tool | None) -> JsonObject:
        try:
            metadata = metadata_of(call.arguments, tool.metadata_from_args if tool else None)
        except UnreadableStake as error:
            raise DecisionRefused(str(error)) from error
        shown = self._redactor.redact(call.arguments)
        told = replace(context, history=self._told.of(call, shown, context))
        facts = {**self._always, **metadata, "gateway": gateway(call, told), "arguments": shown}
        asked: JsonObject = {
            **question(call, context, target=redacted_target(call, self._redactor)),
            # One generation of clients calls it metadata, the other context; each takes the one that it knows.
            "context": facts,
            "metadata": facts,
        }
        return asked if call.value is None else {**asked, "value": call.value}

    async def _status(self) -> object:
        """The service's status; nothing where the client has no such question.

        Raises:
            DecisionError: there is none.
        """
        method = self._client.method("actions", "status")
        return None if method is None else await answered_status(partial(self._client.call, method))

    async def _asked(self, method: Callable[..., Any], arguments: JsonMapping) -> object:
        try:
            return await self._client.call(method, **arguments)
        except Exception as error:
            # Anything else is a bug of somebody's client. It opens nothing.
            refused = DecisionRefused(f"asking BIGHUB failed ({type(error).__name__})")
            raise decision_error(error) or refused from error


def _decision(answer: object) -> Decision:
    return _with_answer(read_decision(answer), answer)


def _with_answer(decision: Decision, answer: object) -> Decision:
    """The decision with everything that BIGHUB said, for the caller's events."""
    return replace(decision, basis=replace(decision.basis, answer=jsonable(answer)))


def _payload(asked: JsonMapping) -> JsonObject:
    return {key: each for key, each in asked.items() if key not in {"metadata", "idempotency_key"}}
