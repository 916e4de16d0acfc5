"""By what reasoning is known again, and which of it a provider would refuse."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.domain.call import ReasoningMark
from litellm_bighub.formats.responses.reasoning_items import is_reasoning, orphans, reasoning_mark

THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": []}
USER = {"role": "user", "content": "and now?"}


@pytest.mark.parametrize(
    ("item", "mark"),
    [
        pytest.param(THOUGHT, ReasoningMark("rs_1"), id="its id"),
        pytest.param({"type": "reasoning", "summary": [{"text": "hm"}]}, ReasoningMark(), id="a summary is no mark"),
        pytest.param({"type": "item_reference", "id": "rs_1"}, ReasoningMark("rs_1"), id="a reference"),
        pytest.param({"id": "rs_1"}, ReasoningMark("rs_1"), id="a reference without a type"),
        pytest.param({"id": "msg_1", "role": "assistant"}, ReasoningMark(), id="a message"),
        pytest.param({"type": "function_call", "id": "fc_1"}, ReasoningMark(), id="a call"),
        pytest.param("text", ReasoningMark(), id="no item"),
    ],
)
def test_a_mark_names_one_reasoning_item(item, mark):
    assert reasoning_mark(item) == mark
    assert bool(mark) == bool(mark.id)


@given(st.text(min_size=1), st.text(alphabet="ab="))
def test_encrypted_content_is_known_without_an_id_and_however_litellm_wraps_it(content, model):
    bare = reasoning_mark({"type": "reasoning", "encrypted_content": content})
    wrapped = reasoning_mark({"type": "reasoning", "encrypted_content": f"litellm_enc:{model};{content}"})
    assert bare
    assert not bare.id
    assert content.startswith("litellm_enc:") or wrapped == bare
    assert bare != reasoning_mark({"type": "reasoning", "encrypted_content": f"{content}x"})


@pytest.mark.parametrize(
    ("items", "places"),
    [
        pytest.param([THOUGHT, USER], {0}, id="before the user"),
        pytest.param([THOUGHT, THOUGHT], {0, 1}, id="at the end"),
        pytest.param([THOUGHT, {"type": "message", "role": "assistant", "id": "msg_bighub_1"}], {0}, id="a notice"),
        pytest.param([THOUGHT, {"type": "function_call_output"}], {0}, id="an output"),
        pytest.param([THOUGHT, {"type": "function_call"}], set(), id="a call"),
        pytest.param([THOUGHT, {"role": "assistant", "content": "hi"}], set(), id="a message"),
    ],
)
def test_orphans_are_what_nothing_of_the_model_follows(items, places):
    assert orphans(items) == places


def test_a_reference_is_no_reasoning_itself():
    assert is_reasoning(THOUGHT)
    assert not is_reasoning({"type": "item_reference", "id": "rs_1"})
