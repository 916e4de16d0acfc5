"""Where the texts of a Messages request and answer are."""

from __future__ import annotations

import base64
import copy
import json

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.messages.texts.texts import TEXTS, find_in_answer, find_in_message, find_in_request
from litellm_bighub.formats.payload.slots import rewrite, slot_of
from tests.formats.messages.texts.test_field_rules import CANARY


def said(block):
    return {"messages": [{"role": "user", "content": [block]}]}


PLACES = {
    "system": {"system": CANARY},
    "system block": {"system": [{"type": "text", "text": CANARY}]},
    "content": {"messages": [{"role": "user", "content": CANARY}]},
    "a bare string among the blocks": {"messages": [{"role": "user", "content": [CANARY]}]},
    "text": said({"type": "text", "text": CANARY}),
    "thinking": said({"type": "thinking", "thinking": CANARY, "signature": "Eq=="}),
    "input": said({"type": "tool_use", "id": "t", "name": "f", "input": {"a": [CANARY]}}),
    "key of an input": said({"type": "tool_use", "name": "f", "input": {CANARY: 1}}),
    "result": said({"type": "tool_result", "tool_use_id": "t", "content": CANARY}),
    "result block": said({"type": "tool_result", "content": [{"type": "text", "text": CANARY}]}),
    "document": said({"type": "document", "source": {"type": "text", "data": CANARY}}),
    "document title": said({"type": "document", "source": {}, "title": CANARY}),
    "document context": said({"type": "document", "source": {}, "context": CANARY}),
    "document block": said(
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": CANARY}]}}
    ),
    "search result": said({"type": "search_result", "source": CANARY, "title": "t", "content": []}),
    "cited text": said({"type": "text", "text": "t", "citations": [{"type": "char_location", "cited_text": CANARY}]}),
    "web search": said({"type": "web_search_tool_result", "content": [{"type": "web_search_result", "title": CANARY}]}),
    "printed": said(
        {"type": "bash_code_execution_tool_result", "content": {"type": "bash_code_execution_result", "stdout": CANARY}}
    ),
    "thinking in redacted thinking": said(
        {"type": "redacted_thinking", "data": base64.b64encode(CANARY.encode()).decode()}
    ),
    "tool's name": {"tools": [{"name": CANARY}]},
    "tool's description": {"tools": [{"name": "f", "description": CANARY}]},
    "parameter's description": {
        "tools": [{"name": "f", "input_schema": {"properties": {"a": {"description": CANARY}}}}]
    },
    "choice": {"tools": [{"name": "f", "input_schema": {"properties": {"a": {"enum": [CANARY]}}}}]},
    "example": {"tools": [{"name": "f", "input_examples": [{"a": CANARY}]}]},
    "chosen tool": {"tool_choice": {"type": "tool", "name": CANARY}},
    "user": {"metadata": {"user_id": CANARY}},
    "stop sequence": {"stop_sequences": [CANARY]},
    "schema": {"output_config": {"format": {"type": "json_schema", "schema": {"description": CANARY}}}},
    "tool server's name": {"mcp_servers": [{"type": "url", "url": "https://x", "name": CANARY}]},
    "a field of the future": {"hints": {"a": [CANARY]}},
    "what is laid over": {"extra_body": {"system": CANARY}},
}


@pytest.mark.parametrize("place", PLACES)
def test_every_text_of_a_blockis_found(place):
    assert any(CANARY in text for text in find_in_request(json.loads(json.dumps(PLACES[place]))).texts)


@pytest.mark.parametrize(
    ("block", "images", "files"),
    [
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}, ["iVBO"], []),
        ({"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}, ["https://x/y.png"], []),
        (
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}},
            [],
            ["JVBE"],
        ),
        ({"type": "document", "source": {"type": "file", "file_id": "file_1"}}, [], ["file_1"]),
    ],
)
def test_images_and_files_are_handed_over(block, images, files):
    found = find_in_request(said(block))
    assert (found.images, found.files, found.texts) == (images, files, [])


def test_enumerations_numbers_and_credentials_are_left_alone():
    request = {
        "model": "claude",
        "max_tokens": 10,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "service_tier": "auto",
        "tool_choice": {"type": "auto"},
        "mcp_servers": [{"type": "url", "url": "https://x", "authorization_token": "t"}],
        "messages": [{"role": "user", "content": "hi"}],
        "litellm_metadata": {"user_api_key_hash": "abc"},
    }
    assert find_in_request(request, unsent=frozenset({"litellm_metadata"})).texts == ["hi"]


def test_roles_out_of_scope_are_left_alone():
    request = {
        "system": "be kind",
        "messages": [{"role": "user", "content": "hi"}, {"role": "system", "content": "calm"}],
    }
    assert find_in_request(request, skip_roles=("system",)).texts == ["hi"]


@pytest.mark.parametrize("messages", ["hi", [1], [None]])
def test_a_conversation_that_is_none_is_refused(messages):
    with pytest.raises(PayloadError, match="messages"):
        find_in_request({"messages": messages})


def test_an_answer_is_found_and_rewritten_in_its_shape():
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [
            {"type": "text", "text": f"a {CANARY}", "citations": [{"type": "page_location", "cited_text": CANARY}]},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": CANARY, "b": 1}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "service_tier": "standard"},
    }
    found = find_in_answer(answer)
    assert found.texts == [f"a {CANARY}", CANARY, CANARY, "f\na\nb"]
    rewrite(found.slots, [text.replace(CANARY, "[X]") for text in found.texts])
    assert CANARY not in json.dumps(answer)
    assert answer["content"][1] == {"type": "tool_use", "id": "t", "name": "f", "input": {"a": "[X]", "b": 1}}


def test_a_rewritten_thinking_block_is_left_out_and_an_unsigned_one_rewritten():
    blocks = [
        {"type": "thinking", "thinking": CANARY, "signature": "EqQB/9=="},
        {"type": "thinking", "thinking": CANARY, "signature": ""},
        {"type": "thinking", "thinking": "calm", "signature": "EqQB/9=="},
    ]
    answer = {"type": "message", "content": [dict(block) for block in blocks]}
    found = find_in_answer(answer)
    rewrite(found.slots, [text.replace(CANARY, "[X]") for text in found.texts])
    assert answer["content"] == [{"type": "thinking", "thinking": "[X]", "signature": ""}, blocks[2]]


def test_a_rewritten_name_is_refused():
    answer = {"type": "message", "content": [{"type": "tool_use", "id": "t", "name": CANARY, "input": {}}]}
    found = find_in_answer(answer)
    with pytest.raises(PayloadError):
        rewrite(found.slots, ["[X]" for _ in found.texts])
    assert answer["content"][0]["name"] == CANARY


def test_a_message_alone():
    assert find_in_message({"role": "user", "content": "hi"}).texts == ["hi"]


CALL = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
BLOCKS = [{"type": "text", "text": "x"}, CALL]


@pytest.mark.parametrize(
    ("items", "root"), [([{"role": "assistant", "content": BLOCKS}], "messages"), (BLOCKS, "content")]
)
def test_calls_are_handed_over(items, root):
    (call,) = TEXTS.calls(items, root)
    assert (call.call_id, call.name, json.loads(call.arguments)) == ("t", "f", {"a": 1})
    assert call.told is not None
    assert call.told.path.endswith("input")
    assert call.named is not None
    assert call.named.path.startswith(root)


def test_no_calls_in_what_is_no_list():
    assert TEXTS.calls("hi", "messages") == ()
    assert TEXTS.calls([{"type": "server_tool_use", "id": "s"}], "content")[0].named is None


@pytest.mark.parametrize("kind", [["tool_use"], {"tool_use": 1}, 7])
def test_a_block_whose_type_is_no_text_is_no_call(kind):
    assert TEXTS.calls([{"type": kind, "name": "n"}], "content") == ()


def test_an_input_that_is_no_json_cannot_be_read():
    with pytest.raises(PayloadError, match=r"content\[0\].input"):
        TEXTS.calls([{"type": "tool_use", "input": {"x": float("nan")}}], "content")


TEXT = {"type": "text", "text": CANARY}


def test_a_request_and_an_answer_of_one_text_take_the_short_way():
    message = {"role": "user", "content": CANARY}
    for lone, path in (
        (TEXTS.lone_in_request({"model": "m", "messages": [message]}), "messages[0].content"),
        (TEXTS.lone_in_answer({"content": [TEXT], "usage": {"input_tokens": 1}}), "content[0].text"),
    ):
        assert lone is not None
        slot = slot_of(*lone)
        assert (slot.text, slot.path) == (CANARY, path)


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        [TEXT, TEXT],
        [{"type": "thinking", "thinking": CANARY}],
        [{**TEXT, "id": {"deep": CANARY}}],
        [{**TEXT, "text": ""}],
    ],
    ids=["null", "none", "two", "a thought", "a text in an id", "empty"],
)
def test_other_answers_take_the_long_way(content):
    assert TEXTS.lone_in_answer({"content": content}) is None


def test_calls_are_found_beside_texts():
    use = {"type": "tool_use", "id": "t", "name": "mail", "input": {"to": CANARY}}
    assert [each.call_id for each in TEXTS.calls([TEXT, use], "content")] == ["t"]
    assert TEXTS.calls([{"role": "user", "content": CANARY}], "messages") == ()
    assert [each.call_id for each in TEXTS.calls([{"role": "user", "content": [TEXT, use]}], "messages")] == ["t"]


class Unlike(dict[str, object]):
    """A dict to all who read it. A list that holds one beside dicts is no list of equal elements."""


BLOCKS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "text", "text", "new"]), "text": st.sampled_from(["", "a", "b"])},
        optional={"citations": st.none(), "title": st.just("c")},
    )
    | st.builds(lambda said: {"type": "text", "text": said}, st.sampled_from("ab")),
    min_size=1,
    max_size=4,
)


@given(BLOCKS, st.sampled_from([None, "stop"]))
def test_equal_blocks_are_found_as_unlike_ones_are(blocks, stop):
    unlike = copy.deepcopy(blocks)
    unlike[0] = Unlike(unlike[0])
    outcomes = []
    for content in (blocks, unlike):
        answer = {"type": "message", "content": content, "stop_sequence": stop}
        found = find_in_answer(answer)
        seen = [(slot.text, slot.path, slot.kind) for slot in find_in_answer(answer).slots]
        if "title" not in str(found.texts):
            found.rewrite([text.upper() for text in found.texts])
        outcomes.append((seen, found.texts, answer))
    assert outcomes[0] == outcomes[1]
