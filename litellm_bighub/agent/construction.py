"""The parts of an agent, made of its constructor's options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litellm_bighub.agent.agent_backend import one_of
from litellm_bighub.agent.drivers.function_calls import FunctionCaller
from litellm_bighub.agent.model.resilience import Resilience
from litellm_bighub.agent.options import GuardOptions
from litellm_bighub.agent.settings import AgentSettings
from litellm_bighub.deciders.wrappers.backoff import Backoff
from litellm_bighub.deciders.wrappers.circuit import Circuit
from litellm_bighub.domain.payload import JsonObject


def model_client(options: GuardOptions) -> Callable[[], Any]:
    """Makes the client of the model when it is first needed."""
    client = one_of(options, "openai_client", "model_client")
    api_key = options.get("openai_api_key")

    def make() -> Any:
        if client is not None:
            return client
        # Imported when the model is first called: LiteLLM takes seconds to import, and other clients do without it.
        from litellm_bighub.gateway.sdk.model_client import LiteLLMClient  # noqa: PLC0415

        return LiteLLMClient(api_key=api_key)

    return make


def resilience(read: AgentSettings, caller: FunctionCaller) -> Resilience:
    """Retries and circuit breaker out of the settings."""
    return Resilience(
        retry=Backoff(
            retries=read.provider_max_retries,
            first_seconds=read.provider_retry_backoff_seconds,
            longest_seconds=read.provider_retry_max_backoff_seconds,
            jitter_seconds=read.provider_retry_jitter_seconds,
        ),
        breaker=Circuit(
            failures=read.provider_circuit_breaker_failures,
            reset_seconds=read.provider_circuit_breaker_reset_seconds,
        ),
        sleep=caller.sleep,
    )


def facts(settings: AgentSettings) -> JsonObject:
    """What goes to BIGHUB with every question."""
    return {
        "session_id": settings.session_id,
        "objective": settings.decision_objective,
        "model_selection": settings.model_selection,
    }
