"""LiteLLM's own parameters for guardrails, and what each of them means to a guardrail of ours.

LiteLLM has one model of all parameters of all guardrails, and hands those with a default to every guardrail that it
builds. So a default says nothing. Any other value was written by an operator who expects something of it: where it
would take something away, or promise what nothing here does, it stops the start.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.types.guardrails import LitellmParams
from pydantic import ValidationError

from litellm_bighub.domain.payload import JsonMapping
from litellm_bighub.errors import ConfigurationError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RefusedParameter:
    """Parameters that a guardrail of ours does not take, for one reason.

    Attributes:
        because: what is wrong with them, and what to set instead.
        names: the parameters.
        harmless: values that change nothing, besides LiteLLM's defaults; `false` and its like only where the default is
            as good as `false`.
    """

    because: str
    names: frozenset[str]
    harmless: tuple[object, ...] = (False, [], {}, "")

    def takes(self, value: object, defaults: Sequence[object]) -> bool:
        """Whether this value is harmless."""
        off = value in (False, [], {}, "")
        return _is_any_of(value, self.harmless) and not (off and any(defaults))


WORKING: Final = frozenset({"guardrail", "guardrail_name", "mode", "event_hook", "default_on"})
"""What means the same to ours as to every guardrail."""

REFUSED: Final = (
    RefusedParameter(
        "must be both: a part of the answers would leave unchecked", frozenset({"stream_scope"}), ("both",)
    ),
    RefusedParameter("must be off: what is added to requests would be dropped", frozenset({"scan_raw_request"})),
    RefusedParameter("must be off: others would see the answer half decided on", frozenset({"run_in_parallel"})),
    RefusedParameter(
        "belongs to mode logging_only, in which nothing could be held back; leave it out",
        frozenset({"logging_only_scope", "logging_only_continue_on_input_failure"}),
    ),
    RefusedParameter("is for authors of guardrails; mode names the events", frozenset({"supported_event_hooks"})),
    RefusedParameter(
        "would leave a part unchecked, and is not obeyed; leave it out",
        frozenset(
            {
                "contextual_grounding_from_messages",
                "experimental_use_latest_role_message_only",
                "forward_messages_as_sent",
                "inspect_embeddings",
                "max_input_chars",
                "only_scan_new_messages",
                "presidio_filter_scope",
                "presidio_run_on",
                "scan_only_tool_results",
                "skip_system_message_in_guardrail",
                "skip_tool_message_in_guardrail",
                "skip_unscannable_attachments",
            }
        ),
    ),
    RefusedParameter(
        "does nothing here: fail_mode says what a failure does, service how long a decision may take",
        frozenset(
            {
                "block_failures",
                "block_on_error",
                "fail_on_error",
                "file_guardrail_timeout",
                "guardrail_timeout",
                "max_concurrent_decision_calls",
                "num_retries",
                "timeout",
                "unreachable_fallback",
            }
        ),
        harmless=(),
    ),
    RefusedParameter(
        "does nothing here: on_block and on_approval say what becomes of a call, the applied guardrail what of a text",
        frozenset(
            {
                "action",
                "advisory_system_message",
                "anonymize_input",
                "async_mode",
                "block_on_violation",
                "default_action",
                "disable_exception_on_block",
                "end_session_after_n_fails",
                "mask",
                "mask_request_content",
                "mask_response_content",
                "mcp_block_behavior",
                "monitor_mode",
                "on_disallowed_action",
                "on_flagged",
                "on_flagged_action",
                "on_sensitive_data",
                "on_violation",
                "output_parse_pii",
                "realtime_violation_message",
                "sanitize_error_detail",
                "sensitive_data_route_to_model",
                "sticky_session_routing",
                "violation_message_template",
            }
        ),
    ),
    RefusedParameter(
        "names checks of another guardrail, which would not run here; ours takes its rules from policy",
        frozenset(
            {
                "assertions",
                "blocked_languages",
                "blocked_words",
                "blocked_words_file",
                "categories",
                "category_thresholds",
                "checks",
                "confidence_threshold",
                "content_filter_threshold",
                "content_moderation_check",
                "custom_code",
                "detect_execution_intent",
                "detect_secrets_config",
                "detectors",
                "grounding_check",
                "grounding_strictness",
                "hallucinations_check",
                "keyword_redaction_tag",
                "pattern_redaction_format",
                "patterns",
                "pii_check",
                "pii_confidence_threshold",
                "pii_entities_config",
                "policy_id",
                "policy_name",
                "policy_names",
                "presidio_ad_hoc_recognizers",
                "presidio_entities_deny_list",
                "presidio_score_thresholds",
                "prompt_attack_threshold",
                "prompt_injections",
                "rules",
                "severity_threshold",
                "tool_selection_quality_check",
            }
        ),
    ),
    RefusedParameter(
        "is not read here: the hosted BIGHUB's address and key stand in service, other settings beside mode",
        frozenset(
            {
                "additional_provider_specific_params",
                "api_base",
                "api_key",
                "base_url",
                "config",
                "extra_headers",
                "optional_params",
                "verify_ssl",
            }
        ),
    ),
    RefusedParameter("is not read here: every model is looked at", frozenset({"model"})),
)
"""What takes something away, or promises what nothing here does."""

MEANINGLESS: Final = frozenset(
    {
        "agent_id",
        "akto_account_id",
        "akto_api_key",
        "akto_base_url",
        "akto_metadata",
        "akto_vxlan_id",
        "api_endpoint",
        "api_id",
        "api_version",
        "application",
        "application_id",
        "asset_id",
        "auth_token",
        "aws_access_key_id",
        "aws_bedrock_runtime_endpoint",
        "aws_external_id",
        "aws_profile_name",
        "aws_region_name",
        "aws_role_name",
        "aws_secret_access_key",
        "aws_session_name",
        "aws_session_token",
        "aws_sts_endpoint",
        "aws_web_identity_token",
        "breakdown",
        "ccr_retrieval",
        "chunk_budget_chars",
        "client_id",
        "client_secret",
        "context_source",
        "credentials",
        "decision_model",
        "deepkeep_firewall_id",
        "deployment_name",
        "detector_id",
        "dev_info",
        "evaluation_id",
        "file_checkpoint_id",
        "gateway_name",
        "guard_name",
        "guardrailIdentifier",
        "guardrailVersion",
        "include_evidence",
        "include_scanners",
        "is_detector_server",
        "lasso_conversation_id",
        "lasso_user_id",
        "location",
        "metadata",
        "mock_redacted_text",
        "outputScope",
        "pangea_input_recipe",
        "pangea_output_recipe",
        "payload",
        "persist_session",
        "post_checkpoint_id",
        "pre_checkpoint_id",
        "presidio_analyze_chunk_size_bytes",
        "presidio_analyzer_api_base",
        "presidio_anonymizer_api_base",
        "presidio_language",
        "project_id",
        "resource_app_id",
        "send_user_api_key_alias",
        "send_user_api_key_team_id",
        "send_user_api_key_user_id",
        "singulr_api_base",
        "singulr_api_key",
        "singulr_application_id",
        "singulr_guardrail_id",
        "template_id",
        "tenant_id",
        "tracker_api_base",
        "tracker_api_key",
        "use_v2",
        "version",
        "wingback_app_id",
        "xecguard_model",
    }
)
"""Names, addresses and credentials of other vendors' services: nobody expects them to say what is checked here."""

_REASONS: Final = {name: refused for refused in REFUSED for name in refused.names}


@cache
def known_parameters() -> frozenset[str]:
    """All parameters that the installed LiteLLM has for guardrails."""
    return frozenset(LitellmParams.model_fields) | _signature().keys()


def check_parameters(name: str, given: JsonMapping) -> None:
    """Refuse what takes something away, and say what has no meaning.

    Args:
        name: the guardrail's name, for errors.
        given: its parameters that are LiteLLM's.

    Raises:
        ConfigurationError: one that is refused, or that nobody has classified.
    """
    meaningless: list[str] = []
    for key in sorted(given.keys() - WORKING):
        value, defaults, reason = given[key], _defaults(key), _REASONS.get(key)
        if _is_any_of(value, defaults) or (reason is not None and reason.takes(value, defaults)):
            continue
        if reason is not None:
            raise ConfigurationError(f"{name}.{key}", reason.because)
        if key not in MEANINGLESS:
            raise ConfigurationError(
                f"{name}.{key}", "is a parameter of this LiteLLM that litellm-bighub does not know"
            )
        meaningless.append(key)
    if meaningless:
        logger.warning("guardrail %s: without meaning for it: %s", name, ", ".join(meaningless))


def refused_by_litellm(parameters: JsonMapping) -> str:
    """What LiteLLM itself does not take of a guardrail's parameters: it then starts without the guardrail.

    Args:
        parameters: `litellm_params` of a config.

    Returns:
        The first of them and what is wrong, empty if there is nothing.
    """
    try:
        LitellmParams(**parameters)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    except (TypeError, ValueError) as error:
        return str(error)
    return ""


def check_stream_scope(name: str, scope: object) -> None:
    """Refuse a `stream_scope`, which LiteLLM hands over by itself.

    Raises:
        ConfigurationError: it is not `both`.
    """
    scopes = list(scope.values()) if isinstance(scope, Mapping) else [scope]
    for each in scopes:
        check_parameters(name, {"stream_scope": each})


def _defaults(key: str) -> Sequence[object]:
    """What LiteLLM hands over of a parameter that nobody set; it drops those that are none."""
    field, parameter = LitellmParams.model_fields.get(key), _signature().get(key)
    of_model = None if field is None or field.is_required() else field.get_default(call_default_factory=True)
    return [None, of_model, None if parameter is None else parameter.default]


def _is_any_of(value: object, values: Sequence[object]) -> bool:
    """Whether it is one of these; YAML's `0` is not its `false`."""
    return any(type(value) is type(each) and value == each for each in values)


@cache
def _signature() -> Mapping[str, inspect.Parameter]:
    parameters = inspect.signature(CustomGuardrail.__init__).parameters.values()
    keys = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    return {each.name: each for each in parameters if each.kind in keys and each.name != "self"}
