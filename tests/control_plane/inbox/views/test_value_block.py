"""Values as trees, tables and texts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from litellm_bighub.control_plane.inbox.views.text_block import TextBlock
from litellm_bighub.control_plane.inbox.views.value_block import Reading, TableBlock, TreeBlock, value_block
from tests.control_plane.inbox.views import UNSEEN, VALUES, text_of


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("x", "text", "text"),
        ("x", 12, "text"),
        ("x", {"a": 1}, "tree"),
        ("x", [1, 2], "tree"),
        ("x", [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], "table"),
        ("x", [{"a": 1}, {"b": 2}], "tree"),
        ("x", [{"a": 1}], "tree"),
        ("x", [{"a": [1]}, {"a": [2]}], "tree"),
        ("x", [{"a": "two\nlines"}, {"a": "x"}], "tree"),
        ("x", "<p>hi</p>", "html"),
        ("x", {}, "text"),
        ("x", [], "text"),
    ],
)
def test_a_value_is_shown_by_what_it_is(name, value, kind):
    assert value_block(name, value, Reading()).kind == kind


@pytest.mark.parametrize(
    ("name", "value", "language"),
    [
        ("command", "ls", "shell"),
        ("text", "ls", ""),
        ("patch", "-a\n+b", "diff"),
        ("input", "*** Begin Patch\n*** End Patch", "diff"),
    ],
)
def test_a_text_is_read_by_its_name_and_content(name, value, language):
    block = value_block(name, value, Reading())
    assert isinstance(block, TextBlock)
    assert block.language == language


def test_commands_in_a_list_are_commands():
    block = value_block("commands", ["ls", "rm -r x"], Reading())
    assert isinstance(block, TreeBlock)
    assert [field.block.language for field in block.fields] == ["shell", "shell"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["ann@x.org", "bob@x.org"], True),
        ({"x": 412, "keys": ["ENTER"]}, True),
        ([{"type": "click", "x": 1}, {"type": "wait"}], True),
        ({"salary": {"monthly": 5}}, False),
        (["two\nlines"], False),
        (["x" * 200], False),
        (list(range(100)), False),
    ],
)
def test_what_a_line_holds_is_not_folded(value, expected):
    block = value_block("x", value, Reading())
    assert isinstance(block, TreeBlock)
    assert block.is_flat == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"type": "click", "x": 4}, True),
        ({"x": 4, "type": "click"}, False),
        ({"type": {"a": "b"}}, False),
        ({}, None),
        (["type"], False),
    ],
)
def test_what_says_first_what_is_done_is_an_action(value, expected):
    assert getattr(value_block("x", value, Reading()), "is_action", None) is expected


def test_what_is_left_out_is_not_flat():
    block = value_block("x", [1, 2, 3], Reading(longest=20))
    assert isinstance(block, TreeBlock)
    assert (block.left_out, block.is_flat) == (2, False)


def test_long_lists_are_cut_and_counted():
    table = value_block("x", [{"a": number} for number in range(30)], Reading(longest=200))
    assert isinstance(table, TableBlock)
    assert (len(table.rows), table.left_out, table.about, table.is_open) == (10, 20, "30 rows", True)
    tree = value_block("x", list(range(30)), Reading(longest=200))
    assert isinstance(tree, TreeBlock)
    assert (len(tree.fields), tree.left_out, tree.about, tree.is_open) == (10, 20, "30 elements", False)


def test_very_deep_values_end_as_a_text():
    value = 1
    for _ in range(60):
        value = [value]
    assert "[[[" in text_of(value_block("x", value, Reading()))


@settings(max_examples=30)
@given(VALUES)
def test_nothing_unseen_stays(value):
    assert not UNSEEN & set(text_of(value_block("x", value, Reading())))
