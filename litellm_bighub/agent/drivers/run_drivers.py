"""The two drivers of a run: each pulls effects out of the flow, has them carried out, and gives events to its reader.

`run` is the last event. An error that ends a run early is thrown into the flow first, which records what happened.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any

from litellm_bighub.agent.drivers.function_calls import run_blocking
from litellm_bighub.agent.drivers.performer import AskCallback, Performer, WholeAnswer, needs_loop
from litellm_bighub.agent.flow.effects import AnyEffect, CallModel, Emit, Event, Steps
from litellm_bighub.agent.record.events import Payload
from litellm_bighub.loop_thread import LoopThread


class Stepper:
    """One step of the flow at a time."""

    def __init__(self, steps: Steps[Payload]) -> None:
        self._steps = steps
        self._result: Any = None
        self._error: BaseException | None = None

    def next(self) -> AnyEffect | Payload:
        """The next effect, or the payload that the run ends with."""
        result, error = self._result, self._error
        self._result = self._error = None
        try:
            return self._steps.send(result) if error is None else self._steps.throw(error)
        except StopIteration as stop:
            payload: Payload = stop.value
            return payload

    def give(self, result: Any) -> None:
        """What the effect gave."""
        self._result = result

    def fail(self, error: BaseException) -> None:
        """What the effect raised."""
        self._error = error

    def close(self) -> None:
        """End the flow, since its reader has left."""
        self._steps.close()


async def aevents(
    steps: Steps[Payload], performer: Performer, ask: AskCallback | None = None
) -> AsyncGenerator[Event, None]:
    """Drive a run on the running event loop."""
    stepper = Stepper(steps)
    try:
        while True:
            effect = stepper.next()
            if isinstance(effect, dict):
                yield {"type": "final_response", "response": effect}
                return
            if isinstance(effect, Emit):
                yield effect.event
                continue
            try:
                if isinstance(effect, CallModel) and effect.stream:
                    async for event in performer.stream(effect):
                        if isinstance(event, WholeAnswer):
                            stepper.give(event.response)
                        else:
                            yield event
                else:
                    stepper.give(await performer.perform(effect, ask))
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001 - the flow raises it again
                stepper.fail(error)
    finally:
        stepper.close()


def events(
    steps: Steps[Payload], performer: Performer, loop: LoopThread, ask: AskCallback | None = None
) -> Generator[Event, None, None]:
    """Drive a run from a thread without an event loop, or with one that is not to be touched."""
    stepper = Stepper(steps)
    try:
        while True:
            effect = stepper.next()
            if isinstance(effect, dict):
                yield {"type": "final_response", "response": effect}
                return
            if isinstance(effect, Emit):
                yield effect.event
                continue
            try:
                if isinstance(effect, CallModel) and effect.stream:
                    for event in _pulled(performer, effect):
                        if isinstance(event, WholeAnswer):
                            stepper.give(event.response)
                        else:
                            yield event
                else:
                    stepper.give(_performed(performer, effect, loop, ask))
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001 - the flow raises it again
                stepper.fail(error)
    finally:
        stepper.close()


def _pulled(performer: Performer, effect: CallModel) -> Generator[Event | WholeAnswer, None, None]:
    source = performer.stream(effect)
    try:
        while (event := run_blocking(_next(source))) is not None:
            yield event
    finally:
        run_blocking(source.aclose())


async def _next(source: AsyncGenerator[Event | WholeAnswer, None]) -> Event | WholeAnswer | None:
    return await anext(source, None)


def _performed(performer: Performer, effect: AnyEffect, loop: LoopThread, ask: AskCallback | None) -> Any:
    if needs_loop(effect):
        return loop.call(performer.perform, effect, ask)
    return run_blocking(performer.perform(effect, ask))
