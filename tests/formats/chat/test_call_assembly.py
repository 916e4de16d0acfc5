"""Each piece comes to its call, however its provider marks it; where two readings are left, the call is torn."""

from __future__ import annotations

import pytest

from litellm_bighub.formats.chat.call_assembly import CallAssembly


def piece(index, name=None, told=None, call_id=None, kind="function"):
    key = "input" if kind == "custom" else "arguments"
    payload = {label: value for label, value in {"name": name, key: told}.items() if value is not None}
    marks = {"index": index, "id": call_id}
    return {**{label: value for label, value in marks.items() if value is not None}, kind: payload}


def assembled(*pieces):
    """Each call's name and arguments, with whether it is torn."""
    assembly = CallAssembly()
    for each in pieces:
        assembly.take(each)
    assembly.end()
    return [(call.name, call.told, call.torn) for call in assembly.calls]


PAY, MAIL = ("pay", '{"a":1}', False), ("mail", '{"b":2}', False)


@pytest.mark.parametrize(
    ("pieces", "calls"),
    [
        pytest.param(
            [piece(0, "pay", "", "x"), piece(0, None, '{"a"'), piece(0, None, ":1}"), piece(1, "mail", '{"b":2}', "y")],
            [PAY, MAIL],
            id="OpenAI: id and name in the first piece",
        ),
        pytest.param([piece(0, "pay", '{"a":1}', "x"), piece(0, "mail", '{"b":2}', "y")], [PAY, MAIL], id="one index"),
        pytest.param([piece(None, "pay", '{"a"', "x"), piece(None, None, ":1}", "x")], [PAY], id="no index"),
        pytest.param([piece(0, "pay", '{"a"', "x"), piece(0, "pay", ":1}", "x")], [PAY], id="the name in each piece"),
        pytest.param([piece(0, "pay", '{"a"', "x"), piece(0, "pay", ":1}", "y")], [PAY], id="a new id in each piece"),
        pytest.param([piece(0, "pay", "", "x"), piece(5, None, '{"a":1}', "x")], [PAY], id="its id at another index"),
        pytest.param([piece(0, "pay", "", "x"), piece(None, None, '{"a":1}')], [PAY], id="the latest, without index"),
        pytest.param([piece(0, "pay", '{"a":1}'), piece(0, "mail", '{"b":2}')], [PAY, MAIL], id="no ids"),
        pytest.param([piece(0, "pay", '{"a":1}', "x"), piece(0, "pay", "", "x")], [PAY], id="the name once more"),
        pytest.param(
            [piece(0, "pay", "", "x"), piece(0, "mail", "{}", "y")],
            [("pay", "", False), ("mail", "{}", False)],
            id="a new id",
        ),
        pytest.param([piece(0, "pay", '{"a":1}', "x"), {"index": 1}], [PAY], id="a piece that says nothing"),
        pytest.param([piece(0, "pay", '{"a":1}', "x"), {"index": 0}], [PAY], id="nothing more of the call"),
    ],
)
def test_each_piece_comes_to_its_call(pieces, calls):
    assert assembled(*pieces) == calls


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([piece(0, "pay", '{"a":1}', "x"), piece(0, "pay", '{"a":1}', "x")], id="the call once more"),
        pytest.param([piece(0, "pay"), piece(0, "pay")], id="the name again, or a second call"),
        pytest.param([piece(0, "pay", "", "x"), piece(0, "pay", "", "y")], id="a second id, or a second call"),
        pytest.param([piece(0, "pay", "x", None, "custom"), piece(0, "pay", "y", None, "custom")], id="a custom text"),
        pytest.param([piece(0, "pay", "", "x"), piece(3, None, '{"a":1}')], id="arguments of no call"),
        pytest.param([piece(0, "pay", '{"a":1}'), piece(0, "pay", "")], id="another call's beginning"),
    ],
)
def test_what_has_two_readings_is_torn(pieces):
    assert any(torn for _, _, torn in assembled(*pieces))


def test_behind_a_torn_call_those_without_an_id_are_torn():
    first = [piece(0, "pay", '{"a":1}', "x"), piece(0, "pay", '{"a":1}', "x")]
    _, torn, whole = assembled(*first, piece(0, "mail", '{"b":2}'), piece(1, "mail", '{"b":2}', "z"))

    assert (torn[2], whole) == (True, MAIL)
