"""What BIGHUB says beside its verdict, as `bighub_openai` puts it into an event of its own.

None of it decides: the decision was read by `deciders.hosted.strict_answer`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, cast

from litellm_bighub.domain.payload import JsonMapping, JsonObject

_LISTS: Final = frozenset({"salient_factors", "performative_contracts"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSignals:
    """Each field is `None` where BIGHUB does not say it, or says it in another shape than its contract has."""

    recommendation: str | None = None
    risk_score: float | None = None
    enforcement_mode: str | None = None
    trajectory_health: Any = None
    decision_packet: JsonObject | None = None
    responsible_action_space: JsonObject | None = None
    salient_factors: list[JsonObject] | None = None
    operational_intent: JsonObject | None = None
    agent_operational_body: JsonObject | None = None
    action_interpretation_layer: JsonObject | None = None
    performative_contracts: list[JsonObject] | None = None
    catastrophic_ceiling: JsonObject | None = None
    expected_regret_vector: JsonObject | None = None
    signal_epistemology: JsonObject | None = None
    safe_novelty_lane: JsonObject | None = None


def signals(decision: JsonMapping) -> JsonObject:
    """The fields of `DecisionSignals` out of a decision in BIGHUB's words."""
    found: JsonObject = {each.name: _container(each.name, decision.get(each.name)) for each in fields(DecisionSignals)}
    found["recommendation"] = _text(decision.get("recommendation"))
    found["enforcement_mode"] = _text(decision.get("enforcement_mode"))
    found["risk_score"] = _number(decision.get("risk_score"))
    health = (_inside(decision, key).get("trajectory_health") for key in ("decision_intelligence", "intelligence"))
    found["trajectory_health"] = next((each for each in health if each), None)
    return found


def _container(name: str, value: object) -> object:
    if name in _LISTS:
        return [each for each in cast("list[object]", value) if isinstance(each, dict)] if _is_list(value) else None
    return value if isinstance(value, dict) else None


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _inside(decision: JsonMapping, key: str) -> JsonMapping:
    inner = decision.get(key)
    return cast("JsonMapping", inner) if isinstance(inner, Mapping) else {}
