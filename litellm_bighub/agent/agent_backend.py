"""The backend of an agent: its decider, approvals and memory, chosen by the constructor's options."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from litellm_bighub.agent.approvals.approval_backend import AgentPolicy, ApprovalBackend, NoApprovalBackend
from litellm_bighub.agent.bighub.client import Client
from litellm_bighub.agent.bighub.client_backend import ClientBackend, ClientMemory
from litellm_bighub.agent.bighub.client_decider import ClientDecider
from litellm_bighub.agent.options import GuardOptions
from litellm_bighub.agent.record.deliveries import AgentMemory, Deliver
from litellm_bighub.agent.settings import AgentSettings
from litellm_bighub.agent.tools.tool import Tool
from litellm_bighub.deciders.hosted.hosted_decider import client as sdk_client, resilient, without_retries
from litellm_bighub.deciders.wrappers.deadline import DEADLINE_SECONDS
from litellm_bighub.domain.payload import JsonMapping
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.errors import AdapterConfigurationError
from litellm_bighub.settings import ServiceSettings
from litellm_bighub.wording import ENGLISH, read_wording


@dataclass(frozen=True, slots=True)
class AgentBackend:
    """The policy of an agent, and its memory if it has one.

    Attributes:
        remember: takes the events.
        report: takes how the calls that ran have ended.
    """

    policy: AgentPolicy
    remember: Deliver | None = None
    report: Deliver | None = None


def backend_for(
    settings: AgentSettings,
    options: GuardOptions,
    *,
    tools: Mapping[str, Tool],
    redactor: Redactor,
    facts: JsonMapping,
) -> AgentBackend:
    """The decider for an agent.

    Args:
        settings: the agent's.
        options: what its constructor was given.
        tools: the agent's tools, registered or yet to be.
        redactor: takes secrets out of what goes to BIGHUB.
        facts: goes to BIGHUB with every question.

    Raises:
        AdapterConfigurationError: there is no decider, or the options contradict each other.
        ConfigurationError: the policy file cannot be used.
    """
    decider = options.get("decider")
    if decider == "embedded":
        return _embedded(settings, options, redactor)
    if decider is not None and not isinstance(decider, str):
        approvals: ApprovalBackend = decider if isinstance(decider, ApprovalBackend) else NoApprovalBackend()
        if settings.outcome_reporting_required:
            raise AdapterConfigurationError("outcome_reporting_required", "needs a decider that takes outcomes")
        return AgentBackend(
            AgentPolicy(
                decider,
                fail_mode=settings.fail_mode,
                approvals=approvals,
                state_key=_state_key(options),
                deadline_seconds=_deadline(options),
            )
        )
    if decider not in {None, "bighub"}:
        raise AdapterConfigurationError("decider", "is neither embedded nor bighub nor a Decider")
    given, key = one_of(options, "bighub_client", "bighub"), options.get("bighub_api_key")
    if given is None and not key:
        says = (
            "is missing. Give it, or bighub_client. Without an account: decider='embedded', policy='bighub_policy.yaml'"
        )
        raise AdapterConfigurationError("bighub_api_key", says)
    service = _service(settings, options)
    client = Client(
        lambda: sdk_client(service) if given is None else without_retries(given, service.deadline_seconds),
        for_each_loop=given is None,
    )
    asking = ClientDecider(client, tools=tools, mode=settings.decision_mode, facts=facts, redactor=redactor)
    policy = AgentPolicy(
        resilient(asking, service),
        fail_mode=settings.fail_mode,
        approvals=ClientBackend(_approver(service, options) or client, deadline=settings.decision_deadline_seconds),
        dry=asking,
        state_key=_state_key(options),
        deadline_seconds=service.deadline_seconds + 1,  # the service's own deadline ends first, and says why
    )
    memory = ClientMemory(
        client=client,
        source=settings.memory_source,
        source_version=settings.memory_source_version,
        actor=settings.actor,
        domain=settings.domain,
        redactor=redactor,
        must_report=settings.outcome_reporting_required,
    )
    return _telling(settings, policy, memory)


def _telling(settings: AgentSettings, policy: AgentPolicy, memory: AgentMemory) -> AgentBackend:
    return AgentBackend(
        policy,
        remember=memory.remember if settings.memory_enabled else None,
        report=memory.report if settings.outcome_reporting else None,
    )


def one_of(
    options: GuardOptions,
    name: Literal["bighub_client", "openai_client"],
    other: Literal["bighub", "model_client"],
) -> Any:
    """What stands under either name.

    Raises:
        AdapterConfigurationError: both are given.
    """
    first, second = options.get(name), options.get(other)
    if first is not None and second is not None:
        raise AdapterConfigurationError(other, f"is another name of {name}; give one of them")
    return second if first is None else first


def _service(settings: AgentSettings, options: GuardOptions) -> ServiceSettings:
    base_url, key = options.get("bighub_base_url"), options.get("bighub_api_key")
    service = ServiceSettings(
        api_key=SecretStr(key) if key else None,
        deadline_seconds=settings.decision_deadline_seconds,
        attempts=settings.evaluate_retries + 1,
    )
    return service if base_url is None else service.model_copy(update={"base_url": base_url})


def _approver(service: ServiceSettings, options: GuardOptions) -> Client | None:
    """A client with the key of an approver, where the agent has one besides its own."""
    key = options.get("bighub_approver_api_key")
    if not key:
        return None
    approver = service.model_copy(update={"api_key": SecretStr(key)})
    return Client(lambda: sdk_client(approver), for_each_loop=True)


def _deadline(options: GuardOptions) -> float:
    """Without a wish, as long as in a gateway: the first decision opens the database."""
    return options.get("decision_deadline_seconds", DEADLINE_SECONDS)


def _state_key(options: GuardOptions) -> bytes | None:
    """The key that signs the states of waiting runs, if the agent has a secret to make it of.

    Raises:
        AdapterConfigurationError: the key is empty, and so no secret.
    """
    given, secret = options.get("state_key"), options.get("bighub_api_key")
    if given is not None:
        if not given:
            raise AdapterConfigurationError("state_key", "is empty; leave it out, or give at least 16 random bytes")
        return given
    return hashlib.sha256(f"states of waiting runs, {secret}".encode()).digest() if secret else None


def _embedded(settings: AgentSettings, options: GuardOptions, redactor: Redactor) -> AgentBackend:
    # Imported here, because they bring a database along.
    from litellm_bighub.agent.approvals.embedded_backend import EmbeddedBackend, EmbeddedMemory  # noqa: PLC0415
    from litellm_bighub.control_plane.decisions.database_ledger import DatabaseLedger  # noqa: PLC0415
    from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider  # noqa: PLC0415

    decider = EmbeddedDecider.from_policy_file(
        Path(options.get("policy", "bighub_policy.yaml")),
        database_url=options.get("database_url"),
        redact=redactor.redact,
        clock=options.get("clock", time.time),
        patience=_deadline(options),
        wording=read_wording(options.get("wording", ENGLISH)),
    )
    approvals = EmbeddedBackend(decider)
    memory = EmbeddedMemory(
        decider, source=settings.memory_source, actor=settings.actor, domain=settings.domain, redactor=redactor
    )
    policy = AgentPolicy(
        decider,
        tools=decider.policy.tools,
        fail_mode=settings.fail_mode,
        approvals=approvals,
        dry=approvals,
        state_key=_state_key(options),
        deadline_seconds=_deadline(options),
        ledger=DatabaseLedger(decider.plane),
    )
    return _telling(settings, policy, memory)
