"""What BIGHUB says beside its verdict, of any shape, never breaks an event."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.agent.record.events import DecisionSignals, signals

NAMES = [each.name for each in fields(DecisionSignals)]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*NAMES, "intelligence", "decision_intelligence", "other"]), JSON))
def test_whatever_is_said_gives_every_field_once(said):
    assert list(signals(said)) == NAMES
    DecisionSignals(**signals(said))


@pytest.mark.parametrize(
    ("said", "name", "expected"),
    [
        pytest.param({"recommendation": "proceed"}, "recommendation", "proceed", id="text"),
        pytest.param({"recommendation": 1}, "recommendation", None, id="no text"),
        pytest.param({"risk_score": 1}, "risk_score", 1.0, id="number"),
        pytest.param({"risk_score": True}, "risk_score", None, id="no number"),
        pytest.param({"decision_packet": {"a": 1}}, "decision_packet", {"a": 1}, id="object"),
        pytest.param({"decision_packet": [1]}, "decision_packet", None, id="no object"),
        pytest.param({"salient_factors": [{"a": 1}, 2]}, "salient_factors", [{"a": 1}], id="list of objects"),
        pytest.param({"salient_factors": {"a": 1}}, "salient_factors", None, id="no list"),
        pytest.param({"intelligence": {"trajectory_health": "ill"}}, "trajectory_health", "ill", id="older generation"),
        pytest.param(
            {"decision_intelligence": {"trajectory_health": "good"}, "intelligence": {"trajectory_health": "ill"}},
            "trajectory_health",
            "good",
            id="both generations",
        ),
        pytest.param({"intelligence": ["ill"]}, "trajectory_health", None, id="no intelligence"),
    ],
)
def test_a_field_is_read_in_the_shape_of_the_contract_alone(said, name, expected):
    assert signals(said)[name] == expected
