"""The hosted BIGHUB as the settings have it: one question, retried within one deadline, behind a breaker."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from bighub import AsyncBighubClient

from litellm_bighub.deciders.decider import Decider
from litellm_bighub.deciders.hosted.bounded_answers import bounded_client
from litellm_bighub.deciders.hosted.service import BighubDecider
from litellm_bighub.deciders.wrappers.breaker import Breaker, BreakerState, unwatched
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
        redactor: takes secrets out of what it is told.
        clock: seconds from any origin.
        on_breaker: told the breaker's states.

    Raises:
        ConfigurationError: no API key, one that no header can hold, or an address that the SDK does not accept.
    """
    one = BighubDecider(client(service), send_arguments=service.send_arguments, redactor=redactor)
    decider: Decider = Retry(one, attempts=service.attempts, patience=service.deadline_seconds)
    if service.breaker_failures:
        decider = Breaker(
            decider,
            failures=service.breaker_failures,
            reset_seconds=service.breaker_reset_seconds,
            clock=clock,
            on_state=on_breaker or unwatched,
        )
    return decider


def client(service: ServiceSettings) -> AsyncBighubClient:
    """The SDK's client with its own retries off: they repeat without idempotency key and know no common deadline.

    Its answers are bounded.
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
