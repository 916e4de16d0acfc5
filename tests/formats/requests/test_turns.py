"""A turn is known again however a client writes its conversation the next time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.formats.requests.turns import Author, FoundTurn, find_turns, said, unlike

ROLES: dict[str, Author] = {"user": "caller", "assistant": "model", "system": "instructions", "thought": "thought"}


def author(item: Any) -> Author:
    return ROLES[item["role"]]


def message(role: str, words: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": words, **more}


WORDS = st.text(max_size=5)
MESSAGES = st.lists(st.builds(message, st.sampled_from(sorted(ROLES)), WORDS), max_size=8)


def in_parts(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "content": [{"type": "text", "text": item["content"], "cache_control": {"type": "ephemeral"}}]}


def with_id(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "type": "message", "id": "msg_1", "status": "completed", "name": None}


def with_thoughts(item: dict[str, Any]) -> dict[str, Any]:
    thought = {"type": "thinking", "thinking": "hm", "signature": "x"}
    content = [thought, {"type": "text", "text": item["content"]}]
    return {**item, "content": content, "reasoning_content": "hm"}


@given(MESSAGES, st.data())
def test_a_conversation_is_the_same_however_it_is_written(messages: list[dict[str, Any]], data: st.DataObject) -> None:
    ways = st.sampled_from([dict, in_parts, with_id, with_thoughts])
    again = [data.draw(ways)(each) for each in messages]
    assert find_turns(again, author) == find_turns(messages, author)


@given(MESSAGES, st.integers(0, 7), WORDS)
def test_another_word_makes_another_conversation(messages: list[dict[str, Any]], place: int, words: str) -> None:
    changed = [{**each, "content": words} if at == place else each for at, each in enumerate(messages)]
    same = all(one == other for one, other in zip(changed, messages, strict=True) if author(one) in {"caller", "model"})
    assert (find_turns(changed, author).coming == find_turns(messages, author).coming) is same


@given(MESSAGES, MESSAGES)
def test_an_answer_is_known_by_what_it_went_on_from(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    """What a conversation said of the coming answer is what every later one says of it."""
    asked = [*before, message("user", "go")]
    coming = find_turns(asked, author).coming
    later = find_turns([*asked, message("assistant", "done"), message("user", "and now?"), *after], author)
    [turn] = [turn for turn in later.found if turn.start == len(asked)]
    assert (turn.digest, turn.end) == (coming, len(asked) + 1)


def test_an_answer_is_all_that_the_model_made_in_a_row():
    roles = ["user", "thought", "assistant", "system", "assistant", "user", "assistant"]
    found = find_turns([message(role, "x") for role in roles], author).found
    assert [(turn.start, turn.end) for turn in found] == [(1, 5), (6, 7)]
    assert all(isinstance(turn, FoundTurn) for turn in found)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("hi", "hi", id="a text"),
        pytest.param([{"type": "text", "text": "h"}, {"type": "refusal", "refusal": "i"}], "hi", id="parts"),
        pytest.param(None, "", id="nothing"),
    ],
)
def test_what_a_message_says(content, words):
    assert said({"role": "assistant", "content": content}) == words


def test_the_same_call_of_an_answer_that_was_made_again_counts_once():
    one, other = (
        DecidedCall("", call_id, "function", "wipe", "blocked", False, "ada", 1.0, digest=digest)
        for call_id, digest in (("call_1", "d"), ("call_2", "e"))
    )
    assert unlike([one, other, one]) == [one, other]
