"""One question to the proxy, or to an agent in code, with everything that client and upstream saw of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import openai

from litellm_bighub.agent.guarded import GuardedOpenAI
from litellm_bighub.testing import Item, Request, ScriptedUpstream

Mode = Literal["whole", "streamed"]

_TOOLS: list[Any] = [  # the client's union of parameter types is wider than what is sent here
    {"type": "function", "name": name, "parameters": {"type": "object"}, "strict": False}
    for name in ("lookup_order", "refund_payment", "delete_customer")
]
_MODEL = "gpt-4.1"
MODEL = "agent-model"
_NO_KEY = "sk-no-key-is-needed"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was seen of one exchange.

    Attributes:
        output: the items that the client has in the end.
        text: all text of the answer.
        received: everything that came in, every event of a stream, as JSON.
        upstream_saw: the request that reached the model.
        first_text_seconds: until the first text delta, if there was one.
        seconds: until the end.
    """

    output: list[Item]
    text: str
    received: str
    upstream_saw: Request
    first_text_seconds: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class DemoClient:
    """The line to the model: the official client, through the proxy, to the upstream.

    Attributes:
        client: of the proxy.
        upstream: what stands behind it.
        clock: seconds that only rise.
    """

    client: openai.OpenAI
    upstream: ScriptedUpstream
    clock: Callable[[], float] = time.perf_counter

    def ask(self, prompt: str, mode: Mode) -> Exchange:
        """Ask the model through the proxy."""
        match mode:
            case "whole":
                return self._whole(prompt)
            case "streamed":
                return self._streamed(prompt)

    def _whole(self, prompt: str) -> Exchange:
        began = self.clock()
        response = self.client.responses.create(model=_MODEL, input=prompt, tools=_TOOLS)
        seconds = self.clock() - began
        output = [item.to_dict() for item in response.output]
        return Exchange(output, response.output_text, response.to_json(), self._last_request(), None, seconds)

    def _streamed(self, prompt: str) -> Exchange:
        began = self.clock()
        first_text: float | None = None
        received: list[str] = []
        with self.client.responses.stream(model=_MODEL, input=prompt, tools=_TOOLS) as stream:
            for event in stream:
                if event.type == "response.output_text.delta" and first_text is None:
                    first_text = self.clock() - began
                received.append(event.to_json(warnings=False))
            response = stream.get_final_response()
        seconds = self.clock() - began
        output = [item.to_dict() for item in response.output]
        seen = "\n".join(received)
        return Exchange(output, response.output_text, seen, self._last_request(), first_text, seconds)

    def _last_request(self) -> Request:
        return self.upstream.requests[-1]


def ask_agent(upstream: ScriptedUpstream, policy: Path, prompt: str, mode: Mode) -> Exchange:
    """Let an agent with two tools work on a prompt.

    Returns:
        What happened: `output` holds one event for each tool call, `text` is the agent's last word.
    """
    with openai.DefaultHttpxClient(trust_env=False) as http:
        client = openai.OpenAI(base_url=upstream.base_url, api_key=_NO_KEY, max_retries=0, http_client=http)
        with GuardedOpenAI(
            openai_client=client, decider="embedded", policy=policy, actor="demo-agent", domain="customer_transactions"
        ) as guard:
            guard.tool("lookup_order", lookup_order)
            guard.tool("delete_customer", delete_customer)
            began = time.perf_counter()
            messages = [{"role": "user", "content": prompt}]
            first_text: float | None = None
            payload: Any = None
            if mode == "whole":
                payload = guard.run(messages=messages, model=MODEL)
            else:
                for event in guard.run_stream(messages=messages, model=MODEL):
                    if event["type"] == "llm_delta" and first_text is None:
                        first_text = time.perf_counter() - began
                    if event["type"] == "final_response":
                        payload = event["response"]
            seconds = time.perf_counter() - began
    events = [dict(event) for event in payload["execution"]["events"]]
    received = json.dumps(payload, default=str)
    return Exchange(events, payload["output_text"], received, upstream.requests[-1], first_text, seconds)


def lookup_order(order_id: str) -> dict[str, str]:
    """Look an order up."""
    return {"order_id": order_id, "status": "shipped"}


def delete_customer(customer_id: str) -> dict[str, bool]:
    """Delete a customer. The policy never lets it run."""
    raise AssertionError(f"{customer_id} was deleted")
