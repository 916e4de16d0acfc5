"""One question to the proxy, whole or streamed, with everything that client and upstream saw of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import openai

from litellm_bighub.testing import Item, Request, ScriptedUpstream

Mode = Literal["whole", "streamed"]

_TOOLS: list[Any] = [  # the client's union of parameter types is wider than what is sent here
    {"type": "function", "name": name, "parameters": {"type": "object"}, "strict": False}
    for name in ("lookup_order", "refund_payment", "delete_customer")
]
_MODEL = "gpt-4.1"


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
class Line:
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
