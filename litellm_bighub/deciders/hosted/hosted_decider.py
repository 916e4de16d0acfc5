"""The hosted BIGHUB as the settings have it: one question, retried within one deadline, behind a breaker."""

from __future__ import annotations

import time
from collections.abc import Callable

from litellm_bighub.deciders.decider import Decider
from litellm_bighub.deciders.hosted.sdk_client import client
from litellm_bighub.deciders.hosted.service import BighubDecider
from litellm_bighub.deciders.wrappers.breaker import Breaker
from litellm_bighub.deciders.wrappers.circuit import BreakerState, unwatched
from litellm_bighub.deciders.wrappers.retry import Retry
from litellm_bighub.domain.redaction import Redactor
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
