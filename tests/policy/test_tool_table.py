"""The table of tools measures calls, and shows of value and target nothing that redaction hides in the arguments."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.domain.decision import Block
from litellm_bighub.domain.redaction import KEY_NAMES, Redactor
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.policy.tool_table import ShownMeasures, ToolEntry, ToolTable
from litellm_bighub.settings import ToolSettings

SECRET = "DE02120300000000202051"
REDACT = Redactor().redact


def shown(arguments, *, known=True, **expressions):
    """Of a call that is measured by the table, and shown by it or by somebody who does not know the table."""
    entry = ToolTable({"pay": ToolSettings(**expressions)}).find("pay")
    call = entry.measure(ToolCall("c", "function", "pay", arguments))
    assert isinstance(call, ToolCall)
    return (entry if known else ToolEntry()).shown(call, REDACT(arguments), REDACT)


@pytest.mark.parametrize(
    ("arguments", "expressions", "expected"),
    [
        pytest.param({"to": "A-17", "n": 5}, {"target": "to", "value": "n"}, ShownMeasures(5.0, "A-17"), id="plain"),
        pytest.param({"to": "A-17"}, {}, ShownMeasures(None, ""), id="neither"),
        pytest.param({"to": "x", "password": "p"}, {"target": "to"}, ShownMeasures(None, "x"), id="another is hidden"),
        pytest.param({"iban": SECRET}, {"target": "iban"}, ShownMeasures(None, "[redacted]"), id="telling key"),
        pytest.param({"pin": "17"}, {"target": "pin"}, ShownMeasures(None, "[redacted]"), id="short"),
        pytest.param({"pin": "7", "to": "A-7"}, {"target": "to"}, ShownMeasures(None, "A-7"), id="short, by chance"),
        pytest.param({"pin": 1234}, {"value": "pin"}, ShownMeasures(None, ""), id="value"),
        pytest.param({"n": 5, "pin": "x"}, {"value": "n"}, ShownMeasures(5.0, ""), id="value beside a hidden text"),
        pytest.param(
            {"iban": SECRET, "to": "ann"},
            {"target": "join(' ', [to, iban])"},
            ShownMeasures(None, "[redacted]"),
            id="joined",
        ),
        pytest.param(
            {"to": "password=hunter2 x", "cvv": 1},
            {"target": "to"},
            ShownMeasures(None, "password=[redacted] x"),
            id="a part of a text",
        ),
    ],
)
def test_value_and_target_as_they_may_be_shown(arguments, expressions, expected):
    assert shown(arguments, **expressions) == expected


@pytest.mark.parametrize(
    ("expressions", "arguments", "expected"),
    [
        ({"target": "reverse(iban)"}, {"iban": SECRET}, ShownMeasures(None, "[redacted]")),
        ({"value": "length(iban)"}, {"iban": "DE02"}, ShownMeasures(None, "")),
        ({"value": "sum(card)"}, {"card": [1, 2]}, ShownMeasures(None, "")),
    ],
)
def test_what_is_computed_of_a_hidden_value_is_hidden(expressions, arguments, expected):
    assert shown(arguments, **expressions) == expected


@given(
    key=st.sampled_from(KEY_NAMES),
    above=st.lists(st.sampled_from(["pay", "to", "account"]), max_size=4),
    known=st.booleans(),
    number=st.booleans(),
)
def test_no_target_tells_what_stands_under_a_telling_key(key, above, known, number):
    """Wherever it stands, and also for those who do not know where the target was found."""
    arguments = {key: 2120300000000202 if number else SECRET}
    for name in above:
        arguments = {name: arguments, "other": "x"}
    target = ".".join(f'"{name}"' for name in [*reversed(above), key])
    assert shown(arguments, known=known, target=target).target == "[redacted]"


TABLE = ToolTable(
    {
        "refund": ToolSettings(value="amount", target="order.id", action="pay", domain="money", fail_mode="open"),
        "sum*": ToolSettings(value="sum(amounts[0:2])"),
        "all": ToolSettings(target="@"),
    }
)


def measured(name="refund", **arguments):
    return TABLE.find(name).measure(ToolCall("c", "function", name, arguments))


def test_value_target_and_action_are_taken_out():
    call = measured(amount=5, order={"id": 7})
    assert isinstance(call, ToolCall)
    assert (call.value, call.target, call.action) == (5.0, "7", "pay")
    call = measured()
    assert isinstance(call, ToolCall)
    assert (call.value, call.target) == (None, "")
    untouched = ToolCall("c", "function", "other", {})
    assert TABLE.find("other").measure(untouched) is untouched


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"amount": "5"}, "a string, not a number"),
        ({"amount": True}, "a boolean"),
        ({"amount": [5]}, "a list"),
        ({"amount": {}}, "an object"),
        ({"amount": math.inf}, "finite"),
        ({"order": {"id": True}}, "the target is a boolean"),
        ({"order": {"id": []}}, "the target is a list"),
    ],
)
def test_what_cannot_be_measured_is_blocked(arguments, told):
    found = measured(**arguments)
    assert isinstance(found, Block)
    assert told in found.reason


def test_what_cannot_be_computed_or_read_is_blocked():
    for found in (
        measured("sums", amounts="x"),
        TABLE.find("x").measure(ToolCall("c", "function", "x", unreadable="no JSON")),
        TABLE.find("x").measure(ToolCall("c", "function", "x\0")),
        TABLE.find("x").measure(ToolCall("\ud800", "function", "x")),
    ):
        assert isinstance(found, Block)


def test_what_an_entry_reads():
    entry = TABLE.find("refund")
    assert entry.has("value")
    assert not TABLE.find("sums").has("target")
    assert entry.reads("value", {"amount": 1})
    assert not entry.reads("target", {"amount": 1})
    assert TABLE.find("all").reads("target", {"x": 1})
    assert not TABLE.find("other").reads("value", {})
    assert entry.only("value").target is None
    assert entry.only("target").value is None
    assert (entry.domain, entry.fail_mode) == ("money", "open")


@pytest.mark.parametrize(
    ("expression", "told"), [("a[", "tools.x.value: is no JMESPath"), ("nofunc(a)", "calls nofunc()")]
)
def test_an_expression_that_cannot_work_is_named(expression, told):
    with pytest.raises(ConfigurationError) as caught:
        ToolTable({"x": ToolSettings(value=expression)})
    assert told in str(caught.value)


def test_two_places_say_of_a_tool_what_they_say_field_by_field():
    guardrail = {"refund_*": ToolSettings(domain="billing", value="amount"), "close": ToolSettings(action="")}
    policy = {"*_payment": ToolSettings(target="order_id", value="amount"), "close": ToolSettings(fail_mode="open")}
    table = ToolTable(guardrail, under=policy)
    both = table.find("refund_payment")
    measured = both.measure(ToolCall("c", "function", "refund_payment", {"amount": 5, "order_id": "A-1"}))
    assert (measured.value, measured.target, both.domain) == (5.0, "A-1", "billing")
    assert table.find("refund_all").target is None
    assert table.find("close") == ToolEntry(fail_mode="open")
    assert table.find("other") == ToolEntry()


def test_of_two_patterns_the_first_place_wins():
    table = ToolTable({"a*": ToolSettings(domain="x")}, under={"*b": ToolSettings(domain="y")})
    assert (table.find("ab").domain, table.find("b").domain) == ("x", "y")


@pytest.mark.parametrize(
    ("guardrail", "policy", "key"),
    [
        ({"pay": {"value": "a"}}, {"pay": {"value": "b"}}, "tools.pay.value"),
        ({"pay*": {"value": "a"}}, {"pay*": {"value": "b"}}, r"tools.pay\*.value"),
        ({"*": {"fail_mode": "open"}}, {"pay": {"fail_mode": "closed"}}, "tools.pay.fail_mode"),
        ({"pay": {"target": "a"}}, {"p*": {"target": "b"}}, "tools.pay.target"),
    ],
)
def test_two_places_that_say_different_things_of_a_tool_are_refused(guardrail, policy, key):
    first, second = ({name: ToolSettings(**entry) for name, entry in place.items()} for place in (guardrail, policy))
    with pytest.raises(ConfigurationError, match=f"^{key}: the guardrail and the policy file both say it"):
        ToolTable(first, under=second)
    assert ToolTable(first, under=first).find("pay") == ToolTable(first).find("pay")
