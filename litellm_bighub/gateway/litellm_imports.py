"""Everything that we import from LiteLLM, by module. A test holds this list against the code and the installed LiteLLM.

LiteLLM releases several times a week; this is where a release that moved something shows first.
"""

from __future__ import annotations

from collections.abc import Mapping

LITELLM_IMPORTS: Mapping[str, frozenset[str]] = {
    "litellm": frozenset([]),
    "litellm.caching.dual_cache": frozenset(["DualCache"]),
    "litellm.constants": frozenset(["LITELLM_LOGGING_NO_UPSTREAM_LLM_CALL"]),
    "litellm.exceptions": frozenset(
        [
            "APIResponseValidationError",
            "AuthenticationError",
            "BadRequestError",
            "BlockedPiiEntityError",
            "BudgetExceededError",
            "ContentPolicyViolationError",
            "ContextWindowExceededError",
            "GuardrailRaisedException",
            "LiteLLMUnknownProvider",
            "ModifyResponseException",
            "NotFoundError",
            "PermissionDeniedError",
            "RateLimitError",
            "Timeout",
            "UnsupportedParamsError",
        ]
    ),
    "litellm.integrations.custom_guardrail": frozenset(["CustomGuardrail"]),
    "litellm.integrations.custom_logger": frozenset(["CustomLogger"]),
    "litellm.litellm_core_utils.api_route_to_call_types": frozenset(["get_call_types_for_route"]),
    "litellm.llms": frozenset(["load_guardrail_translation_mappings"]),
    "litellm.llms.base_llm.guardrail_translation.base_translation": frozenset(["BaseTranslation", "StreamingScanKey"]),
    "litellm.llms.base_llm.guardrail_translation.utils": frozenset(
        [
            "effective_skip_system_message_for_guardrail",
            "merge_guardrailed_scoped_messages",
            "scoped_structured_message_indices",
        ]
    ),
    "litellm.llms.openai.responses.guardrail_translation.handler": frozenset(
        ["OpenAIResponsesHandler", "_patch_or_convert_request_fields"]
    ),
    "litellm.llms.openai.responses.guardrail_translation.tool_merge": frozenset(["merge_guardrailed_tools"]),
    "litellm.proxy._types": frozenset(["ProxyException", "UserAPIKeyAuth"]),
    "litellm.proxy.auth.user_api_key_auth": frozenset(["user_api_key_auth"]),
    "litellm.proxy.hooks.responses_id_security": frozenset(["ResponsesIDSecurity"]),
    "litellm.proxy.pass_through_endpoints.pass_through_endpoints": frozenset(["InitPassThroughEndpointHelpers"]),
    "litellm.proxy.policy_engine.pipeline_executor": frozenset(["UndeliverableStreamRewrite"]),
    "litellm.proxy.utils": frozenset(
        ["_check_and_merge_model_level_guardrails", "_partition_post_call_callbacks", "unified_guardrail"]
    ),
    "litellm.responses.litellm_completion_transformation.transformation": frozenset(
        ["LiteLLMCompletionResponsesConfig"]
    ),
    "litellm.responses.utils": frozenset(["ResponsesAPIRequestUtils"]),
    "litellm.router": frozenset(["Router"]),
    "litellm.types.guardrails": frozenset(["GuardrailEventHooks", "LitellmParams", "Mode"]),
    "litellm.types.llms.base": frozenset(["BaseLiteLLMOpenAIResponseObject"]),
    "litellm.types.llms.openai": frozenset(["ResponsesAPIOptionalRequestParams"]),
    "litellm.types.router": frozenset(["RouterRateLimitError", "RouterRateLimitErrorBasic"]),
    "litellm.types.utils": frozenset(["CallTypes", "CallTypesLiteral", "ModelResponse", "all_litellm_params"]),
}
