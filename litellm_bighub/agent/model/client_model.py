"""The model behind a client: official or not, sync or async.

A client needs `.responses.create` only; `.responses.stream` is used where the client is not the official one. Responses
and events become plain containers, whichever kind of object the client made of them.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import Enum
from typing import Any, Protocol, cast

import openai

from litellm_bighub.agent.drivers.function_calls import FunctionCaller
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.errors import ProviderResponseError

_END = object()
_PLAIN_CLIENTS = frozenset({openai.OpenAI, openai.AsyncOpenAI})


class ModelPort(Protocol):
    """A model that can be asked. Responses and events come in plain containers."""

    async def create(self, request: JsonMapping) -> JsonObject:
        """The whole response."""
        ...

    def stream(self, request: JsonMapping) -> AbstractAsyncContextManager[AsyncIterator[JsonObject]]:
        """The response's events; the last one holds the response."""
        ...


class ClientModel:
    """A `ModelPort` over a client's `.responses`.

    Args:
        client: makes the client when it is first needed; nothing of it is touched before.
        caller: how its methods are called.
        timeout: seconds for one attempt.
    """

    def __init__(self, client: Callable[[], Any], *, caller: FunctionCaller, timeout: float) -> None:
        self._make = client
        self._calling = caller
        self._timeout = timeout

    async def create(self, request: JsonMapping) -> JsonObject:
        """The whole response."""
        arguments = self._arguments(request)
        if not self._takes_plain:
            return plain_response(await self._call(functools.partial(self._client.responses.create, **arguments)))
        # Its JSON as it came: making objects of it, and plain containers of those, is as much work as sending it.
        create = functools.partial(self._client.responses.with_raw_response.create, **arguments)
        return plain_response(_json(await self._call(create)))

    @asynccontextmanager
    async def stream(self, request: JsonMapping) -> AsyncGenerator[AsyncIterator[JsonObject], None]:
        """The response's events."""
        arguments = self._arguments(request)
        responses = self._client.responses
        if self._is_official or not hasattr(responses, "stream"):
            opened = await self._call(functools.partial(responses.create, **arguments, stream=True))
        else:
            opened = await self._call(functools.partial(responses.stream, **arguments))
        if not _is_stream(opened):
            yield _whole(plain_response(opened))
            return
        async with self._entered(opened) as source:
            events = self._events(source)
            try:
                yield events
            finally:
                await events.aclose()

    @functools.cached_property
    def _client(self) -> Any:
        client = self._make()
        if not isinstance(client, (openai.OpenAI, openai.AsyncOpenAI)) or _is_traced(client):
            return client
        # We retry ourselves: the client's own retries would multiply with ours.
        return client.with_options(max_retries=0)

    def _arguments(self, request: JsonMapping) -> JsonObject:
        """The request as the client is given it.

        The official client compares every item of a conversation with every type of item, which takes longer than the
        rest of a turn. Ours are plain JSON, so `extra_body` takes them past that. A wrapped client or method, which may
        trace what is sent, gets them in their usual place.
        """
        arguments: JsonObject = {"timeout": self._timeout, **request}
        if not self._takes_plain:
            return arguments
        body = {key: arguments.pop(key) for key in ("input", "tools") if key in arguments}
        extra: JsonMapping = arguments.get("extra_body") or {}
        return {**arguments, "extra_body": {**extra, **body}}

    @property
    def _takes_plain(self) -> bool:
        """Whether it is the official client, and neither it nor its method is wrapped."""
        if type(self._client) not in _PLAIN_CLIENTS or _is_traced(self._client):
            return False
        return not hasattr(type(self._client.responses).create, "__wrapped__")

    @property
    def _is_official(self) -> bool:
        return isinstance(self._client, (openai.OpenAI, openai.AsyncOpenAI))

    async def _call(self, function: Callable[..., Any]) -> Any:
        if isinstance(self._client, openai.AsyncOpenAI):
            return await self._calling.awaited(function())
        return await self._calling.call(function)

    @asynccontextmanager
    async def _entered(self, opened: Any) -> AsyncGenerator[Any, None]:
        enter = getattr(opened, "__aenter__", None) or getattr(opened, "__enter__", None)
        leave = getattr(opened, "__aexit__", None) or getattr(opened, "__exit__", None)
        source = opened if enter is None else await self._calling.call(enter)
        try:
            yield source
        finally:
            if leave is not None:
                await self._calling.surely(leave, None, None, None)

    async def _events(self, source: Any) -> AsyncGenerator[JsonObject, None]:
        if hasattr(source, "__aiter__"):
            events = aiter(source)
            while (event := await self._calling.awaited(_next(events))) is not _END:
                yield plain(event)
        else:
            iterator: Iterator[Any] = iter(source)
            while (event := await self._calling.call(next, iterator, _END)) is not _END:
                yield plain(event)
        final = getattr(source, "get_final_response", None)
        if final is not None and not self._is_official:
            yield {"type": "final", "response": plain_response(await self._calling.call(final))}


def _is_traced(client: openai.OpenAI | openai.AsyncOpenAI) -> bool:
    """Whether this client's method is replaced, by a tracer for example. A copy of the client loses the replacement."""
    return "create" in vars(client.responses)


def _json(raw: Any) -> object:
    """The body of a raw answer, or its text if it is no JSON."""
    try:
        return raw.http_response.json()
    except ValueError:
        return raw.http_response.text


async def _next(events: AsyncIterator[Any]) -> Any:
    return await anext(events, _END)


def _is_stream(opened: object) -> bool:
    return any(hasattr(opened, each) for each in ("__aenter__", "__enter__", "__aiter__", "__next__"))


async def _whole(response: JsonObject) -> AsyncIterator[JsonObject]:
    status = response.get("status")
    kind = status if status in {"incomplete", "failed"} else "completed"
    yield {"type": f"response.{kind}", "response": response}


def plain(value: object) -> Any:
    """Dictionaries, lists and scalars of the value; fields that are `None` are left out of objects."""
    if isinstance(value, Enum):  # LiteLLM names the types of its events by one
        return plain(value.value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in cast("Mapping[object, object]", value).items()}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [plain(each) for each in cast("Sequence[object]", value)]
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return plain(dump(exclude_none=True, warnings=False))
    held = getattr(value, "__dict__", None)
    return str(value) if held is None else {k: plain(e) for k, e in held.items() if e is not None and k[0] != "_"}


def plain_response(response: object) -> JsonObject:
    """A response in plain containers, with the text that the client itself read out of it.

    Raises:
        ProviderResponseError: it is something else, a web page for example.
    """
    read: Any = plain(response)
    if not isinstance(read, dict):
        raise ProviderResponseError(f"the provider's answer is no response but a {type(response).__name__}")
    made = cast("JsonObject", read)
    text = getattr(response, "output_text", None)
    if isinstance(text, str) and text:
        made.setdefault("output_text", text)
    return made
