"""How a guardrail of today's contract is called: for all texts at once, or for each; or only with whole answers."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from litellm_bighub.checks.contract import Guardrail, name_of
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.settings import TextCalls

LOOPING = frozenset(
    {
        ("litellm.proxy.guardrails.guardrail_hooks.presidio", "_OPTIONAL_PresidioPIIMasking"),
        ("litellm.proxy.guardrails.guardrail_hooks.enkryptai.enkryptai", "EnkryptAIGuardrails"),
        (
            "litellm.proxy.guardrails.guardrail_hooks.azure.prompt_shield",
            "AzureContentSafetyPromptShieldGuardrail",
        ),
        (
            "litellm.proxy.guardrails.guardrail_hooks.azure.text_moderation",
            "AzureContentSafetyTextModerationGuardrail",
        ),
        ("litellm.proxy.guardrails.guardrail_hooks.litellm_content_filter.content_filter", "ContentFilterGuardrail"),
    }
)
"""LiteLLM's guardrails whose `apply_guardrail` takes one text after the other and looks at no two of them together."""

_PIPELINES: Final = "litellm.proxy.policy_engine.pipeline_executor"


def calls_each(guardrail: Guardrail, configured: TextCalls) -> bool:
    """Decide for one guardrail.

    Args:
        guardrail: asked first: an attribute `text_calls` (`auto`, `each` or `batch`) on it counts.
        configured: what counts where the guardrail says nothing.

    Raises:
        ConfigurationError: the guardrail says something else.
    """
    wanted = getattr(guardrail, "text_calls", None) or configured
    match wanted:
        case "each":
            return True
        case "batch":
            return False
        case "auto":
            return _defines_its_check(type(guardrail)) in LOOPING
        case _:
            raise ConfigurationError(f"{name_of(guardrail)}.text_calls", f"is {wanted!r}, not auto, each or batch")


def knows_answers_alone(guardrail: Guardrail) -> bool:
    """Whether a hook for whole answers stands behind it, as LiteLLM's pipelines put one behind a guardrail of texts.

    Such a hook looks at `request_data["response"]`, and its texts count only if they are those that it was asked about.
    """
    behind = getattr(guardrail, "inner", guardrail)
    return type(guardrail).__module__ == type(behind).__module__ == _PIPELINES


@lru_cache(maxsize=256)
def _defines_its_check(cls: type[Guardrail]) -> tuple[str, str]:
    """The class whose `apply_guardrail` runs: a subclass with its own may well look at all texts together."""
    owner = next((base for base in cls.__mro__ if "apply_guardrail" in vars(base)), cls)
    return owner.__module__, owner.__qualname__
