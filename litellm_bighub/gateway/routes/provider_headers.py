"""Headers of providers that clients and loggers get.

LiteLLM hands a provider's headers through under names with a prefix, and rate limits under their own. A provider may
write whatever it likes into a header, so those that pass are limits, times, numbers and the ids of requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.gateway.setup.proxy_process import add_layer

_PREFIX: Final = "llm_provider-"
_LIMITS: Final = re.compile(r"retry-after(-ms)?|(x|anthropic)[-_]ratelimit[-_][\w.:/-]+|[\w-]*processing-ms", re.ASCII)
_LIMIT: Final = re.compile(r"[\d.:,TZ+-]{1,40}|(\d+(\.\d+)?(ms|h|m|s|d))+", re.ASCII)
_IDS: Final = re.compile(r"(x-)?request-id", re.ASCII)
_ID: Final = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_SHORT: Final = 128
"""The characters of the longest name that is kept: providers write names."""
_LITELLMS: Final = re.compile(r"x-litellm-[\w-]+", re.ASCII)


def passes(name: str, value: object) -> bool:
    """Whether a provider's header passes: it is a limit, a time, a number or an id.

    Args:
        name: with or without LiteLLM's prefix.
        value: what the provider wrote.
    """
    form = (_known_form if len(name) <= _SHORT else _form)(name)
    return form is not None and (value is None or form.fullmatch(str(value)) is not None)


def _form(name: str) -> re.Pattern[str] | None:
    """What the value of a header that passes looks like; `None` if none passes."""
    known = name.lower().removeprefix(_PREFIX)
    return _LIMIT if _LIMITS.fullmatch(known) else _ID if _IDS.fullmatch(known) else None


_known_form: Final = lru_cache(maxsize=1024)(_form)
"""Each answer is asked about several times, and most providers write a few names."""


def passing_headers(headers: Mapping[Any, Any]) -> JsonObject:
    """The headers of an answer that pass, and those that LiteLLM itself wrote beside them."""
    return {
        name: value
        for name, value in headers.items()
        if passes(str(name), value) or (_LITELLMS.fullmatch(str(name)) and isinstance(value, int | float | None))
    }


class _ProviderHeaders:
    """An ASGI layer that takes providers' headers that do not pass out of answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": list(_passing(message.get("headers", ())))}
            await send(message)

        await self._app(scope, receive, send_on)


def drop_provider_headers() -> None:
    """See to it that the answers of this process's proxy hold no provider's header that does not pass."""
    add_layer(_ProviderHeaders)


def _passing(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[bytes, bytes]]:
    for name, value in headers:
        known = name.decode("latin-1").lower()
        is_providers = known.startswith(_PREFIX) or _LIMITS.fullmatch(known) is not None
        if not is_providers or passes(known, value.decode("latin-1")):
            yield name, value
