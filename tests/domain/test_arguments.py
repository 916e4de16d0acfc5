"""Arguments are read so strictly that every JSON reader would read the same, or not at all."""

from __future__ import annotations

import contextlib
import datetime as dt
import json

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.domain.arguments import MAX_CHARACTERS, MAX_DEPTH, UnreadableArguments, as_text, read_arguments


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(None, {}, id="missing"),
        pytest.param("", {}, id="empty"),
        pytest.param("{}", {}, id="no arguments"),
        pytest.param('{"a": [1, 2.5, null, true, "x"]}', {"a": [1, 2.5, None, True, "x"]}, id="all types"),
        pytest.param({"a": 1}, {"a": 1}, id="already parsed"),
        pytest.param('{"a": "' + '\\"[{' * 100 + '"}', {"a": '"[{' * 100}, id="brackets in a text"),
        pytest.param(json.dumps({"a": [[]] * 100}), {"a": [[]] * 100}, id="many brackets, not deep"),
    ],
)
def test_readable(raw, expected):
    assert read_arguments(raw) == expected


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param("[1]", "JSON array", id="array"),
        pytest.param('"x"', "JSON string", id="string"),
        pytest.param("1", "JSON number", id="number"),
        pytest.param("true", "JSON boolean", id="boolean"),
        pytest.param("null", "JSON null", id="null"),
        pytest.param([1], "a list", id="parsed list"),
        pytest.param(1, "a int", id="parsed number"),
        pytest.param("{", "not valid JSON", id="broken"),
        pytest.param('{"a": 1} x', "not valid JSON", id="something behind"),
        pytest.param('{"a": NaN}', "hold NaN", id="NaN"),
        pytest.param('{"a": -Infinity}', "hold -Infinity", id="Infinity"),
        pytest.param({"a": float("nan")}, "not finite", id="parsed NaN"),
        pytest.param('{"a": 1e400}', "not finite", id="overflow"),
        pytest.param('{"a": 9007199254740993}', "2.53", id="integer beyond doubles"),
        pytest.param('{"a": ' + "9" * 5000 + "}", "cannot be read", id="integer of 5000 digits"),
        pytest.param('{"a": "\\ud800"}', "Unicode", id="lone surrogate"),
        pytest.param('{"\\ud800": 1}', "no canonical JSON form", id="lone surrogate in a key"),
        pytest.param('{"a": 1, "a": 2}', "key twice", id="duplicate key"),
        pytest.param('{"x": {"a": 1, "\\u0061": 2}}', "key twice", id="duplicate key, escaped"),
        pytest.param('{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1), "levels deep", id="too deep"),
        pytest.param("x" * (MAX_CHARACTERS + 1), "characters", id="too long"),
        pytest.param({"a": dt.date(2026, 1, 1)}, "no canonical JSON form", id="no JSON type"),
    ],
)
def test_unreadable(raw, reason):
    with pytest.raises(UnreadableArguments, match=reason):
        read_arguments(raw)


def test_the_reason_holds_none_of_the_arguments():
    with pytest.raises(UnreadableArguments) as raised:
        read_arguments('{"card": "4111111111111111", "card": "4111111111111112"')
    assert "4111" not in str(raised.value)


@given(st.text() | st.binary() | st.integers() | st.dictionaries(st.text(), st.floats()))
def test_junk_is_read_or_unreadable_and_nothing_else(raw):
    with contextlib.suppress(UnreadableArguments):
        assert isinstance(read_arguments(raw), dict)


@pytest.mark.parametrize(
    ("raw", "text"), [(None, None), ('{"a": 1}', '{"a": 1}'), ("{", "{"), ({"a": [1]}, '{"a": [1]}'), ([1], "[1]")]
)
def test_parsed_arguments_are_text_again(raw, text):
    assert as_text(raw) == text


@pytest.mark.parametrize("raw", [{"a": {1}}, {"a": dt.date(2026, 1, 1)}, {(1, 2): 3}])
def test_what_is_no_json_has_no_text(raw):
    with pytest.raises(UnreadableArguments, match="no JSON"):
        as_text(raw)
