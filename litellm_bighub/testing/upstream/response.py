"""A response of `/v1/responses` as a whole: the envelope around output items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.testing.upstream.items import Item
from litellm_bighub.testing.upstream.requests import Request

_ECHOED: JsonObject = {  # what OpenAI repeats in its answer, with its value when the request leaves it out
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "shell_call": "sh",
    "local_shell_call": "lsh",
    "apply_patch_call": "apc",
    "computer_call": "cu",
}
_NO_CALL_ID = ("mcp_", "web_search_", "file_search_", "code_interpreter_", "image_generation_")


@dataclass(slots=True)
class Ids:
    """Makes `resp_up1`, `msg_up1`, `call_up1`, `call_up2` and so on."""

    _counts: Counter[str] = field(default_factory=Counter[str])
    _lock: Lock = field(default_factory=Lock)

    def next(self, prefix: str) -> str:
        """The next id of this prefix."""
        with self._lock:
            self._counts[prefix] += 1
            return f"{prefix}_up{self._counts[prefix]}"


@dataclass(frozen=True, slots=True)
class ResponseEnvelope:
    """Everything of a response but its output and status."""

    id: str
    created_at: int
    request: Request

    def with_output(self, output: Sequence[Item], status: str) -> Item:
        """The response with these items and this status. Only a response that has ended has a usage."""
        body = self.request.body
        ended = status in {"completed", "incomplete", "failed"}
        return {
            **{key: body.get(key, default) for key, default in _ECHOED.items()},
            "id": self.id,
            "object": "response",
            "created_at": self.created_at,
            "completed_at": self.created_at if status == "completed" else None,
            "status": status,
            "model": self.request.model,
            "output": list(output),
            "tools": [_tool(tool) for tool in body.get("tools", [])],
            "error": {"code": "server_error", "message": "scripted failure"} if status == "failed" else None,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "usage": usage(self.request, output) if ended else None,
        }


def identified(items: Sequence[Item], ids: Ids) -> list[Item]:
    """The items as the wire has them: with ids and a status, where their types have one."""
    return [_identified(item, ids) for item in items]


def usage(request: Request, output: Sequence[Item]) -> Item:
    """Tokens, counted at four characters each."""
    given, answered = len(request.raw) // 4, len(str(list(output))) // 4
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": answered,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": given + answered,
    }


def _identified(item: Item, ids: Ids) -> Item:
    kind = str(item.get("type", ""))
    made: Item = {"id": ids.next(_PREFIXES.get(kind, "item")), **item}
    if kind.endswith("_call") and not kind.startswith(_NO_CALL_ID):
        made.setdefault("call_id", ids.next("call"))
    if kind not in {"reasoning", "custom_tool_call"}:
        made.setdefault("status", "completed")
    return made


def _tool(tool: Item) -> Item:
    return {"strict": True, "parameters": None, **tool} if tool.get("type") == "function" else tool
