"""What Claude has run itself is known as the provider's own tool where LiteLLM shows it as a function's call."""

from __future__ import annotations

import json

import pytest

from litellm_bighub.formats.answers.provider_calls import has_been_run, type_of_function
from tests.formats.absent import of_format

chat = of_format("litellm_bighub.formats.chat.calls")
responses = of_format("litellm_bighub.formats.responses.calls")
s = of_format("tests.formats.chat.streams")

KNOWN = [
    ("srvtoolu_1", "web_search", "web_search"),
    ("srvtoolu_1", "bash_code_execution", "code_interpreter"),
    ("srvtoolu_1", "text_editor_code_execution", "code_interpreter"),
    ("srvtoolu_1", "tool_search_tool_regex", "tool_search"),
    ("srvtoolu_1", "web_fetch", "unknown"),
    ("srvtoolu_1", "delete_everything", "function"),
    ("call_1", "web_search", "function"),
    ("", "web_search", "function"),
]


@pytest.mark.parametrize(("call_id", "name", "expected"), KNOWN)
def test_the_type_of_a_call_that_looks_like_one_of_a_function(call_id, name, expected):
    assert type_of_function(call_id, name) == expected
    assert has_been_run(call_id, name) == (expected != "function")


@pytest.mark.format("chat")
@pytest.mark.parametrize(("call_id", "name", "expected"), [known for known in KNOWN if known[0]])
def test_chat_knows_them_whole_and_in_streams(call_id, name, expected):
    function = {"name": name, "arguments": json.dumps({"query": "x"})}
    item = {"id": call_id, "type": "function", "function": function}
    assert chat.read_call(item, "p").type == expected
    driven = s.run([s.role(), s.chunk({"tool_calls": [{"index": 0, **item}]}), s.end()])
    assert [call.type for call in driven.asked.values()] == [expected]


@pytest.mark.format("responses")
@pytest.mark.parametrize(("call_id", "name", "expected"), KNOWN)
def test_responses_know_them(call_id, name, expected):
    item = {"type": "function_call", "call_id": call_id, "name": name, "arguments": "{}"}
    assert responses.read_call(item, "p").type == expected
    assert responses.read_call({**item, "type": "custom_tool_call", "input": "x"}, "p").type == "custom"
