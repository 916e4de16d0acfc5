"""Governed calls in code: `litellm.aresponses` with guardrails as objects and a tool-decision hook, streamed too."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any

import litellm

from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.gateway.enforcement import Enforcement, Withholding
from litellm_bighub.gateway.handler import OpenAIResponsesHandler
from litellm_bighub.guardrails.contract import Guardrail
