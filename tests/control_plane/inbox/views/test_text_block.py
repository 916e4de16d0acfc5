"""Texts in lines, long ones folded."""

from __future__ import annotations

from hypothesis import given, settings

from litellm_bighub.control_plane.inbox.views.text_block import FOLDED_AFTER, text_block
from tests.control_plane.inbox.views import HOSTILE, UNSEEN, text_of


def test_lines_are_lines():
    block = text_block("one\n\ntwo\n")
    assert [(line.number, "".join(run.text for run in line.runs)) for line in block.lines] == [
        (1, "one"),
        (2, ""),
        (3, "two"),
    ]


def test_a_short_text_stands_beside_its_name():
    assert text_block("one").is_short
    assert text_block("").is_short
    assert not text_block("one\ntwo").is_short


def test_a_long_text_is_folded_and_tells_how_much_of_it_is_marked():
    block = text_block("\n".join(["line"] * 50 + ["a\u202eb"]))
    assert (len(block.lines), len(block.lines) + len(block.folded), block.dangerous) == (FOLDED_AFTER, 51, 1)


def test_what_is_left_out_is_counted():
    block = text_block("x" * 100, 30)
    assert (text_of(block), block.left_out) == ("x" * 30, 70)


@settings(max_examples=60)
@given(HOSTILE)
def test_each_line_of_a_text_is_there(text):
    block = text_block(text)
    lines = [*block.lines, *block.folded]
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert len(lines) in {text.count("\n"), text.count("\n") + 1}
    assert not UNSEEN & set(text_of(block))
