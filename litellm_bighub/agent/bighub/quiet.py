"""The SDK's client without its own retries: they multiply with ours, and know nothing of our deadline."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import httpx
from bighub import AsyncBighubClient, Bighub, BighubClient
from bighub.transport import RetryConfig

from litellm_bighub.deciders.hosted.bounded_answers import bounded_client

_PLAIN = frozenset({Bighub, BighubClient, AsyncBighubClient})
_RESOURCES = ("actions", "approvals", "outcomes")


def without_retries(client: Any, seconds: float) -> Any:
    """What an agent asks of a client that somebody handed in, over the same connections, with bounded answers.

    A client of another type is given back as it is, and so is one of which somebody has replaced a method: what that
    does is its maker's to say.

    Args:
        client: anything.
        seconds: how long an answer may take.
    """
    if type(client) not in _PLAIN:
        return client
    resources = {name: getattr(client, name) for name in _RESOURCES}
    if any(vars(resource).keys() != {"_transport"} for resource in resources.values()):
        return client
    transport = copy.copy(client._transport)  # noqa: SLF001 - the SDK has no other way to share its connections
    transport.retry = RetryConfig(max_retries=0)
    connections = transport._client  # noqa: SLF001 - see above
    if isinstance(connections, httpx.Client | httpx.AsyncClient):
        transport._client = bounded_client(connections, seconds)  # noqa: SLF001
    quiet = {name: type(resource)(transport) for name, resource in resources.items()}
    return SimpleNamespace(**quiet, close=client.close)
