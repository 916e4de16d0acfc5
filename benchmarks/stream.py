"""CPU of scanning a stream through LiteLLM's unified path: our handler and LiteLLM's."""

from __future__ import annotations

import time

from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.proxy._types import UserAPIKeyAuth
from litellm.proxy.guardrails.guardrail_hooks.unified_guardrail.unified_guardrail import UnifiedLLMGuardrails
from litellm.types.llms.base import BaseLiteLLMOpenAIResponseObject
from litellm.types.llms.openai import OutputTextDeltaEvent

import litellm_bighub
from benchmarks.figure import Figure

DELTAS = 4000


class Noop(CustomGuardrail):
    """Looks at nothing."""

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        return inputs


def events(deltas):
    make = BaseLiteLLMOpenAIResponseObject.model_validate
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    words = [f"word {number} " for number in range(deltas)]
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    part = {"type": "output_text", "text": "".join(words), "annotations": []}
    yield make({"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}})
    for word in words:
        yield OutputTextDeltaEvent(type="response.output_text.delta", delta=word, **place)
    yield make({"type": "response.output_text.done", "text": part["text"], **place})
    yield make({"type": "response.output_item.done", "output_index": 0, "item": {**item, "content": [part]}})
    response = {"id": "resp_1", "status": "completed", "output": [{**item, "content": [part]}]}
    yield make({"type": "response.completed", "response": response})


async def cpu(deltas):
    async def upstream():
        for event in made:
            yield event

    made = list(events(deltas))
    guardrail = Noop(guardrail_name="noop", event_hook="post_call", default_on=True)
    hook, caller = UnifiedLLMGuardrails(), UserAPIKeyAuth(request_route="/v1/responses")
    request = {"litellm_metadata": {}}
    started = time.process_time()
    stream = hook.async_post_call_streaming_iterator_hook(caller, upstream(), request, guardrail_to_apply=guardrail)
    async for _ in stream:
        pass
    return time.process_time() - started


async def figures():
    litellm_bighub.uninstall()
    await cpu(50)
    theirs = await cpu(DELTAS)
    litellm_bighub.install()
    await cpu(50)
    ours = min([await cpu(DELTAS) for _ in range(3)])
    twice = min([await cpu(2 * DELTAS) for _ in range(3)])
    litellm_bighub.uninstall()
    what = f"CPU of a stream of {DELTAS:,} deltas, guardrail does nothing"
    yield Figure.of_ratio(what, ours, theirs, at_most=0.01, unit="ms", scale=1e3)
    what = f"the same with {2 * DELTAS:,} deltas, over {DELTAS:,} (linear: 2)"
    grown = twice / ours
    yield Figure.at_most(what, f"{grown:.2f}", "–", f"{grown:.2f}", value=grown, bound=2.5)
