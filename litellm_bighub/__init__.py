"""Makes a LiteLLM gateway safe for agents: sees every text, decides on every tool call.

Names are imported when they are first used, so that `import litellm_bighub` is fast and imports neither litellm nor
openai.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from litellm_bighub.agent.async_guarded import AsyncGuardedOpenAI
    from litellm_bighub.agent.flow.effects import PersonAnswer
    from litellm_bighub.agent.guard import Guard
    from litellm_bighub.agent.guarded import GuardedOpenAI
    from litellm_bighub.agent.record.events import GuardedToolResult, ToolExecutionEvent
    from litellm_bighub.control_plane.decisions.database_ledger import DatabaseLedger
    from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
    from litellm_bighub.deciders.tool_decisions import ToolDecisions
    from litellm_bighub.domain.call import CallContext, ToolCall
    from litellm_bighub.domain.decision import Allow, Block, Decision, RequireApproval
    from litellm_bighub.errors import (
        AdapterConfigurationError,
        ConfigurationError,
        OutcomeReportError,
        ProviderResponseError,
    )
    from litellm_bighub.gateway.hooks.registration import install, uninstall
    from litellm_bighub.gateway.hooks.text_guardrail import ResponsesTextGuardrail, TextGuardrail
    from litellm_bighub.gateway.hooks.tool_guardrail import BighubGuardrail
    from litellm_bighub.gateway.hooks.translation.responses_handler import OpenAIResponsesHandler
    from litellm_bighub.gateway.pipeline.enforcement_modes import Withholding
    from litellm_bighub.gateway.sdk.functions import acompletion, amessages, aresponses, completion, messages, responses

_HOMES = {
    "AdapterConfigurationError": "errors",
    "Allow": "domain.decision",
    "AsyncGuardedOpenAI": "agent.async_guarded",
    "BighubGuardrail": "gateway.hooks.tool_guardrail",
    "Block": "domain.decision",
    "CallContext": "domain.call",
    "ConfigurationError": "errors",
    "DatabaseLedger": "control_plane.decisions.database_ledger",
    "Decision": "domain.decision",
    "EmbeddedDecider": "control_plane.decisions.embedded_decider",
    "Guard": "agent.guard",
    "GuardedOpenAI": "agent.guarded",
    "GuardedToolResult": "agent.record.events",
    "OpenAIResponsesHandler": "gateway.hooks.translation.responses_handler",
    "OutcomeReportError": "errors",
    "PersonAnswer": "agent.flow.effects",
    "ProviderResponseError": "errors",
    "RequireApproval": "domain.decision",
    "ResponsesTextGuardrail": "gateway.hooks.text_guardrail",
    "TextGuardrail": "gateway.hooks.text_guardrail",
    "ToolCall": "domain.call",
    "ToolDecisions": "deciders.tool_decisions",
    "ToolExecutionEvent": "agent.record.events",
    "Withholding": "gateway.pipeline.enforcement",
    "acompletion": "gateway.sdk.functions",
    "amessages": "gateway.sdk.functions",
    "aresponses": "gateway.sdk.functions",
    "completion": "gateway.sdk.functions",
    "install": "gateway.hooks.registration",
    "messages": "gateway.sdk.functions",
    "responses": "gateway.sdk.functions",
    "uninstall": "gateway.hooks.registration",
}

__all__ = [
    "AdapterConfigurationError",
    "Allow",
    "AsyncGuardedOpenAI",
    "BighubGuardrail",
    "Block",
    "CallContext",
    "ConfigurationError",
    "DatabaseLedger",
    "Decision",
    "EmbeddedDecider",
    "Guard",
    "GuardedOpenAI",
    "GuardedToolResult",
    "OpenAIResponsesHandler",
    "OutcomeReportError",
    "PersonAnswer",
    "ProviderResponseError",
    "RequireApproval",
    "ResponsesTextGuardrail",
    "TextGuardrail",
    "ToolCall",
    "ToolDecisions",
    "ToolExecutionEvent",
    "Withholding",
    "acompletion",
    "amessages",
    "aresponses",
    "completion",
    "install",
    "messages",
    "responses",
    "uninstall",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if "litellm.proxy.proxy_server" in sys.modules:
        from litellm_bighub.gateway.setup.failed_start import tell_in_one_line  # noqa: PLC0415 - for the proxy alone

        tell_in_one_line()
    try:
        module = importlib.import_module(f"{__name__}.{home}")
    except Exception as error:  # a LiteLLM that we do not know may lack anything: modules, names, members, parameters
        from litellm_bighub.gateway.setup.litellm_release import failed_import  # noqa: PLC0415 - needed for an error alone

        failure = failed_import(error)
        if failure is None:
            raise
        raise failure from None
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
