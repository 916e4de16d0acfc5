"""What LiteLLM's loggers get of governed calls in code.

LiteLLM logs a call as soon as it has its answer, which is before anybody has looked at it. So its loggers wait here
until the caller has got the answer, for a few seconds. The calls are known by their ids.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from concurrent.futures import Future, TimeoutError as TooLate
from contextlib import aclosing
from functools import cache
from typing import Any, Final
from uuid import uuid4

import litellm
from litellm.integrations.custom_logger import CustomLogger

from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.registry import DEFAULT
from litellm_bighub.gateway.logs.delivered_answer import RECORD, DeliveredAnswer
from litellm_bighub.gateway.logs.logged_details import logged_details

_ID: Final = "litellm_call_id"
_OURS: Final = "litellm-bighub-"
_LOGGERS: Final = frozenset({"callbacks", "success_callback"})
_MOST_RECORDS: Final = 1000
_WAIT_SECONDS: Final = 10.0


class PendingAnswer(DeliveredAnswer):
    """The record of a call in code, which is over some time."""

    __slots__ = ("_over",)

    def __init__(self, wire_format: Format) -> None:
        super().__init__(wire_format)
        self._over: Future[None] = Future()

    async def deliver(self, events: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
        """Pass the events of a stream on to the caller, and remember them."""
        sent = self.stream()
        try:
            async with aclosing(events):
                async for event in events:
                    sent.append(event)
                    yield event
        finally:
            self.end()

    def end(self) -> None:
        """The caller has got all that it will get."""
        if not self._over.done():
            self._over.set_result(None)

    def wait(self) -> None:
        """Wait in a thread for the end, or not much longer."""
        try:
            self._over.result(_WAIT_SECONDS)
        except TooLate:
            return

    async def awaited(self) -> None:
        """Wait in a task for the end, or not much longer."""
        try:
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._over)), _WAIT_SECONDS)
        except asyncio.TimeoutError:
            return


class CodeLogs(CustomLogger):
    """Hands LiteLLM's loggers what callers in code got. One stands among LiteLLM's callbacks for all calls."""

    def __init__(self) -> None:
        super().__init__()
        self._records: OrderedDict[str, PendingAnswer] = OrderedDict()

    def open(self, request: JsonObject, wire_format: Format) -> PendingAnswer | None:
        """Begin the record of a call, and give the call an id to know it by; `None` if nobody logs."""
        if not self._is_logged(request):
            return None
        record = PendingAnswer(wire_format)
        call_id = request.setdefault(_ID, f"{_OURS}{uuid4()}")
        self._records[call_id] = record
        while len(self._records) > _MOST_RECORDS:
            self._records.popitem(last=False)
        manager = litellm.logging_callback_manager
        manager.add_litellm_async_success_callback(self)
        manager.add_litellm_success_callback(self)
        return record

    def _is_logged(self, request: JsonObject) -> bool:
        asynchronous = litellm._async_success_callback  # noqa: SLF001 - LiteLLM lists them nowhere else
        loggers = (*litellm.callbacks, *litellm.success_callback, *asynchronous)
        return any(logger is not self for logger in loggers) or bool(_LOGGERS & request.keys())

    async def async_logging_hook(
        self, kwargs: JsonObject, result: Payload, call_type: str
    ) -> tuple[JsonObject, Payload]:
        """Have loggers get what the caller got."""
        del call_type
        record = self._record(kwargs)
        if isinstance(record, PendingAnswer):
            await record.awaited()
        return self._logged(kwargs, result, record)

    def logging_hook(self, kwargs: JsonObject, result: Payload, call_type: str) -> tuple[JsonObject, Payload]:
        """As above, for loggers that LiteLLM runs in a thread."""
        del call_type
        record = self._record(kwargs)
        if isinstance(record, PendingAnswer):
            record.wait()
        return self._logged(kwargs, result, record)

    def _record(self, details: JsonObject) -> DeliveredAnswer | None:
        """The record of a call; one of nothing if the call is ours and so old that its record is gone."""
        call_id = details.get(_ID)
        if not isinstance(call_id, str):
            return None
        return self._records.get(call_id) or (DeliveredAnswer(DEFAULT) if call_id.startswith(_OURS) else None)

    def _logged(
        self, details: JsonObject, result: Payload, record: DeliveredAnswer | None
    ) -> tuple[JsonObject, Payload]:
        if record is None:
            return details, result
        details[RECORD] = record
        return logged_details(details, result)


@cache
def code_logs() -> CodeLogs:
    """The one of this process."""
    return CodeLogs()
