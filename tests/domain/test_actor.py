"""A name that comes from a key or a user says so, and no other name poses as one."""

from __future__ import annotations

import pytest

from litellm_bighub.domain.actor import given, is_marked, without_mark

TABLE = pytest.mark.parametrize(
    ("name", "marked", "plain"),
    [
        pytest.param("key:billing", True, "billing", id="key"),
        pytest.param("user:u-77", True, "u-77", id="user"),
        pytest.param("team:support", True, "support", id="team"),
        pytest.param("claim:azp=agent", True, "azp=agent", id="claim"),
        pytest.param("key:user:x", True, "user:x", id="one mark alone is taken off"),
        pytest.param("billing", False, "billing", id="plain"),
        pytest.param("monkey:x", False, "monkey:x", id="mark in the middle"),
        pytest.param("", False, "", id="empty"),
    ],
)


@TABLE
def test_a_marked_name_is_known(name, marked, plain):
    assert is_marked(name) is marked
    assert without_mark(name) == plain


@TABLE
def test_an_operator_gives_plain_names_alone(name, marked, plain):
    if marked:
        with pytest.raises(ValueError, match="must not begin with key: or user:"):
            given(name)
    else:
        assert given(name) == name
