"""People write an earlier call as a tool, or with what has to be the same."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from litellm_bighub.policy.history.earlier_call import EarlierCall
from litellm_bighub.policy.history.earlier_call_text import EarlierCallText


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("verify", EarlierCall(("verify",))),
        (["a", "b"], EarlierCall(("a", "b"))),
        ({"tool": "a", "same": "order.id"}, EarlierCall(("a",), {"order.id": "order.id"})),
        ({"tool": "a", "same": ["x", "y"]}, EarlierCall(("a",), {"x": "x", "y": "y"})),
        ({"tool": ["a"], "same": {"customer": "customer_id"}}, EarlierCall(("a",), {"customer_id": "customer"})),
        ({"tool": "a", "within_seconds": 60, "of": "caller"}, EarlierCall(("a",), {}, 60.0, "caller")),
    ],
)
def test_what_people_write(written, expected):
    assert EarlierCallText.model_validate(written).value == expected


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ({}, "Field required"),
        ([], "at least 1 item"),
        ({"tool": "a", "same": {"x": "a[0]"}}, "`a[0]` is no argument"),
        ({"tool": "a", "same": {"x": "z", "y": "z"}}, "compares an argument of the earlier call twice"),
        ({"tool": "a", "of": "caller"}, "say within how many seconds"),
        ({"tool": "a", "within_seconds": 0}, "greater than 0"),
        ({"tool": "a", "until": 3}, "Extra inputs"),
        (5, "valid dictionary"),
    ],
)
def test_what_is_refused(written, problem):
    with pytest.raises(ValidationError) as raised:
        EarlierCallText.model_validate(written)
    assert problem in str(raised.value)
