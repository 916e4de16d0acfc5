"""An event may be logged as it is, and what its reader does to a copy changes nothing."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from litellm_bighub.domain.event import CallOutcome, DecisionEvent, OptOut, UnapprovedResult


def event(**given):
    blank = {field.name: "" for field in fields(DecisionEvent)}
    numbers = {"time": 1.0, "latency_ms": 2.0, "risk": None, "value": None, "degraded": False, "enforced": True}
    return DecisionEvent(**{**blank, **numbers, "verdict": "blocked", "arguments": {"a": {"b": [1]}}, **given})


@pytest.mark.parametrize(
    ("verdict", "enforced", "allowed"),
    [
        ("allowed", True, True),
        ("allowed", False, True),
        ("blocked", True, False),
        ("blocked", False, True),
        ("requires_approval", True, False),
        ("requires_approval", False, True),
    ],
)
def test_a_call_is_let_through_when_allowed_or_not_enforced(verdict, enforced, allowed):
    assert event(verdict=verdict, enforced=enforced).allowed is allowed


def test_the_copy_holds_every_field_and_is_json():
    told = event(decision_id="dec_1").as_dict()

    assert set(told) == {field.name for field in fields(DecisionEvent)} | {"allowed", "request_id"}
    assert told["request_id"] == "dec_1"
    assert json.loads(json.dumps(told)) == told


def test_the_copy_has_arguments_of_its_own():
    made = event()

    made.as_dict()["arguments"]["a"]["b"].append(2)

    assert made.arguments == {"a": {"b": [1]}}


def test_who_only_reads_gets_the_events_own_arguments():
    made = event()

    assert made.as_shared_dict()["arguments"] is made.arguments


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (CallOutcome, "call_outcome"),
        (OptOut, "guardrail_opted_out"),
        (UnapprovedResult, "withheld_call_result"),
    ],
)
def test_a_record_tells_every_field_and_its_kind(record, kind):
    given = {field.name: field.name for field in fields(record)} | {"kind": kind}
    made = record(**{field.name: given[field.name] for field in fields(record)})

    assert made.as_dict() == given
    assert json.loads(json.dumps(made.as_dict())) == given
