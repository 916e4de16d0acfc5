"""An approval is bound to the digest of exactly one call."""

from __future__ import annotations

import hashlib

import pytest
import rfc8785
from hypothesis import given, strategies as st

from litellm_bighub.domain.digest import arguments_digest, call_digest, canonical, rules_digest

CALL = {
    "actor": "AI_AGENT",
    "domain": "custom",
    "tool": "pay",
    "arguments": {"amount": 1},
    "policy_version": "v1",
    "key": "k",
    "user": "u",
}


def test_the_digest_is_sha256_over_the_canonical_form():
    assert (
        arguments_digest({"b": [1.0, "é"], "a": None}) == hashlib.sha256('{"a":null,"b":[1,"é"]}'.encode()).hexdigest()
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("actor", "key:other"),
        ("domain", "payments"),
        ("tool", "refund"),
        ("arguments", {"amount": 2}),
        ("policy_version", "v2"),
        ("key", "other"),
        ("user", "other"),
        ("end_user", "other"),
    ],
)
def test_a_call_that_differs_in_anything_has_another_digest(field, value):
    assert call_digest(**{**CALL, field: value}) != call_digest(**CALL)


def test_the_same_call_has_the_same_digest():
    assert call_digest(**CALL) == call_digest(**dict(reversed(CALL.items())))


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(st.characters(max_codepoint=0x7F))
    | st.sampled_from([2**53 - 1, 2**53, -(2**53) + 1, -(2**53), "\x7f", "\ud800", "\U0001f600", "\uffff"])
)
VALUES = st.recursive(
    LEAVES, lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(max_size=4), each, max_size=4)
)


@given(VALUES)
def test_the_canonical_form_is_that_of_rfc_8785(value):
    try:
        expected = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        with pytest.raises(type(error)):
            canonical(value)
    else:
        assert canonical(value) == expected


def test_deep_arguments_have_the_same_form_too():
    deep = "x"
    for _ in range(60):
        deep = [{"a": deep}]

    assert canonical(deep) == rfc8785.dumps(deep)


def test_rules_of_callers_are_told_apart():
    assert rules_digest("") == ""
    assert len({rules_digest(text) for text in ('{"key":[]}', '{"team":[]}', "")}) == 3
    assert len(rules_digest('{"key":[]}')) == 12
