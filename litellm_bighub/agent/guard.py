"""What the sync and the async agent have in common: their settings, their parts, and how a run begins and ends."""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar, overload

from typing_extensions import Self, Unpack

from litellm_bighub.agent.agent_backend import backend_for, one_of
from litellm_bighub.agent.approvals.approval_backend import AgentPolicy
from litellm_bighub.agent.drivers.function_calls import FunctionCaller
from litellm_bighub.agent.drivers.performer import Performer
from litellm_bighub.agent.flow.effects import CallQuestion
from litellm_bighub.agent.flow.model_input import start
from litellm_bighub.agent.flow.run import Run, RunSetup
from litellm_bighub.agent.flow.stored_state import State, restored
from litellm_bighub.agent.flow.turn import Requested, Turn, ask_for
from litellm_bighub.agent.model.client_model import ClientModel
from litellm_bighub.agent.model.resilience import Resilience
from litellm_bighub.agent.options import GuardOptions, RunArguments, ToolOptions
from litellm_bighub.agent.record.deliveries import Deliveries
from litellm_bighub.agent.record.delivery_account import DeliveryAccounts
from litellm_bighub.agent.settings import AgentSettings, agent_settings, random_uuid
from litellm_bighub.agent.tools.registration import make_tool
from litellm_bighub.agent.tools.tool import DecisionMode, Tool
from litellm_bighub.agent.tools.value_extraction import UnreadableStake
from litellm_bighub.agent.waiting_runs import WaitingRuns
from litellm_bighub.deciders.wrappers.circuit import Circuit
from litellm_bighub.deciders.wrappers.retry import Backoff
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.errors import AdapterConfigurationError
from litellm_bighub.settings import FailMode
from litellm_bighub.wording import ENGLISH, read_wording

T = TypeVar("T")


class HasSettings(Protocol):
    """An agent."""

    _settings: AgentSettings


class Setting(Generic[T]):
    """A setting of an agent. Assigning to it raises: a change that only seems to hold is worse than an error."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, agent: None, owner: type) -> Self: ...

    @overload
    def __get__(self, agent: HasSettings, owner: type) -> T: ...

    def __get__(self, agent: HasSettings | None, owner: type) -> Self | T:
        if agent is None:
            return self
        value: T = getattr(agent._settings, self._name)  # noqa: SLF001 - the agent's own, for its readers
        return value

    def __set__(self, agent: Any, value: object) -> None:
        raise AttributeError(f"{self._name} is given when the agent is made, and holds from then on")


F = TypeVar("F", bound=Callable[..., Any])
Handle = TypeVar("Handle")


class Guard(Generic[Handle]):
    """Settings, tools and clients of an agent. Nothing is connected before the first run.

    Args:
        caller: how tools, hooks and the model's client are called.
        spawn: starts what runs in the background.
        options: see `GuardOptions`.

    Raises:
        AdapterConfigurationError: a setting cannot be used.
    """

    _allows_async_tools = True

    session_id = Setting[str]()
    actor = Setting[str]()
    domain = Setting[str]()
    decision_mode = Setting[DecisionMode]()
    decision_objective = Setting[str]()
    model_selection = Setting[str]()
    on_decision = Setting[object]()
    fail_mode = Setting[FailMode]()
    max_tool_rounds = Setting[int]()
    evaluate_retries = Setting[int]()
    memory_enabled = Setting[bool]()
    memory_source = Setting[str]()
    memory_source_version = Setting[str]()
    memory_ingest_timeout_ms = Setting[int]()
    outcome_reporting = Setting[bool]()
    outcome_reporting_required = Setting[bool]()
    provider_timeout_seconds = Setting[float]()
    provider_max_retries = Setting[int]()
    provider_retry_backoff_seconds = Setting[float]()
    provider_retry_max_backoff_seconds = Setting[float]()
    provider_retry_jitter_seconds = Setting[float]()
    provider_circuit_breaker_failures = Setting[int]()
    provider_circuit_breaker_reset_seconds = Setting[float]()

    def __init__(
        self, caller: FunctionCaller, options: GuardOptions, *, spawn: Callable[[Callable[[], Awaitable[None]]], Handle]
    ) -> None:
        self._settings = settings = agent_settings(options)
        self._tools: dict[str, Tool] = {}
        self._waiting = WaitingRuns()
        self._new_id = new_id = options.get("new_id", random_uuid)
        self._redactor = Redactor(options.get("redact", ()))
        self._setup = RunSetup(
            tools=self._tools,
            actor=settings.actor,
            domain=settings.domain,
            max_tool_rounds=settings.max_tool_rounds,
            source_version=settings.memory_source_version,
            reveal=settings.reveal,
            new_id=new_id,
            clock=options.get("clock", time.time),
            wording=read_wording(options.get("wording", ENGLISH)),
            learned={} if settings.encrypted_reasoning is None else None,
            extent=settings.approval_context,
        )
        backend = backend_for(
            settings,
            options,
            tools=self._tools,
            redactor=self._redactor,
            facts=facts(settings),
        )
        self._policy: AgentPolicy = backend.policy
        self._limit = settings.memory_ingest_timeout_ms / 1000
        self._accounting = DeliveryAccounts(
            backend, limit_seconds=self._limit, required=settings.outcome_reporting_required
        )
        self._deliveries: Deliveries[Handle] | None = None
        if self._accounting.deliver is not None:
            self._deliveries = Deliveries(self._accounting.deliver, spawn=spawn, limit_seconds=self._limit)
        self._performer = Performer(
            model=ClientModel(model_client(options), caller=caller, timeout=settings.provider_timeout_seconds),
            resilience=resilience(settings, caller),
            policy=self._policy,
            on_decision=settings.on_decision,
            max_parallel_tools=settings.max_parallel_tools,
            redactor=self._redactor,
            caller=caller,
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} actor={self._settings.actor!r} tools={sorted(self._tools)}>"

    def register_tool(
        self, name: str, fn: Callable[..., Any], description: str | None = None, **options: Unpack[ToolOptions]
    ) -> None:
        """Register a function as a tool of the model.

        Args:
            name: as the model knows it.
            fn: what is run; its signature gives the schema.
            description: for the model; by default out of the docstring.
            options: see `ToolOptions`.

        Raises:
            AdapterConfigurationError: the function or its schema cannot be used.
        """
        tool = make_tool(name, fn, description, options)
        if tool.is_async and not self._allows_async_tools:
            raise AdapterConfigurationError(f"tools.{name}", "is async; register it with AsyncGuardedOpenAI")
        self._tools[name] = tool

    def tool(
        self, name: str, fn: Callable[..., Any], description: str | None = None, **options: Unpack[ToolOptions]
    ) -> None:
        """Register a function as a tool of the model; the short name of `register_tool`."""
        self.register_tool(name, fn, description, **options)

    @overload
    def action(self, fn: F) -> F: ...

    @overload
    def action(
        self,
        *,
        name: str | None = None,
        system: str | None = None,
        risk: str = "",
        environment: str = "",
        **options: Unpack[ToolOptions],
    ) -> Callable[[F], F]: ...

    def action(
        self,
        fn: F | None = None,
        *,
        name: str | None = None,
        system: str | None = None,
        risk: str = "",
        environment: str = "",
        **options: Unpack[ToolOptions],
    ) -> F | Callable[[F], F]:
        """Decorate a function to register it: `@guard.action` or `@guard.action(system="payments")`.

        Args:
            fn: the function, where the decorator stands without brackets.
            name: as the model knows it; by default the function's.
            system: the business domain of its calls; goes to BIGHUB with every call as well.
            risk: goes to BIGHUB with every call.
            environment: goes to BIGHUB with every call.
            options: see `ToolOptions`.
        """
        named = {"system": system, "risk": risk, "environment": environment}
        if given := {key: each for key, each in named.items() if each}:
            options["metadata_from_args"] = functools.partial(_metadata, given, options.get("metadata_from_args"))
        if system is not None:
            options.setdefault("domain", system)

        def register(function: F) -> F:
            self.register_tool(name or str(getattr(function, "__name__", "tool")), function, **options)
            return function

        return register if fn is None else register(fn)

    def list_tools(self) -> list[JsonObject]:
        """The registered tools, each with its description for the model."""
        return [_listed(tool) for tool in self._tools.values()]

    @property
    def pending(self) -> list[State]:
        """Runs that left calls waiting for a person, as JSON to be stored; `resume` goes on with one."""
        return list(self._waiting.states)

    @property
    def dropped_events(self) -> int:
        """How many events did not reach BIGHUB, because it was too slow or could not be reached."""
        return 0 if self._deliveries is None else self._deliveries.dropped

    def _begin(self, arguments: RunArguments, *, stream: bool = False, asks_people: bool = False) -> Run:
        if not self._tools:
            raise AdapterConfigurationError("tools", "No tools registered")
        conversation = start(
            arguments["messages"],
            arguments["model"],
            instructions=arguments.get("instructions"),
            temperature=arguments.get("temperature"),
            extra=arguments.get("extra_create_args"),
            context=self._settings.context,
            encrypted=self._settings.encrypted_reasoning,
            learned=self._setup.learned,
        )
        run = Run(self._setup, conversation, self._new_id(), stream=stream, asks_people=asks_people)
        run.follows = self._policy.follows
        run.pending = self._waiting.states
        return run

    def _begin_again(self, state: JsonMapping, key: bytes, *, stream: bool = False) -> tuple[Run, Turn]:
        run, turn = restored(self._setup, state, key, stream=stream)
        run.follows = self._policy.follows
        run.pending = self._waiting.states
        return run, turn

    def _question(self, tool_name: str, arguments: JsonMapping) -> CallQuestion:
        """What a dry run asks.

        Raises:
            AdapterConfigurationError: there is no such tool, or the arguments do not fit it.
        """
        tool = self._tools.get(tool_name)
        if tool is None:
            raise AdapterConfigurationError("tool_name", f"no tool {tool_name!r} is registered")
        call = Requested(tool.kind, "", tool.name, dict(arguments), "")
        conversation = start((), "")
        try:
            prepared = tool.prepare(dict(arguments))
            return ask_for(Run(self._setup, conversation, self._new_id()), tool, prepared, call)
        except (ValueError, UnreadableStake) as error:
            raise AdapterConfigurationError("arguments", str(error)) from error


def _metadata(given: JsonMapping, more: Callable[..., Any] | None, arguments: JsonObject) -> JsonObject:
    return {**((None if more is None else more(arguments)) or {}), **given}


def _listed(tool: Tool) -> JsonObject:
    facts = {key: each for key, each in tool.spec.items() if key != "type"}
    return {"type": tool.kind, tool.kind: facts}


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
