"""The whole response in an event tells of no call that was withheld."""

from __future__ import annotations

import pytest

from litellm_bighub.formats.responses.notice_item import notice_item
from litellm_bighub.formats.responses.stream.envelope import carries_call, output_of, rewritten
from litellm_bighub.formats.responses.stream.held_item import HeldItem
from litellm_bighub.formats.stream.gate_protocol import Pass, Withhold

CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "pay", "arguments": '{"a":1}'}
SAID = {"type": "message", "content": []}


def held(outcome):
    """An item on which somebody has decided."""
    item = HeldItem(1)
    item.complete(CALL)
    item.decide(outcome, lambda withheld, _: notice_item("msg_1", withheld.notice))
    return item


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        pytest.param(Withhold("blocked"), notice_item("msg_1", "blocked"), id="withheld"),
        pytest.param(Pass({"a": 2}), {**CALL, "arguments": '{"a":2}'}, id="edited"),
    ],
)
def test_what_was_changed_in_the_stream_is_changed_in_the_whole(outcome, expected):
    event = {"type": "response.completed", "response": {"id": "r", "output": [SAID, CALL]}}

    told = {"type": "response.completed", "response": {"id": "r", "output": [SAID, expected]}}
    assert rewritten(event, {1: held(outcome)}) == told
    assert event["response"]["output"] == [SAID, CALL]


def test_an_event_without_changes_is_itself():
    event = {"type": "response.completed", "response": {"output": [SAID, CALL]}}

    assert rewritten(event, {1: held(Pass())}) is event
    assert rewritten(event, {}) is event


@pytest.mark.parametrize(
    ("event", "output"),
    [
        ({"response": {"output": [{"type": "message"}]}}, [{"type": "message"}]),
        ({"response": {"output": None}}, None),
        ({"response": {}}, None),
        ({"type": "response.output_text.delta"}, None),
    ],
)
def test_the_output_of_an_event(event, output):
    assert output_of(event) == output


@pytest.mark.parametrize(
    ("event", "carries"),
    [
        ({"type": "response.new", "thing": {"type": "shell_call"}}, True),
        ({"type": "response.new", "things": [{"name": "pay", "arguments": "{}"}]}, True),
        ({"type": "response.new", "thing": {"type": "message"}}, False),
        ({"type": "shell_call"}, False),
    ],
)
def test_a_call_in_an_unknown_event_is_noticed(event, carries):
    assert carries_call(event) is carries
