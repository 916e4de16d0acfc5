"""Conversations of many tool turns, which a client replays to the real hooks of the guardrail."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import litellm
from litellm.proxy._types import UserAPIKeyAuth
from litellm.types.llms.openai import ResponsesAPIResponse

from litellm_bighub import BighubGuardrail
from litellm_bighub.formats.payload.copies import plain

ROUTES = {
    "chat": ("/v1/chat/completions", "acompletion"),
    "messages": ("/v1/messages", "anthropic_messages"),
    "responses": ("/v1/responses", "aresponses"),
}


@dataclass
class ToolTurns:
    """A client of one format and the guardrail that it asks.

    Attributes:
        said: all that was said so far, as the format replays it.
        last: the id of the last answer.
        brought: of how many items of it and its results the end of `said` consists.
        number: how many requests there were.
    """

    wire: str
    guardrail: BighubGuardrail
    key: UserAPIKeyAuth = field(init=False)
    said: list = field(default_factory=list)
    last: str = ""
    brought: int = 0
    number: int = 0

    def __post_init__(self) -> None:
        path, _ = ROUTES[self.wire]
        self.key = UserAPIKeyAuth(api_key="sk-1", token="0" * 64, user_id="ann", request_route=path)
        self.said.append({"role": "user", "content": "go"})

    async def turns(self, *calls: tuple[str, dict]) -> None:
        """The model calls tools in one answer and the client runs them; it replays each as a turn of its own.

        The request replays the turns of the answer before alone: that is enough.
        """
        before = self.said[:1] + self.said[1:][-2 * len(calls) :]
        answer = plain(await self.ask(calls, self.body(before)))
        for at in range(len(calls)):
            call_id = f"call_{self.number}_{at}"
            match self.wire:
                case "chat":
                    message = answer["choices"][0]["message"]
                    self.said.append({**message, "tool_calls": [message["tool_calls"][at]]})
                    self.said.append({"role": "tool", "tool_call_id": call_id, "content": "done"})
                case "messages":
                    done = {"type": "tool_result", "tool_use_id": call_id, "content": "done"}
                    self.said.append({"role": "assistant", "content": [answer["content"][at]]})
                    self.said.append({"role": "user", "content": [done]})
                case _:
                    done = {"type": "function_call_output", "call_id": call_id, "output": "done"}
                    self.said += [answer["output"][at], done]
        self.last, self.brought = answer["id"], 2 * len(calls)

    def body(self, said: list | None = None) -> dict:
        """A request that replays what was said, all of it if nothing else is asked for."""
        said = deepcopy(self.said if said is None else said)
        match self.wire:
            case "responses":
                return {"input": said}
            case "chat":
                return {"messages": said}
            case _:
                return {"messages": said, "max_tokens": 99}

    def going_on(self) -> dict:
        """A request of the Responses format that names the last answer, and brings its results."""
        return {"input": deepcopy(self.said[-self.brought :][1::2]), "previous_response_id": self.last}

    async def passes(self, tool: str, arguments: dict, body: dict) -> bool:
        """Whether a call of the answer to a request reaches the client."""
        answer = plain(await self.ask([(tool, arguments)], body))
        match self.wire:
            case "chat":
                return bool(answer["choices"][0]["message"].get("tool_calls"))
            case "messages":
                return any(block["type"] == "tool_use" for block in answer["content"])
            case _:
                return any(item["type"] == "function_call" for item in answer["output"])

    async def ask(self, calls: Sequence[tuple[str, dict]], body: dict) -> object:
        """The answer with these calls, as the hooks let it through."""
        self.number += 1
        data = {"model": "gpt-4.1", "metadata": {}, **body}
        data = await self.guardrail.async_pre_call_hook(self.key, None, data, ROUTES[self.wire][1])
        answer = await self.guardrail.async_post_call_success_hook(data, self.key, self._answer(calls))
        await self.guardrail.async_post_call_response_headers_hook(data, self.key, answer)
        return answer

    def _answer(self, calls: Sequence[tuple[str, dict]]) -> object:
        made = [(f"call_{self.number}_{at}", tool, arguments) for at, (tool, arguments) in enumerate(calls)]
        match self.wire:
            case "chat":
                functions = [(call_id, {"name": tool, "arguments": json.dumps(given)}) for call_id, tool, given in made]
                parts = [{"id": call_id, "type": "function", "function": each} for call_id, each in functions]
                message = {"role": "assistant", "content": None, "tool_calls": parts}
                choice = {"index": 0, "finish_reason": "tool_calls", "message": message}
                return litellm.ModelResponse(id=f"chatcmpl-{self.number}", model="gpt-4.1", choices=[choice])
            case "messages":
                uses = [
                    {"type": "tool_use", "id": call_id, "name": tool, "input": given} for call_id, tool, given in made
                ]
                told = {"type": "message", "role": "assistant", "model": "claude", "stop_reason": "tool_use"}
                usage = {"input_tokens": 1, "output_tokens": 1}
                return {"id": f"msg_{self.number}", **told, "stop_sequence": None, "content": uses, "usage": usage}
            case _:
                begun = {"type": "function_call", "status": "completed"}
                output = [
                    {**begun, "id": f"fc_{call_id}", "call_id": call_id, "name": tool, "arguments": json.dumps(given)}
                    for call_id, tool, given in made
                ]
                told = {"object": "response", "created_at": 1, "status": "completed", "model": "gpt-4.1"}
                rest = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
                return ResponsesAPIResponse(id=f"resp_{self.number}", **told, **rest, output=output)
