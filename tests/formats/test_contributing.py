"""What CONTRIBUTING says of a new format and a new kind of call is followed, step by step."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from litellm_bighub.domain.call import CallType
from litellm_bighub.formats.requests.hosted_tools import find_own_tools
from litellm_bighub.formats.responses.answer_fields import ITEMS
from litellm_bighub.formats.responses.calls import _KEYS
from litellm_bighub.formats.responses.item_kinds import CALLS, NO_CALLS
from litellm_bighub.telemetry.spans import _TOOL_TYPES
from tests.formats.toy import house

TEXT = (house.ROOT / "CONTRIBUTING.md").read_text()
SECTIONS = ("Add a kind of call", "Add a format")
pytestmark = pytest.mark.format("chat", "responses")


def section(title: str) -> str:
    return TEXT.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("title", SECTIONS)
def test_every_file_that_is_named_is_there(title):
    named = re.findall(r"`((?:formats|tests|domain|doctor)/[\w./]*)`", section(title))
    assert len(named) > 4
    missing = [
        path for path in named if not any((root / path).exists() for root in (house.ROOT, house.ROOT / house.PACKAGE))
    ]
    assert missing == []


def test_every_name_that_is_written_large_stands_in_a_file_that_is_named():
    text = section(SECTIONS[0]) + section(SECTIONS[1])
    paths = re.findall(r"`((?:formats|domain)/[\w/]+\.py)`", text)
    code = "".join((house.ROOT / house.PACKAGE / path).read_text() for path in paths)
    names = re.findall(r"`(_?[A-Z][A-Z_]+|CallType|Format)`", text)
    assert [name for name in names if not re.search(rf"\b{name}\b", code)] == []


def test_every_kind_of_call_says_which_fields_tell_what_is_to_be_done():
    assert CALLS.keys() == _KEYS.keys()
    assert set(CALLS.values()) <= set(get_args(CallType))
    assert not CALLS.keys() & NO_CALLS


def test_every_kind_of_item_has_a_list_of_its_fields():
    assert (CALLS.keys() | NO_CALLS) - ITEMS.keys() == {"compaction_trigger", "configuration_update", "item_reference"}


@pytest.mark.parametrize("kind", sorted(set(CALLS.values()) - {"mcp", "program", "tool_search"}))
def test_a_tool_of_each_kind_that_the_caller_runs_is_no_tool_of_the_provider(kind):
    assert find_own_tools({"tools": [{"type": kind}]}) == []


def test_spans_name_every_kind_of_call():
    assert _TOOL_TYPES.keys() == set(get_args(CallType))


@pytest.mark.xdist_group("types")
def test_a_new_kind_of_call_that_no_provider_is_told_of_does_not_type_check(tmp_path, types_cache):
    package = house.copied(tmp_path)
    for path, row, new in (
        ("domain/call.py", '    "unknown",\n', '    "teleport",\n'),
        (
            "formats/responses/item_kinds.py",
            '        "program": "program",\n',
            '        "teleport_call": "teleport",\n',
        ),
    ):
        text = (package / path).read_text()
        assert row in text
        (package / path).write_text(text.replace(row, row + new, 1))
    module = f"{house.PACKAGE}.formats.responses.requests.withheld_output"
    done = house.type_checked(tmp_path, types_cache, "-m", module)
    assert re.findall(r"withheld_output\.py:\d+: error: .*(?:Never|NoReturn)", done.stdout), done.stdout
