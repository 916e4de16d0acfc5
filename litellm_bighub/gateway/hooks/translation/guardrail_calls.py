"""Whether a guardrail of today's contract gets one call for all texts, or one call a text at the same time."""

from __future__ import annotations

from functools import lru_cache

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


@lru_cache(maxsize=256)
def _defines_its_check(cls: type[Guardrail]) -> tuple[str, str]:
    """The class whose `apply_guardrail` runs: a subclass with its own may well look at all texts together."""
    owner = next((base for base in cls.__mro__ if "apply_guardrail" in vars(base)), cls)
    return owner.__module__, owner.__qualname__
