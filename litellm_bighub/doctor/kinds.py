"""What each guardrail of a config is: ours for tool calls, ours for texts, or somebody else's."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Generator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from litellm_bighub.doctor.proxy_config import Entry
from litellm_bighub.gateway.hooks.text_guardrail import ResponsesTextGuardrail
from litellm_bighub.gateway.hooks.tool_guardrail import BighubGuardrail


class Kind(Enum):
    """Whose guardrail it is, and for what."""

    CALLS = "tool calls"
    TEXTS = "texts of Responses"
    OTHER = "another guardrail"
    UNKNOWN = "cannot be imported"


def kind_of(entry: Entry, folder: Path) -> Kind:
    """What LiteLLM would build for this entry. A class beside the config is imported, as LiteLLM does it."""
    module_name, _, name = entry.guardrail.rpartition(".")
    if not module_name:
        return Kind.OTHER
    with _importing_from(folder):
        try:
            found = getattr(importlib.import_module(module_name), name)
        except Exception:  # noqa: BLE001 - a user's module may raise anything while it is imported
            return Kind.UNKNOWN
    if not isinstance(found, type):
        return Kind.UNKNOWN
    if issubclass(found, BighubGuardrail):
        return Kind.CALLS
    return Kind.TEXTS if issubclass(found, ResponsesTextGuardrail) else Kind.OTHER


@contextmanager
def _importing_from(folder: Path) -> Generator[None, None, None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
