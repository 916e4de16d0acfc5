"""The keyword arguments that both agents take, once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from typing_extensions import Required, TypedDict

from litellm_bighub.agent.flow.model_input import Context
from litellm_bighub.agent.tools.tool import DecisionMode
from litellm_bighub.agent.tools.value_extraction import TargetFrom, ValueFrom
from litellm_bighub.deciders.decider import Decider
from litellm_bighub.domain.call_background import BackgroundExtent
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.settings import FailMode
from litellm_bighub.wording import WordingSource

Hook: TypeAlias = "Callable[[JsonObject], Awaitable[None] | None]"


class RunArguments(TypedDict, total=False):
    """What a run is started with.

    Attributes:
        messages: the input of the first turn, as the Responses API takes it.
        model: as the client or LiteLLM names it.
        instructions: the system's.
        temperature: of the model.
        extra_create_args: what else goes with every turn; `store` is false unless it stands here.
    """

    messages: Required[Sequence[Any]]
    model: Required[str]
    instructions: str | None
    temperature: float | None
    extra_create_args: JsonMapping | None


class ToolOptions(TypedDict, total=False):
    """How a tool is registered.

    Attributes:
        parameters_schema: a JSON schema of the arguments, in place of the one that the signature gives.
        value_from_args: the amount at stake; by default the first number named value, amount, price or total.
        target_from_args: what is acted upon; by default the argument `target`.
        metadata_from_args: goes to BIGHUB with the call.
        action_name: the name that BIGHUB knows the tool by.
        domain: in place of the agent's.
        actor: in place of the agent's.
        decision_mode: in place of the agent's.
        strict: whether the schema goes by OpenAI's strict mode.
        custom: the model writes free text instead of JSON; a mapping is the text's format, a grammar for one.
        alone: run it at no time together with another tool of its turn.
    """

    parameters_schema: JsonMapping | None
    value_from_args: ValueFrom | None
    target_from_args: TargetFrom | None
    metadata_from_args: Callable[[JsonObject], Any] | None
    action_name: str | None
    domain: str | None
    actor: str | None
    decision_mode: DecisionMode | None
    strict: bool
    custom: bool | JsonMapping
    alone: bool


class GuardOptions(TypedDict, total=False):
    """What an agent is made with. Nothing of a client is touched before the first run.

    Attributes:
        openai_api_key: for the model's provider, where LiteLLM calls it.
        openai_client: calls the model in place of LiteLLM: anything with `.responses.create`.
        model_client: the same by another name.
        bighub_api_key: for the hosted BIGHUB.
        bighub_approver_api_key: for resolving approvals, where the agent's own key may not.
        bighub_client: asks BIGHUB in place of a client of our own: any object like the SDK's, sync or async.
        bighub: the same by another name.
        bighub_base_url: where the hosted BIGHUB answers.
        decider: `embedded`, `bighub`, or a `Decider`; by default BIGHUB, if there is a key or client for it.
        policy: the embedded decider's policy file.
        database_url: where the embedded decider keeps its state; by default in a file beside the policy.
        on_decision: gets every decision before anything runs; if it raises, the call is withheld.
        session_id: goes to BIGHUB with every question; by default one for each agent.
        redact: regular expressions of more secrets to keep from memory and hook.
        state_key: signs the states of runs that wait for people; by default made from
            `bighub_api_key`, or kept with the embedded control plane's database, or else one of this process.
        wording: sentences for the model, in place of the default ones: by name, or in a YAML file.
        clock: POSIX seconds.
        new_id: makes ids of runs and events.
        actor: who acts.
        domain: the business domain of the calls; by default `it_actions` for the hosted BIGHUB, else `custom`.
        decision_mode: which of BIGHUB's endpoints is asked.
        fail_mode: what becomes of a call when the decider could not be reached.
        context: how the conversation goes on: `auto` sends it again unless the provider stores it.
        approval_context: how much of the conversation people are shown who approve a call: `none`, `last_turn` (from
            the user's last words on) or `conversation`. The hosted BIGHUB is told none of it.
        encrypted_reasoning: whether to ask the provider for reasoning in encrypted form, which a conversation that it
            does not store needs; by default where a model seems to reason or was seen to, until it refuses.
        max_tool_rounds: how often the model may call tools before it has to answer.
        max_parallel_tools: how many tools of a turn run at the same time.
        reveal: whether the model hears why a call was withheld.
        decision_deadline_seconds: for one decision, all attempts included.
        memory_enabled: send the events of the tools to BIGHUB's memory.
        memory_source: the source of those events.
        memory_source_version: the version of the source.
        memory_ingest_timeout_ms: for one delivery.
        outcome_reporting: report to BIGHUB how calls ended.
        outcome_reporting_required: a run waits for its outcomes to be reported, as long as a delivery may take, and
            raises `OutcomeReportError` if they could not be. Without it, reporting never delays or fails a run.
        decision_objective: goes to BIGHUB with every question; by default `better_decision`.
        model_selection: goes to BIGHUB with every question; by default `auto`.
        evaluate_retries: how often a decision is asked for again within its deadline.
        provider_timeout_seconds: for one attempt at the model.
        provider_max_retries: attempts after the first; the client's own retries are switched off, unless its
            method is replaced.
        provider_retry_backoff_seconds: before the first retry, doubled for each further one.
        provider_retry_max_backoff_seconds: the longest wait that the provider did not ask for.
        provider_retry_jitter_seconds: at most this is added by chance.
        provider_circuit_breaker_failures: transient failures in a row that open the breaker; 0: never.
        provider_circuit_breaker_reset_seconds: after which one call probes it again.
    """

    openai_api_key: str | None
    openai_client: Any
    model_client: Any
    bighub_api_key: str | None
    bighub_approver_api_key: str | None
    bighub_client: Any
    bighub: Any
    bighub_base_url: str | None
    decider: str | Decider | None
    policy: str | Path
    database_url: str | None
    on_decision: Hook | None
    session_id: str | None
    redact: Sequence[str]
    state_key: bytes | None
    wording: WordingSource
    clock: Callable[[], float]
    new_id: Callable[[], str]
    actor: str
    domain: str
    decision_mode: DecisionMode
    fail_mode: FailMode
    context: Context
    approval_context: BackgroundExtent
    encrypted_reasoning: bool | None
    max_tool_rounds: int
    max_parallel_tools: int
    reveal: bool
    decision_deadline_seconds: float
    memory_enabled: bool
    memory_source: str
    memory_source_version: str
    memory_ingest_timeout_ms: int
    outcome_reporting: bool
    outcome_reporting_required: bool
    decision_objective: str
    model_selection: str
    evaluate_retries: int
    provider_timeout_seconds: float
    provider_max_retries: int
    provider_retry_backoff_seconds: float
    provider_retry_max_backoff_seconds: float
    provider_retry_jitter_seconds: float
    provider_circuit_breaker_failures: int
    provider_circuit_breaker_reset_seconds: float
