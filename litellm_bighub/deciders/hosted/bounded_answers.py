"""Answers of a service, bounded in size: an endless one, or one that unpacks to gigabytes, is no decision.

The SDK reads without a bound. These transports stand under it: they read and unpack an answer themselves, and hand over
one that is whole and short.
"""

from __future__ import annotations

import copy
import time
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import anyio
import httpx

LARGEST_BYTES: Final = 10_000_000
"""Of an unpacked answer. A list of a thousand approvals has about a tenth."""

_PACKED: Final[Mapping[str, int]] = {"gzip": 31, "x-gzip": 31, "deflate": 47}
"""The encodings that are unpacked, with what zlib calls them."""

_OF_THE_WIRE: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class BoundedAnswers(httpx.AsyncBaseTransport):
    """Answers of another transport, each whole, short and in time.

    Args:
        inner: makes the connections.
        seconds: how long an answer may take, from the question to its end.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, seconds: float) -> None:
        self._inner = inner
        self._seconds = seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the question, and read the answer."""
        _ask_for_what_is_unpacked(request)
        with anyio.move_on_after(self._seconds):
            answer = await self._inner.handle_async_request(request)
            try:
                body = _Body(request, answer.headers)
                async for part in _async_parts(answer):
                    body.add(part)
                return body.answer(answer)
            finally:
                await answer.aclose()
        raise httpx.ReadTimeout(f"no whole answer within {self._seconds:g} s", request=request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class BoundedSyncAnswers(httpx.BaseTransport):
    """The same for code without an event loop."""

    def __init__(self, inner: httpx.BaseTransport, seconds: float) -> None:
        self._inner = inner
        self._seconds = seconds

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the question, and read the answer."""
        _ask_for_what_is_unpacked(request)
        end = time.monotonic() + self._seconds
        answer = self._inner.handle_request(request)
        try:
            body = _Body(request, answer.headers)
            for part in _parts(answer):
                body.add(part)
                if time.monotonic() > end:
                    raise httpx.ReadTimeout(f"no whole answer within {self._seconds:g} s", request=request)
            return body.answer(answer)
        finally:
            answer.close()

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def bounded_client(client: Any, seconds: float) -> Any:
    """An httpx client over the connections of another one, sync or async, whose answers are bounded."""
    made = copy.copy(client)
    made._transport = _over(client._transport, seconds)  # noqa: SLF001 - httpx has no other way to share connections
    made._mounts = {pattern: _over(each, seconds) for pattern, each in client._mounts.items()}  # noqa: SLF001
    return made


def _over(transport: Any, seconds: float) -> Any:
    if isinstance(transport, httpx.AsyncBaseTransport):
        return BoundedAnswers(transport, seconds)
    return BoundedSyncAnswers(transport, seconds) if isinstance(transport, httpx.BaseTransport) else transport


class _Body:
    """The unpacked bytes of an answer."""

    def __init__(self, request: httpx.Request, headers: httpx.Headers) -> None:
        self._request = request
        self._parts: list[bytes] = []
        self._size = self._wire = 0
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in {"identity", *_PACKED}:
            raise httpx.DecodingError("the answer has an encoding that was not asked for", request=request)
        self._unpacker = zlib.decompressobj(_PACKED[encoding]) if encoding in _PACKED else None

    def add(self, part: bytes) -> None:
        """Take the next bytes of the wire.

        Raises:
            DecodingError: the answer is too large, or cannot be unpacked.
        """
        try:
            unpacked = self._unpacker.decompress(part, LARGEST_BYTES + 1 - self._size) if self._unpacker else part
        except zlib.error as error:
            raise httpx.DecodingError("the answer cannot be unpacked", request=self._request) from error
        self._size += len(unpacked)
        self._wire += len(part)  # what unpacks to nothing may be endless, too, or stand behind the end
        if max(self._size, self._wire) > LARGEST_BYTES:
            raise httpx.DecodingError(f"the answer has more than {LARGEST_BYTES} bytes", request=self._request)
        self._parts.append(unpacked)

    def answer(self, answer: httpx.Response) -> httpx.Response:
        """The answer with these bytes as its body.

        Raises:
            DecodingError: what was packed does not end.
        """
        if self._unpacker is not None and not self._unpacker.eof:
            raise httpx.DecodingError("the packed answer ends too early", request=self._request)
        headers = [(name, value) for name, value in answer.headers.raw if name.decode().lower() not in _OF_THE_WIRE]
        extensions = {key: each for key, each in answer.extensions.items() if key != "network_stream"}
        return httpx.Response(
            answer.status_code,
            headers=headers,
            content=b"".join(self._parts),
            request=self._request,
            extensions=extensions,
        )


def _ask_for_what_is_unpacked(request: httpx.Request) -> None:
    request.headers["accept-encoding"] = "gzip"


def _async_parts(answer: httpx.Response) -> httpx.AsyncByteStream:
    if not isinstance(answer.stream, httpx.AsyncByteStream):
        raise TypeError("an asynchronous transport gave a synchronous answer")
    return answer.stream


def _parts(answer: httpx.Response) -> Iterable[bytes]:
    if not isinstance(answer.stream, httpx.SyncByteStream):
        raise TypeError("a synchronous transport gave an asynchronous answer")
    return answer.stream
