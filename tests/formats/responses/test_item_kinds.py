"""Which items make the caller's machine act."""

from __future__ import annotations

import pytest

from litellm_bighub.formats.responses.item_kinds import (
    CALLS,
    NO_CALLS,
    is_call,
    is_reference,
    is_unfinished,
    may_be_call,
)


@pytest.mark.parametrize(
    ("item", "call"),
    [
        *[({"type": kind}, True) for kind in sorted(CALLS.keys() - {"program"})],
        *[({"type": kind}, False) for kind in sorted(NO_CALLS)],
        ({"type": "tool_search_call", "execution": "server"}, False),
        ({"type": "tool_search_call", "execution": "client"}, True),
        ({"type": "program", "execution": "client"}, True),
        ({"type": "program", "execution": "server"}, False),
        ({"type": "program"}, False),
        ({"type": "shell_call", "environment": {"type": "container_reference"}}, False),
        ({"type": "shell_call", "environment": {"type": "local"}}, True),
        ({"type": "teleport_call"}, True),
        ({"type": "teleport_call_output"}, False),
        ({"type": "teleport", "call_id": "c", "action": {}}, True),
        ({"type": "teleport", "call_id": "c"}, False),
        ({"type": "teleport", "input": "x"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_what_is_a_call(item, call):
    assert is_call(item) is call


@pytest.mark.parametrize("kind", sorted(NO_CALLS))
def test_what_can_never_become_a_call(kind):
    assert not may_be_call({"type": kind})


@pytest.mark.parametrize("item", [{"type": "function_call"}, {"type": "teleport"}, {}])
def test_what_may_become_one(item):
    assert may_be_call(item)
    assert not may_be_call(None)


@pytest.mark.parametrize(
    ("status", "unfinished"), [("in_progress", True), ("incomplete", True), ("completed", False), (None, False)]
)
def test_an_item_says_whether_more_was_to_come(status, unfinished):
    assert is_unfinished({"type": "function_call", "status": status}) is unfinished


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"type": "item_reference", "id": "rs_1"}, True),
        ({"id": "rs_1"}, True),
        ({"type": None, "id": "rs_1"}, True),
        ({"id": "msg_1", "role": "user", "content": "hi"}, False),
        ({"type": "reasoning", "id": "rs_1"}, False),
        ({"role": "user", "content": "hi"}, False),
        ("a bare text", False),
    ],
)
def test_an_item_that_only_names_another(item, expected):
    assert is_reference(item) is expected
