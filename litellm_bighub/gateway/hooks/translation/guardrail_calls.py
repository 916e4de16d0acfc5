"""How a guardrail of today's contract is called: for all texts at once, for each, or only with whole answers.

Guardrails know tool calls as chat completion chunks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from functools import lru_cache
from typing import Final

from litellm_bighub.checks.contract import Guardrail, name_of
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import ConfigurationError, GuardrailAnswerError
from litellm_bighub.formats.format_texts import ScannedCall
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.slots import Slot
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


class ToolCallChunks:
    """The tool calls of a payload, as chunks, with where their arguments stand."""

    def __init__(self, calls: Sequence[ScannedCall]) -> None:
        self._calls = calls
        self.chunks: list[JsonObject] = [
            {
                "id": call.call_id,
                "type": "function",
                "index": index,
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for index, call in enumerate(calls)
        ]

    def handed_over(self) -> list[JsonObject]:
        """A copy for a guardrail, which may write into it."""
        return deepcopy(self.chunks) if self.chunks else []

    def rewrites(self, answered: object, guardrail: str) -> Iterable[tuple[Slot, str]]:
        """The arguments and names that a guardrail changed in its answer's `tool_calls`.

        Raises:
            GuardrailAnswerError: not as many calls as it was given, or one without arguments or with another id, or a
                change to a call whose arguments are no text or that has no name.
        """
        if answered is None:
            return
        calls = fields.elements(answered)
        if len(calls) != len(self.chunks):
            raise GuardrailAnswerError(guardrail, f"answered {len(self.chunks)} tool calls with {len(calls)}")
        for given, call in zip(self._calls, calls, strict=True):
            answer = fields.get(call, "function")
            name = fields.get(answer, "name") or given.name
            if fields.get(call, "id") not in {None, given.call_id}:
                raise GuardrailAnswerError(guardrail, "answered with the call of another id")
            for place, before, after in (
                (given.told, given.arguments, fields.get(answer, "arguments")),
                (given.named, given.name, name),
            ):
                if after == before:
                    continue
                if not isinstance(after, str) or place is None:
                    raise GuardrailAnswerError(guardrail, "answered with a tool call that cannot be written back")
                yield place, after


NO_CALLS = ToolCallChunks(())
"""Of a payload without tool calls."""
