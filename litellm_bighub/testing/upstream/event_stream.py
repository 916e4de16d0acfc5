"""Server-sent events with a pace, and with a connection that can break."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from litellm_bighub.testing.upstream.answers import Pace
from litellm_bighub.testing.upstream.items import Item

Frame = Callable[[Item], str]


def event_frame(event: Item) -> str:
    """An event as `/v1/responses` frames it: with its type as the event's name."""
    return f"event: {event['type']}\n{data_frame(event)}"


def data_frame(event: Item) -> str:
    """A chunk as `/v1/chat/completions` frames it."""
    return f"data: {json.dumps(event)}\n\n"


class EventStream(Response):
    """Sends events one by one. A cut stream just stops: the server then closes the socket mid-body."""

    media_type = "text/event-stream"

    def __init__(
        self,
        events: Iterable[Item],
        frame: Frame,
        pace: Pace,
        *,
        last_words: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(headers=headers)
        del self.headers["content-length"]
        self._events = events
        self._frame = frame
        self._pace = pace
        self._last_words = last_words

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send head and events."""
        del scope, receive  # the protocol's, not needed to send
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for number, event in enumerate(self._events):
            if number == self._pace.cut_after:
                return
            if self._pace.delay_seconds and _is_delta(event):
                await anyio.sleep(self._pace.delay_seconds)
            await _write(send, self._frame(event))
        await _write(send, self._last_words, more=False)


class Cut(Response):
    """Closes the connection before the first byte of an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Announce a body and send none, so that the client sees the connection break."""
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})


def _is_delta(event: Item) -> bool:
    return str(event.get("type", "chunk")).endswith(("delta", "chunk"))


async def _write(send: Send, text: str, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": more})
