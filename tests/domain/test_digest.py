"""An approval is bound to the digest of exactly one call."""

from __future__ import annotations

import hashlib

import pytest

from litellm_bighub.domain.digest import arguments_digest, call_digest

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
    ],
)
def test_a_call_that_differs_in_anything_has_another_digest(field, value):
    assert call_digest(**{**CALL, field: value}) != call_digest(**CALL)


def test_the_same_call_has_the_same_digest():
    assert call_digest(**CALL) == call_digest(**dict(reversed(CALL.items())))
