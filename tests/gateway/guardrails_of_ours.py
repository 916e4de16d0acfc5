"""Both guardrails of ours, built the way in which LiteLLM builds those of a config."""

from __future__ import annotations

from typing import Any

from litellm.proxy.guardrails.guardrail_registry import InMemoryGuardrailHandler
from litellm.types.guardrails import LitellmParams

from litellm_bighub import BighubGuardrail, TextGuardrail

POLICY = "version: 1\ndefault: block\nrules:\n  - {name: lookups, tool: lookup, effect: allow}\n"
BOTH = (BighubGuardrail, TextGuardrail)
MODE = ["pre_call", "post_call"]


def built(kind: type, **params: Any) -> Any:
    """With all of LiteLLM's own parameters, as its registry hands them to a class of a config."""
    defaults = LitellmParams(guardrail=f"litellm_bighub.{kind.__name__}", mode=MODE)
    others = defaults.model_dump(exclude={"guardrail", "mode", "default_on"}, exclude_none=True)
    given = {"guardrail_name": "ours", "event_hook": MODE, "default_on": True, **own(kind)}
    return kind(**{**others, **given, **params})


def registered(kind: type, folder: Any, **params: Any) -> Any:
    """By LiteLLM's own registry, from `litellm_params` as they stand in a config."""
    ours = {"guardrail": f"litellm_bighub.{kind.__name__}", "mode": MODE, "default_on": True, **own(kind)}
    guardrail: Any = {"guardrail_name": "ours", "litellm_params": {**ours, **params}}
    registry = InMemoryGuardrailHandler()
    made = registry.initialize_guardrail(guardrail, config_file_path=str(folder / "proxy_config.yaml"))
    assert made is not None
    return registry.guardrail_id_to_custom_guardrail[made["guardrail_id"]]


def own(kind: type) -> dict[str, Any]:
    return {"apply": ["mask"]} if kind is TextGuardrail else {}
