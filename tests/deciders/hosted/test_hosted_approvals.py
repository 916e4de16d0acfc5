"""What BIGHUB says of an approval."""

from __future__ import annotations

import pytest

from litellm_bighub.deciders.hosted.hosted_approvals import (
    approved_arguments,
    binds,
    is_path_segment,
    needs_two_people,
    told_agent,
)
from litellm_bighub.domain.secret_patterns import REDACTED
from litellm_bighub.errors import DecisionRefused


@pytest.mark.parametrize(
    ("approval", "bound", "two"),
    [({}, False, False), ({"four_eyes": False}, True, False), ({"four_eyes": 1}, True, True)],
)
def test_only_our_own_control_plane_binds(approval, bound, two):
    assert (binds(approval), needs_two_people(approval)) == (bound, two)


@pytest.mark.parametrize(
    ("approval", "told"),
    [({}, ""), ({"told_agent": None}, ""), ({"told_agent": "once"}, "once"), ({"told_agent": 1}, "")],
)
def test_only_a_text_is_told_the_agent(approval, told):
    assert told_agent(approval) == told


@pytest.mark.parametrize("approval_id", ["apr_1", "a" * 128, "a.b:c-d"])
def test_an_id_stands_in_a_path(approval_id):
    assert is_path_segment(approval_id)


@pytest.mark.parametrize("approval_id", ["", "a/b", "..", "a..b", "_a", "a?b", "a\n", "a" * 129])
def test_what_would_change_the_path_is_no_id(approval_id):
    assert not is_path_segment(approval_id)


@pytest.mark.parametrize(
    ("approval", "arguments"),
    [
        ({}, None),
        ({"status": "approved"}, None),
        ({"status": "modified", "edited_arguments": {"a": 1}}, {"a": 1}),
        ({"modified_action": {"arguments": {"a": 2}}}, {"a": 2}),
        ({"better_action": {"arguments": {"a": 3}}}, {"a": 3}),
        ({"edited_arguments": {"a": 1}, "better_action": {"arguments": {"a": 3}}}, {"a": 1}),
    ],
)
def test_the_arguments_that_were_approved(approval, arguments):
    assert approved_arguments(approval) == arguments


@pytest.mark.parametrize(
    "approval",
    [
        {"status": "modified"},
        {"review_decision": "modified"},
        {"modified_action": "wipe"},
        {"edited_arguments": [1]},
        {"edited_arguments": {"key": REDACTED}},
    ],
)
def test_what_cannot_be_carried_out_is_refused(approval):
    with pytest.raises(DecisionRefused):
        approved_arguments(approval)
