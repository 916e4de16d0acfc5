"""For any payload: every text is found, answering the same changes nothing, masking leaves none."""

from __future__ import annotations

import itertools
from copy import deepcopy
from typing import Any

from hypothesis import given, settings, strategies as st

from litellm_bighub.formats.payload.slots import rewrite
from litellm_bighub.formats.responses.texts.text_finder import find_in_request, find_in_response
from tests.formats.responses.canaries import CANARY, ITEMS, MASKED, OUTPUT_ITEMS

KEYS = st.sampled_from(["name", "content", "text", "output", "detail", "created_by", "anything", "x"])
NOISE = st.none() | st.booleans() | st.integers(min_value=1) | st.just("")
NO_TEXT_FIELDS = ("content", "text", "output")
"""Where a text is meant, a number is refused."""


def count(value: Any) -> int:
    """How many strings hold the canary."""
    if isinstance(value, dict):
        return sum(count(member) for member in value.values())
    if isinstance(value, (list, tuple)):
        return sum(count(member) for member in value)
    return int(isinstance(value, str) and CANARY in value)


def without_numbers_for_texts(value: dict[str, Any]) -> dict[str, Any]:
    numbers = [key for key in NO_TEXT_FIELDS if isinstance(value.get(key), int)]
    return {key: member for key, member in value.items() if key not in numbers}


ANYTHING = st.recursive(
    st.just(CANARY) | NOISE,
    lambda inner: (
        st.lists(inner.filter(lambda value: not isinstance(value, int) or isinstance(value, bool)), max_size=3)
        | st.dictionaries(KEYS, inner, max_size=3).map(without_numbers_for_texts)
    ),
    max_leaves=12,
)
UNKNOWN = st.builds(
    lambda kind, value: {**value, "type": kind, "id": "id_1"},
    st.sampled_from(["from_the_future", "input_hologram"]),
    st.dictionaries(KEYS, ANYTHING, max_size=4).map(without_numbers_for_texts),
)


def known(rows: Any) -> Any:
    return st.sampled_from(rows).map(lambda row: row.make(CANARY))


PARTS = st.lists(
    st.sampled_from(["input_text", "output_text", "text"]).map(lambda kind: {"type": kind, "text": CANARY}) | UNKNOWN,
    max_size=4,
)
MESSAGES = PARTS.map(lambda parts: {"type": "message", "role": "user", "content": parts})
INPUT = st.lists(known(ITEMS) | UNKNOWN | MESSAGES | st.just(CANARY), max_size=6)
OUTPUT = st.lists(known(OUTPUT_ITEMS) | UNKNOWN | MESSAGES, max_size=6)
REQUEST = st.fixed_dictionaries(
    {"input": INPUT},
    optional={
        "instructions": st.just(CANARY),
        "user": st.just(CANARY),
        "metadata": st.dictionaries(KEYS, st.just(CANARY), max_size=2),
        "prompt": st.fixed_dictionaries({"variables": st.dictionaries(KEYS, st.just(CANARY), max_size=2)}),
    },
)


@settings(max_examples=100)
@given(REQUEST)
def test_every_text_of_a_request_is_found_once(data: dict[str, Any]):
    found = find_in_request(data)
    assert [CANARY in text for text in found.texts].count(True) == count(data)
    assert len({(id(slot.owner), slot.key) for slot in found.slots}) == len(found.slots)


@settings(max_examples=100)
@given(REQUEST)
def test_answering_the_same_changes_nothing(data: dict[str, Any]):
    before = deepcopy(data)
    found = find_in_request(data)
    assert rewrite(found.slots, found.texts) == 0
    assert data == before


@settings(max_examples=100)
@given(REQUEST)
def test_masking_leaves_no_text_of_a_request(data: dict[str, Any]):
    found = find_in_request(data)
    rewrite(found.slots, [text.replace(CANARY, MASKED) for text in found.texts])
    assert count(data) == 0


@settings(max_examples=100)
@given(OUTPUT)
def test_masking_leaves_no_text_of_an_answer(items: list[Any]):
    response = {"id": CANARY, "output": items}
    found = find_in_response(response)
    wanted = count(items)
    assert rewrite(found.slots, [text.replace(CANARY, MASKED) for text in found.texts]) == wanted
    assert count(response["output"]) == 0


@settings(max_examples=100)
@given(REQUEST)
def test_each_answer_comes_back_to_its_own_place(data: dict[str, Any]):
    """Number the texts but names, write the numbers behind them, where annotations still fit, and find them again."""
    found = find_in_request(data)
    numbers = itertools.count()
    plain = [slot for slot in found.slots if slot.kind.value not in {"json", "name"}]
    texts = [f"{slot.text} {next(numbers)}" for slot in plain]
    rewrite(plain, texts)
    again = [slot.text for slot in find_in_request(data).slots if slot.kind.value not in {"json", "name"}]
    assert again == texts
