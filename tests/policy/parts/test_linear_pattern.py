"""Expressions that are matched in linear time."""

from __future__ import annotations

import pytest

from litellm_bighub.policy.parts.linear_pattern import literal, somewhere, whole


def test_the_whole_text_has_to_fit():
    assert whole("a.c")("abc")
    assert not whole("a.c")("abcd")


def test_a_literal_means_itself():
    assert whole(literal("a.c*"))("a.c*")
    assert not whole(literal("a.c"))("abc")


def test_what_is_too_large_is_refused():
    with pytest.raises(ValueError, match="too large"):
        whole("(?:(?:a{1,900}){1,900})")


def test_a_piece_of_the_text_has_to_fit():
    assert somewhere("b+$")("abb")
    assert not somewhere("^b")("abb")
    with pytest.raises(ValueError, match="no pattern"):
        somewhere("(")
