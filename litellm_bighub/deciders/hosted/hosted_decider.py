"""The hosted BIGHUB as the settings have it: one question, retried within one deadline, behind a breaker.

The SDK's clients ask without their own retries, and their answers are bounded: those retries multiply with ours, repeat
without an idempotency key, and know no common deadline.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
from bighub import AsyncBighubClient, Bighub, BighubClient
from bighub.transport import RetryConfig

from litellm_bighub.deciders.decider import Decider
from litellm_bighub.deciders.hosted.bounded_answers import bounded_client
from litellm_bighub.deciders.hosted.service import BighubDecider
from litellm_bighub.deciders.wrappers.circuit import Breaker, BreakerState, unwatched
from litellm_bighub.deciders.wrappers.retry import Retry
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.settings import ServiceSettings


def hosted(
    service: ServiceSettings,
    *,
    redactor: Redactor | None = None,
    clock: Callable[[], float] = time.monotonic,
    on_breaker: Callable[[BreakerState], None] | None = None,
) -> Decider:
    """Make the decider `bighub`.

    Args:
        service: its settings.
        redactor: takes secrets out of the questions.
        clock: seconds from any origin.
        on_breaker: gets the breaker's states.

    Raises:
        ConfigurationError: no API key, one that no header can hold, or an address that the SDK does not accept.
    """
    one = BighubDecider(client(service), send_arguments=service.send_arguments, redactor=redactor)
    return resilient(one, service, clock=clock, on_breaker=on_breaker)


def resilient(
    decider: Decider,
    service: ServiceSettings,
    *,
    clock: Callable[[], float] = time.monotonic,
    on_breaker: Callable[[BreakerState], None] | None = None,
) -> Decider:
    """A decider that asks the service once, retried within one deadline and left alone while it cannot be reached."""
    retried = Retry(decider, attempts=service.attempts, patience=service.deadline_seconds)
    if not service.breaker_failures:
        return retried
    return Breaker(
        retried,
        failures=service.breaker_failures,
        reset_seconds=service.breaker_reset_seconds,
        clock=clock,
        on_state=on_breaker or unwatched,
    )


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
