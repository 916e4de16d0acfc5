"""An agent's settings, checked and frozen when the agent is made."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, fields
from importlib.metadata import version
from typing import Final, get_args

from litellm_bighub.agent.flow.model_input import Context
from litellm_bighub.agent.options import GuardOptions, Hook
from litellm_bighub.agent.tools.tool import DecisionMode
from litellm_bighub.domain.actor import POSES, is_marked
from litellm_bighub.domain.call_background import BackgroundExtent
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import AdapterConfigurationError, did_you_mean
from litellm_bighub.settings import FailMode

VERSION = version("litellm-bighub")
HOSTED_DOMAIN: Final = "it_actions"
"""The domain of calls that name none, for the hosted BIGHUB."""


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """The settings of an agent. The names are those of the constructor.

    Attributes:
        domain: where the hosted BIGHUB decides, by default `it_actions`, as its own adapter has it: its rules are for
            domains, and would not be for the calls of an agent that names another one.

    Raises:
        AdapterConfigurationError: a value is out of its bounds.
    """

    session_id: str = ""
    on_decision: Hook | None = None
    actor: str = "AI_AGENT"
    domain: str = "custom"
    decision_mode: DecisionMode = "submit"
    fail_mode: FailMode = "closed"
    context: Context = "auto"
    approval_context: BackgroundExtent = "last_turn"
    encrypted_reasoning: bool | None = None
    max_tool_rounds: int = 8
    max_parallel_tools: int = 8
    reveal: bool = False
    decision_deadline_seconds: float = 2.0
    memory_enabled: bool = True
    memory_source: str = "openai_adapter"
    memory_source_version: str = f"litellm-bighub@{VERSION}"
    memory_ingest_timeout_ms: int = 300
    outcome_reporting: bool = True
    outcome_reporting_required: bool = False
    decision_objective: str = "better_decision"
    model_selection: str = "auto"
    evaluate_retries: int = 2
    provider_timeout_seconds: float = 30.0
    provider_max_retries: int = 2
    provider_retry_backoff_seconds: float = 0.25
    provider_retry_max_backoff_seconds: float = 2.0
    provider_retry_jitter_seconds: float = 0.1
    provider_circuit_breaker_failures: int = 0
    provider_circuit_breaker_reset_seconds: float = 30.0

    def __post_init__(self) -> None:
        for name, allowed in (
            ("decision_mode", get_args(DecisionMode)),
            ("fail_mode", get_args(FailMode)),
            ("context", get_args(Context)),
            ("approval_context", get_args(BackgroundExtent)),
        ):
            if getattr(self, name) not in allowed:
                raise AdapterConfigurationError(name, f"is none of {', '.join(allowed)}")
        for name in ("actor", "domain"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                raise AdapterConfigurationError(name, "is empty")
        if is_marked(self.actor):
            raise AdapterConfigurationError("actor", POSES)
        if self.outcome_reporting_required and not self.outcome_reporting:
            raise AdapterConfigurationError("outcome_reporting_required", "needs outcome_reporting")
        for name, least in (
            ("max_tool_rounds", 1),
            ("max_parallel_tools", 1),
            ("decision_deadline_seconds", 0.01),
            ("evaluate_retries", 0),
            ("memory_ingest_timeout_ms", 1),
            ("provider_timeout_seconds", 0.01),
            ("provider_max_retries", 0),
            ("provider_retry_backoff_seconds", 0),
            ("provider_retry_max_backoff_seconds", 0),
            ("provider_retry_jitter_seconds", 0),
            ("provider_circuit_breaker_failures", 0),
            ("provider_circuit_breaker_reset_seconds", 0),
        ):
            if not getattr(self, name) >= least:
                raise AdapterConfigurationError(name, f"is less than {least}")


def agent_settings(options: GuardOptions) -> AgentSettings:
    """The settings among an agent's options.

    Raises:
        AdapterConfigurationError: an option is unknown, or its value out of bounds.
    """
    known = GuardOptions.__annotations__.keys()
    if unknown := sorted(options.keys() - known):
        raise AdapterConfigurationError(unknown[0], f"is no option of an agent{did_you_mean(unknown[0], known)}")
    names = {each.name for each in fields(AgentSettings)}
    chosen: JsonObject = {name: each for name, each in options.items() if name in names}
    if options.get("decider") in {None, "bighub"}:
        chosen.setdefault("domain", HOSTED_DOMAIN)
    chosen["session_id"] = options.get("session_id") or options.get("new_id", random_uuid)()
    return AgentSettings(**chosen)


def random_uuid() -> str:
    """An id of a run, event or session."""
    return str(uuid.uuid4())
