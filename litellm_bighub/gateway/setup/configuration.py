"""Builds a working guardrail from a config. Any mistake stops the start with the key that is wrong."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import TypeVar, cast

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from litellm_bighub.control_plane.audit.outcome_reports import EmbeddedOutcomes
from litellm_bighub.control_plane.decisions.database_ledger import DatabaseLedger
from litellm_bighub.control_plane.decisions.embedded_decider import DATABASE, EmbeddedDecider
from litellm_bighub.control_plane.maintenance.decider_maintenance import maintain
from litellm_bighub.control_plane.store.database import check_opening, sqlite_url
from litellm_bighub.deciders.audit_file import AuditFile
from litellm_bighub.deciders.decider import Decider
from litellm_bighub.deciders.event_sinks import DecisionHook, EventSink, Outcomes, OutcomeSink
from litellm_bighub.deciders.hosted.hosted_decider import hosted
from litellm_bighub.deciders.ledger.ledger import Ledger, MemoryLedger
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.domain.redaction import KEY_NAMES, Redactor
from litellm_bighub.errors import ConfigurationError, did_you_mean
from litellm_bighub.gateway.conversation.request_history import RequestHistory
from litellm_bighub.gateway.setup.litellm_parameters import check_parameters, known_parameters
from litellm_bighub.gateway.setup.litellm_release import check_imports, check_release
from litellm_bighub.gateway.setup.opt_outs import OptOuts
from litellm_bighub.gateway.setup.proxy_process import config_file, is_proxy, knows_proxy, process_stop
from litellm_bighub.policy.policy_file import unmarked_actors
from litellm_bighub.policy.tool_table import ToolTable
from litellm_bighub.settings import GuardrailSettings, TextGuardrailSettings, resolved
from litellm_bighub.telemetry.otel_metrics import OtelInstruments
from litellm_bighub.telemetry.prometheus import PrometheusInstruments
from litellm_bighub.telemetry.spans import DecisionSpans
from litellm_bighub.telemetry.telemetry import Telemetry
from litellm_bighub.wording import Wording, read_wording

logger = logging.getLogger(__name__)

Settings = TypeVar("Settings", bound=BaseSettings)


def read_settings(model: type[Settings], name: str, given: JsonMapping) -> tuple[Settings, JsonObject]:
    """Tell our settings from LiteLLM's own parameters, which every guardrail is built with.

    Args:
        model: the settings that are ours.
        name: the guardrail's name, for errors.
        given: all keyword arguments of the guardrail.

    Returns:
        Our settings, and what is LiteLLM's.

    Raises:
        ConfigurationError: a key that is neither, a value that cannot be used, or a parameter of LiteLLM's that would
            take something away.
    """
    ours = frozenset(model.model_fields)
    unknown = next((key for key in given if key not in ours and key not in known_parameters()), None)
    if unknown is not None:
        raise ConfigurationError(f"{name}.{unknown}", f"is no setting{did_you_mean(unknown, ours)}")
    values = {key: resolved(f"{name}.{key}", value) for key, value in given.items() if key in ours}
    try:
        settings = model(**values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join([name, *(str(part) for part in first["loc"])])
        known = ours if len(first["loc"]) == 1 else ()
        hint = did_you_mean(str(first["loc"][-1]), known) if first["type"] == "extra_forbidden" else ""
        raise ConfigurationError(key, first["msg"] + hint) from error
    others = {key: value for key, value in given.items() if key not in ours}
    check_parameters(name, others)
    return settings, others


def check_litellm(*, allows_unsupported: bool) -> None:
    """Refuse a LiteLLM that is not supported, or that lacks what the proxy's hooks will import.

    In code, where nothing imports the proxy, looking for that would take seconds.

    Args:
        allows_unsupported: whether the operator starts a release that is not supported.

    Raises:
        ConfigurationError: such a LiteLLM.
    """
    check_release(allows_unsupported=allows_unsupported)
    if knows_proxy():
        check_imports()


def check_consent(name: str, settings: GuardrailSettings, *, takes_consent: bool) -> None:
    """Refuse settings under which nobody could answer a request for approval that a client was shown.

    Args:
        name: the guardrail's name, for errors.
        settings: ours.
        takes_consent: whether the decider records callers' answers.

    Raises:
        ConfigurationError: such settings.
    """
    if settings.client_approvals and not takes_consent:
        raise ConfigurationError(f"{name}.client_approvals", "is on, but this decider records no caller's answer")


def check_continuing(name: str, settings: GuardrailSettings) -> None:
    """Refuse to tell the model of its blocked calls where LiteLLM's callbacks could ask it for no other answer.

    Args:
        name: the guardrail's name, for errors.
        settings: ours.

    Raises:
        ConfigurationError: that is set, and this process is no proxy.
    """
    if settings.on_block == "continue" and not knows_proxy():
        instead = "call litellm_bighub.aresponses, acompletion or amessages with withholding=Withholding(…)"
        raise ConfigurationError(f"{name}.on_block", f"is continue, which works in the proxy alone; {instead}")


def build_decider(
    settings: GuardrailSettings, redactor: Redactor, telemetry: Telemetry | None = None
) -> tuple[Decider, ToolTable]:
    """The decider that the settings name, and what they and its policy say of tools.

    Raises:
        ConfigurationError: the policy is missing or wrong, or the service's settings cannot be used, or settings and
            policy say different things of a tool.
    """
    if settings.decider == "bighub":
        on_breaker = telemetry.breaker() if telemetry else None
        return hosted(settings.service, redactor=redactor, on_breaker=on_breaker), ToolTable(settings.tools)
    url = settings.database_url
    embedded = EmbeddedDecider.from_policy_file(
        beside_config(settings.policy),
        database_url=None if url is None else url.get_secret_value(),
        redact=redactor.redact,
        patience=settings.decision_deadline_seconds,
        maintenance=partial(maintain, on_pending=telemetry.pending) if telemetry and is_proxy() else None,
        remembers=True,
        wording=wording_of(settings),
    )
    if is_proxy():
        for line in unmarked_actors(beside_config(settings.policy), {settings.actor}):
            logger.warning("%s", line)
    return embedded, ToolTable(settings.tools, under=embedded.policy.tools)


def build_tool_decisions(
    settings: GuardrailSettings,
    *,
    decider: Decider | None = None,
    on_decision: DecisionHook | None = None,
    sinks: Sequence[EventSink] = (),
    telemetry: Telemetry | None = None,
) -> ToolDecisions:
    """The tool-decision hook as the settings have it.

    Args:
        settings: of a guardrail.
        decider: used in place of the one that the settings name.
        on_decision: given every decision.
        sinks: what else records every decision, besides the audit file of the settings.
        telemetry: counts what the other sinks have recorded.

    Raises:
        ConfigurationError: something in the settings cannot be used.
    """
    redactor = Redactor(settings.redact, (*KEY_NAMES, *settings.redact_keys))
    tools = None
    if decider is None:
        decider, tools = build_decider(settings, redactor, telemetry)
    audit = [AuditFile(beside_config(settings.audit_file))] if settings.audit_file else []
    return ToolDecisions(
        decider,
        tools=settings.tools if tools is None else tools,
        fail_mode=settings.fail_mode,
        on_decision=on_decision,
        sinks=(*audit, *sinks, *([telemetry] if telemetry else [])),
        redactor=redactor,
        ledger=build_ledger(settings, decider),
        deadline_seconds=_deadline(settings),
        stopped=partial(process_stop().over, settings.shutdown_grace_seconds) if is_proxy() else None,
        wording=wording_of(settings),
    )


def wording_of(settings: GuardrailSettings | TextGuardrailSettings) -> Wording:
    """The sentences for models, callers and approvers.

    Raises:
        ConfigurationError: the file or a sentence cannot be used.
    """
    given = settings.wording
    return read_wording(beside_config(given) if isinstance(given, Path) else given)


def _deadline(settings: GuardrailSettings) -> float:
    """The hosted service has a deadline of its own, whose end says why there is no decision."""
    of_service = settings.service.deadline_seconds + 1 if settings.decider == "bighub" else 0.0
    return max(settings.decision_deadline_seconds, of_service)


def check_database(settings: GuardrailSettings, decider: Decider) -> None:
    """Open the database that the proxy's workers will open, each its own, and let it go.

    Raises:
        ConfigurationError: it cannot be opened.
    """
    url = decider.database_url if isinstance(decider, EmbeddedDecider) else _database_url(settings)
    check_opening(url, patience=settings.decision_deadline_seconds)


def _database_url(settings: GuardrailSettings) -> str:
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return sqlite_url(beside_config(settings.policy).parent / DATABASE)


def build_ledger(settings: GuardrailSettings, decider: Decider) -> Ledger:
    """Where decided calls are remembered: with the embedded decider's state, or else in a database of the same place.

    In code, where neither a decider nor a setting names a database, it is this process's memory.

    Raises:
        ConfigurationError: the database cannot be there.
    """
    if isinstance(decider, EmbeddedDecider):
        return DatabaseLedger(decider.plane, keep_days=settings.remember_days)
    if settings.database_url is None and config_file() is None:
        return MemoryLedger()
    path = beside_config(settings.policy).parent / DATABASE
    if settings.database_url is None and not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ConfigurationError("database_url", f"is needed: {path} cannot be written")
    return DatabaseLedger.at(
        _database_url(settings), keep_days=settings.remember_days, patience=settings.decision_deadline_seconds
    )


def build_conversation(settings: GuardrailSettings, decisions: ToolDecisions) -> RequestHistory:
    """What looks at the requests that follow.

    Raises:
        ConfigurationError: the audit file cannot be written.
    """
    audit = AuditFile(beside_config(settings.audit_file)) if settings.audit_file else None
    refuse, continues = settings.on_unapproved_result == "refuse", settings.on_block == "continue"
    return RequestHistory(decisions, refuse, continues, audit)


def build_opt_outs(name: str, settings: GuardrailSettings, decisions: ToolDecisions) -> OptOuts:
    """Who may opt out, and where that is recorded.

    Raises:
        ConfigurationError: the audit file cannot be written.
    """
    if not settings.may_opt_out:
        return OptOuts(name)
    audit = [AuditFile(beside_config(settings.audit_file)).record] if settings.audit_file else []
    return OptOuts(name, frozenset(settings.may_opt_out), [*audit, decisions.ledger.report], wording=decisions.wording)


def build_outcomes(settings: GuardrailSettings, decisions: ToolDecisions) -> Outcomes:
    """What is told of the results of calls that the gateway makes itself.

    Raises:
        ConfigurationError: the audit file cannot be written.
    """
    sinks: list[OutcomeSink] = [AuditFile(beside_config(settings.audit_file))] if settings.audit_file else []
    if isinstance(decisions.decider, EmbeddedDecider):
        sinks.append(EmbeddedOutcomes(decisions.decider))
    return Outcomes(sinks)


@cache
def process_telemetry() -> Telemetry:
    """The telemetry of this process, shared by its guardrails, since a metric's name is registered once.

    Metrics go to the default registry of Prometheus and the global providers of OpenTelemetry.
    """
    return Telemetry([PrometheusInstruments.of(), OtelInstruments()], DecisionSpans())


def beside_config(path: Path) -> Path:
    """A relative path of a proxy's config is relative to that config; in code, to the working directory."""
    config = config_file()
    return path if config is None else config.parent / path


def import_hook(key: str, hook: object) -> DecisionHook | None:
    """A hook as code or config name it: a function, or `module.function`.

    Raises:
        ConfigurationError: there is no such function.
    """
    if hook is None or callable(hook):
        return cast("DecisionHook | None", hook)
    module_name, _, name = str(hook).rpartition(".")
    try:
        found = getattr(importlib.import_module(module_name), name)
    except Exception as error:  # a user's module may raise anything while it is imported
        raise ConfigurationError(key, f"{hook} cannot be imported: {type(error).__name__}") from error
    if not callable(found):
        raise ConfigurationError(key, f"{hook} is no function")
    return cast("DecisionHook", found)
