"""The stream that a governed call in code returns, and LiteLLM's stream below it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from typing_extensions import Self

from litellm_bighub.domain.payload import Payload
from litellm_bighub.formats.answers.error_text import harmless
from litellm_bighub.gateway.pipeline.gated_stream import close_stream
from litellm_bighub.gateway.pipeline.provider_error import sanitized_error
from litellm_bighub.wording import Wording


class Upstream:
    """A stream of LiteLLM's.

    Args:
        events: the stream.
        within: where it is read, as the request was sent: LiteLLM may fall back in the midst of it, and send another.
        wording: in which errors are told.
    """

    def __init__(
        self, events: AsyncIterator[Any], within: Callable[[], AbstractContextManager[None]], wording: Wording
    ) -> None:
        self._wording = wording
        self._events = events
        self._within = within

    def __aiter__(self) -> Upstream:
        return self

    async def __anext__(self) -> Payload:
        with self._within():
            try:
                return harmless(await anext(self._events), self._wording)
            except StopAsyncIteration:
                raise
            except Exception as error:  # noqa: BLE001 - whichever it is, it may quote the answer
                failed = sanitized_error(error, alone=True, wording=self._wording)
        raise failed from None

    async def aclose(self) -> None:
        """Let go of the provider's answer."""
        await _let_go(self._events)


class CodeStream:
    """A stream of events: an asynchronous iterator, and a context manager that closes it.

    Args:
        events: what is given back.
        source: what they are made of; closed with them, even if nobody has begun to read.
    """

    def __init__(self, events: AsyncGenerator[Any, None], source: object) -> None:
        self._events = events
        self._source = source

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Payload:
        return await anext(self._events)

    async def aclose(self) -> None:
        """Let go of the provider's answer; what is undecided is never given back. Safe to call twice."""
        try:
            await self._events.aclose()
        finally:
            await _let_go(self._source)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


async def _let_go(events: object) -> None:
    """Close a stream of LiteLLM's. Those of the Responses API have nothing to close but the HTTP answer they read."""
    await close_stream(events if hasattr(events, "aclose") else getattr(events, "response", None))
