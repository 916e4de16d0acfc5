"""The names of `bighub_openai`, so that `import litellm_bighub.compat as bighub_openai` is all that has to change."""

from __future__ import annotations

from litellm_bighub.agent.async_guarded import AsyncGuardedOpenAI
from litellm_bighub.agent.guarded import GuardedOpenAI
from litellm_bighub.agent.record.events import GuardedToolResult, ToolExecutionEvent
from litellm_bighub.agent.settings import VERSION as __version__  # noqa: N811 - the published name
from litellm_bighub.errors import AdapterConfigurationError, ProviderResponseError

BighubOpenAI = GuardedOpenAI
AsyncBighubOpenAI = AsyncGuardedOpenAI
ToolResult = GuardedToolResult

__all__ = [
    "AdapterConfigurationError",
    "AsyncBighubOpenAI",
    "AsyncGuardedOpenAI",
    "BighubOpenAI",
    "GuardedOpenAI",
    "GuardedToolResult",
    "ProviderResponseError",
    "ToolExecutionEvent",
    "ToolResult",
    "__version__",
]
