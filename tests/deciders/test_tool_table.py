"""What may be shown of value and target: nothing that redaction hides in the arguments they come from."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.deciders.tool_table import ShownMeasures, ToolEntry, ToolTable
from litellm_bighub.domain.call import ToolCall
from litellm_bighub.domain.redaction import KEY_NAMES, Redactor
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
