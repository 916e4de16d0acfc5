"""What governing adds to the text of a stream: to each delta, to the first one, and to the end."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from contextlib import aclosing

from benchmarks.figure import Figure
from benchmarks.guardrails import Noop
from litellm_bighub import TextGuardrail
from litellm_bighub.gateway.hooks.tool_guardrail import BighubGuardrail

DELTAS = 400
PACE = 0.005
"""Seconds between two deltas, as a quick model has them."""
SENTENCE = 15
"""Words of a sentence."""
MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}


class Unasked:
    """There are no calls to decide on."""

    name = "unasked"


class Stream:
    """A model's stream of text, each delta with the time when it was sent."""

    def __init__(self):
        self.sent = {}
        self._numbers = itertools.count()

    async def events(self):
        yield self._event("response.created", response={"id": "resp_1", "status": "in_progress", "output": []})
        place = {"output_index": 0, "content_index": 0, "item_id": "msg_1"}
        part = {"type": "output_text", "text": "", "annotations": []}
        yield self._event("response.output_item.added", output_index=0, item=MESSAGE)
        yield self._event("response.content_part.added", part=part, **place)
        words = [f"word{number:04}{'.' if number % SENTENCE == SENTENCE - 1 else ','} " for number in range(DELTAS)]
        for word in words:
            await asyncio.sleep(PACE)
            self.sent[word] = time.perf_counter()
            yield self._event("response.output_text.delta", delta=word, logprobs=[], **place)
        part = {**part, "text": "".join(words)}
        done = {**MESSAGE, "status": "completed", "content": [part]}
        yield self._event("response.output_text.done", text=part["text"], logprobs=[], **place)
        yield self._event("response.content_part.done", part=part, **place)
        yield self._event("response.output_item.done", output_index=0, item=done)
        yield self._event("response.completed", response={"id": "resp_1", "status": "completed", "output": [done]})

    def _event(self, kind, **fields):
        return {"type": kind, "sequence_number": next(self._numbers), **fields}


async def arrivals(events):
    """When each piece of text came, and when all was over."""
    came = []
    async with aclosing(events):
        async for event in events:
            told = event if isinstance(event, dict) else event.model_dump()
            if told["type"] == "response.output_text.delta":
                came.append((told["delta"], time.perf_counter()))
    return came, time.perf_counter()


async def delay(govern):
    """Seconds from a delta's leaving the model to its arrival, the median."""
    stream = Stream()
    came, _ = await arrivals(govern(stream.events()))
    return statistics.median(arrived - stream.sent[word] for word, arrived in came)


async def figures():
    guardrail = BighubGuardrail(decider_instance=Unasked())
    ours = await delay(lambda events: guardrail.pipeline.stream(guardrail.request({}), events))
    theirs = await delay(lambda events: events)
    what = "added to a text delta of a governed stream, p50 (theirs: no plugin, from the model to the client)"
    yield Figure.of_time(what, (ours - theirs) * 1000, theirs * 1000, at_most_ms=0.5)
    plain = Stream()
    came, over = await arrivals(plain.events())
    theirs = came[0][1] - next(iter(plain.sent.values())), over - plain.sent[came[-1][0]]
    for hold, settings, waits_for in (
        ("a window of 256 characters", {}, 256),
        ("a window of 64 characters", {"window_size": 64, "window_overlap": 32}, 64),
        ("sentences of 150 characters", {"hold": "sentence"}, 150),
    ):
        texts = TextGuardrail(guardrails=[Noop()], **settings)
        stream = Stream()
        came, over = await arrivals(texts.checked(stream.events(), {}))
        first, last = min(stream.sent.values()), max(stream.sent.values())
        what = f"first text of a masked stream after the model's first, {hold}"
        word = len(next(iter(stream.sent)))
        at_most = round(waits_for / word * PACE * 1000 * 1.5)
        yield Figure.of_time(what, (came[0][1] - first) * 1000, theirs[0] * 1000, at_most_ms=at_most)
        what = f"end of that stream after the model's, {hold}"
        yield Figure.of_time(what, (over - last) * 1000, theirs[1] * 1000, at_most_ms=20)
