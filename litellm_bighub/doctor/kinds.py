"""What each guardrail of a config is: ours for tool calls, ours for texts, or somebody else's."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Generator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from litellm_bighub.doctor.proxy_config import GuardrailEntry
from litellm_bighub.gateway.hooks.text_guardrail import ResponsesTextGuardrail
from litellm_bighub.gateway.hooks.tool_guardrail import BighubGuardrail


class GuardrailKind(Enum):
    """Whose guardrail it is, and for what."""

    CALLS = "tool calls"
    TEXTS = "texts of Responses"
    OTHER = "another guardrail"
    UNKNOWN = "cannot be imported"


def kind_of(entry: GuardrailEntry, folder: Path) -> GuardrailKind:
    """What LiteLLM would build for this entry. A class beside the config is imported, as LiteLLM does it."""
    module_name, _, name = entry.guardrail.rpartition(".")
    if not module_name:
        return GuardrailKind.OTHER
    with _importing_from(folder):
        try:
            found = getattr(importlib.import_module(module_name), name)
        except Exception:  # noqa: BLE001 - a user's module may raise anything while it is imported
            return GuardrailKind.UNKNOWN
    if not isinstance(found, type):
        return GuardrailKind.UNKNOWN
    if issubclass(found, BighubGuardrail):
        return GuardrailKind.CALLS
    return GuardrailKind.TEXTS if issubclass(found, ResponsesTextGuardrail) else GuardrailKind.OTHER


@contextmanager
def _importing_from(folder: Path) -> Generator[None, None, None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
