"""From what stands in a config to a working hook. Whatever is wrong stops the start, with the key that is wrong."""

from __future__ import annotations

import difflib
import importlib
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, cast

import litellm.proxy.proxy_server as proxy_server_module
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.types.guardrails import LitellmParams
from pydantic import ValidationError

from litellm_bighub.control_plane.decider import EmbeddedDecider
from litellm_bighub.deciders.audit_file import AuditFile
from litellm_bighub.deciders.decider import Decider
from litellm_bighub.deciders.recording import DecisionHook, EventSink
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.settings import GuardrailSettings
