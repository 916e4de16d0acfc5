"""The SDK's clients as we ask through them: without retries of their own, and with bounded answers.

The SDK's own retries multiply with ours, repeat without an idempotency key, and know no common deadline.
"""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
from bighub import AsyncBighubClient, Bighub, BighubClient
from bighub.transport import RetryConfig

from litellm_bighub.deciders.hosted.bounded_answers import bounded_client
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.settings import ServiceSettings

_PLAIN = frozenset({Bighub, BighubClient, AsyncBighubClient})
_RESOURCES = ("actions", "approvals", "outcomes")


def client(service: ServiceSettings) -> AsyncBighubClient:
    """A new client.

    Raises:
        ConfigurationError: no API key, one that no header can hold, or an address that the SDK does not accept.
    """
    key = service.api_key.get_secret_value() if service.api_key else ""
    if not key:
        raise ConfigurationError("service.api_key", "is missing; set it here or as LITELLM_BIGHUB_SERVICE__API_KEY")
    if not (key.isascii() and key.isprintable()) or key != key.strip():
        raise ConfigurationError("service.api_key", "holds characters that no HTTP header can hold")
    if urlsplit(service.base_url).scheme not in ("http", "https"):
        raise ConfigurationError("service.base_url", "is no http or https address")
    try:
        made = AsyncBighubClient(
            base_url=service.base_url, api_key=key, max_retries=0, timeout=service.deadline_seconds
        )
    except ValueError as error:
        raise ConfigurationError("service.base_url", "must be https, or http to this machine") from error
    transport = made._transport  # noqa: SLF001 - the SDK takes no client of httpx
    transport._client = bounded_client(transport._client, service.deadline_seconds)  # noqa: SLF001
    made.api_key = None  # its transport keeps the key; this field would only show it in its repr
    return made


def without_retries(client: Any, seconds: float) -> Any:
    """The resources of a user's client, over the same connections.

    A client of another type comes back as it is, and so does one with a replaced method: the replacement is the user's
    wish.

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
