"""What is refused before its first event, or whole: the official clients say why, and ask only once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import anthropic
import openai
import pytest

from litellm_bighub.testing import Verbatim, function_call

pytestmark = pytest.mark.proxy

TURN = {"role": "user", "content": "go"}
RETRIES = 2


@dataclass(frozen=True)
class Refused:
    """A request that is refused.

    Attributes:
        told: what the error tells.
        answer: what the provider would answer; `None` where it is not asked.
        bodies: what the request holds besides its prompt, by format.
        modes: whole, streamed or both.
    """

    told: str
    answer: object
    bodies: dict[str, dict[str, Any]]
    modes: tuple[str, ...] = ("whole", "streamed")


ANTHROPICS_RESULT = {"type": "tool_result", "tool_use_id": "call_x", "content": "done"}
RESULTS: dict[str, dict[str, Any]] = {
    "responses": {"input": [{"type": "function_call_output", "call_id": "call_x", "output": "done"}]},
    "chat": {"messages": [TURN, {"role": "tool", "tool_call_id": "call_x", "content": "done"}]},
    "messages": {"messages": [{"role": "user", "content": [ANTHROPICS_RESULT]}]},
}
FILES = {"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}
NO_MORE: dict[str, dict[str, Any]] = {"responses": {}, "chat": {}, "messages": {}}
KINDS = {
    "a result that nobody approved": Refused("results of tool calls that were withheld or never made", None, RESULTS),
    "a listed tool that needs approval": Refused('"file_search"', None, {"responses": FILES, "chat": FILES}),
    "a blocked call": Refused("was blocked by policy", [function_call("wipe", {"id": "a"})], NO_MORE),
    "a stream without events": Refused("was refused", Verbatim(raw=b""), {"chat": {}}, ("streamed",)),
}


def ask(gateway, format_name: str, body: dict[str, Any], *, stream: bool) -> None:
    """With the official client, which may try again."""
    extra = {"guardrails": ["errors"]}
    given: dict[str, Any] = {"model": "gpt-4.1", "stream": stream, "extra_body": extra}
    if format_name == "messages":
        url, key = gateway.proxy.base_url, gateway.proxy.master_key
        with anthropic.Anthropic(base_url=url, api_key=key, max_retries=RETRIES) as client:
            answer = client.messages.create(**{**given, "max_tokens": 64, "messages": [TURN], **body})
            list(answer) if stream else None
        return
    with gateway.client().with_options(max_retries=RETRIES) as client:
        if format_name == "responses":
            answer = client.responses.create(**{**given, "input": "go", **body})
        else:
            answer = client.chat.completions.create(**{**given, "messages": [TURN], **body})
        list(answer) if stream else None


@pytest.mark.parametrize(
    ("kind", "format_name", "mode"),
    [(kind, each, mode) for kind, refused in KINDS.items() for each in refused.bodies for mode in refused.modes],
)
def test_a_refusal_is_final_and_says_why(gateway, kind, format_name, mode):
    refused = KINDS[kind]
    if refused.answer is not None:
        gateway.upstream.script("go", refused.answer)

    with pytest.raises((openai.APIError, anthropic.APIError)) as raised:
        ask(gateway, format_name, refused.bodies[format_name], stream=mode == "streamed")

    error = raised.value
    assert refused.told in str(error.body)
    begun = refused.answer is not None and mode == "streamed" and not isinstance(refused.answer, Verbatim)
    if not begun:  # else the status has gone with the first event
        assert isinstance(error, openai.BadRequestError | anthropic.BadRequestError)
    assert len(gateway.upstream.requests) == (0 if refused.answer is None else 1)
