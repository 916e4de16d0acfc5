"""The text of a file in a request or an answer is found, and what a guardrail makes of it is sent in its place."""

from __future__ import annotations

import base64
import copy
from functools import partial

import pytest

from litellm_bighub.formats.registry import format_named, texts_of
from litellm_bighub.formats.stream.gate_protocol import Release
from litellm_bighub.formats.stream.text_gate import Scan
from litellm_bighub.formats.stream.text_part import WholeText

SECRET, MASKED = "mail bob@example.com", "mail [EMAIL]"
DATA, MASKED_DATA = (base64.b64encode(text.encode()).decode() for text in (SECRET, MASKED))
URL, MASKED_URL = f"data:text/plain;base64,{DATA}", f"data:text/plain;base64,{MASKED_DATA}"


def chat(part):
    return {"messages": [{"role": "user", "content": [part]}]}


def responses(part):
    return {"input": [{"role": "user", "content": [part]}]}


def output(part):
    return {"input": [{"type": "function_call_output", "call_id": "c", "output": [part]}]}


def messages(source):
    return chat({"type": "document", "title": "t", "source": source})


def result(source):
    document = {"type": "document", "source": source}
    return chat({"type": "tool_result", "tool_use_id": "t", "content": [document]})


CASES = {
    "chat file": ("chat", chat({"type": "file", "file": {"file_data": URL, "filename": "a.txt"}})),
    "chat bare": ("chat", chat({"type": "file", "file": {"file_data": DATA}})),
    "chat image": ("chat", chat({"type": "image_url", "image_url": {"url": URL}})),
    "responses file": ("responses", responses({"type": "input_file", "file_data": URL, "filename": "a.txt"})),
    "responses bare": ("responses", responses({"type": "input_file", "file_data": DATA})),
    "responses url": ("responses", responses({"type": "input_file", "file_url": URL})),
    "responses image": ("responses", responses({"type": "input_image", "image_url": URL})),
    "responses output": ("responses", output({"type": "input_file", "file_data": URL})),
    "messages base64": ("messages", messages({"type": "base64", "media_type": "text/plain", "data": DATA})),
    "messages text": ("messages", messages({"type": "text", "media_type": "text/plain", "data": SECRET})),
    "messages url": ("messages", messages({"type": "url", "url": URL})),
    "messages result": ("messages", result({"type": "base64", "media_type": "text/csv", "data": DATA})),
}


@pytest.mark.parametrize("case", CASES)
def test_the_text_of_a_file_is_found_and_rewritten(case):
    name, request = CASES[case]
    request = copy.deepcopy(request)
    found = texts_of(format_named(name)).in_request(request)
    texts = found.texts
    assert SECRET in texts
    assert not found.files
    assert not found.images
    found.rewrite([text.replace("bob@example.com", "[EMAIL]") for text in texts])
    sent = str(request)
    assert MASKED_DATA in sent or MASKED in sent
    assert DATA not in sent
    assert SECRET not in sent


@pytest.mark.format("chat")
def test_a_file_that_holds_no_text_is_handed_over_as_one():
    part = {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{DATA}"}}
    found = texts_of(format_named("chat")).in_request(chat(part))
    assert found.files == [part["file"]["file_data"]]


def items(item):
    """The last events of a Responses stream that tells this item, and the whole answer."""
    response = {"id": "r", "object": "response", "status": "completed", "output": [item]}
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}
    return response, [done, {"type": "response.completed", "response": copy.deepcopy(response)}]


def block(source):
    """A Messages answer with a document, whole and streamed."""
    document = {"type": "document", "source": source}
    started = {"type": "content_block_start", "index": 0, "content_block": copy.deepcopy(document)}
    ended = [{"type": "content_block_stop", "index": 0}, {"type": "message_stop"}]
    return {"id": "m", "type": "message", "role": "assistant", "content": [document]}, [started, *ended]


PART = {"type": "input_file", "filename": "a.txt", "file_data": URL}
ANSWERS = {
    "responses message": ("responses", items({"type": "message", "id": "m", "role": "assistant", "content": [PART]})),
    "responses output": ("responses", items({"type": "function_call_output", "call_id": "c", "output": [PART]})),
    "responses picture": ("responses", items({"type": "image_generation_call", "id": "i", "result": URL})),
    "messages document": ("messages", block({"type": "base64", "media_type": "text/plain", "data": DATA})),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_the_text_of_a_file_in_an_answer_is_found_and_rewritten(case):
    name, (answer, _) = ANSWERS[case]
    answer = copy.deepcopy(answer)
    found = texts_of(format_named(name)).in_answer(answer)
    assert SECRET in found.texts
    found.rewrite([MASKED if text == SECRET else text for text in found.texts])
    assert MASKED_DATA in str(answer)
    assert DATA not in str(answer)


@pytest.mark.parametrize("case", ANSWERS)
def test_the_text_of_a_file_in_a_stream_is_found_and_rewritten(case):
    name, (_, events) = ANSWERS[case]
    gate = texts_of(format_named(name)).gate(WholeText())
    left, scanned = [], set()
    for step in (*(partial(gate.feed, event) for event in copy.deepcopy(events)), gate.finish):
        said = step()
        while isinstance(said, Scan):
            scanned.update(said.texts)
            said = gate.answer([MASKED if text == SECRET else text for text in said.texts])
        left += said.events if isinstance(said, Release) else ()
    assert SECRET in scanned
    assert len(left) == len(events)
    assert str(left).count(MASKED_DATA) == str(events).count(DATA)
    assert DATA not in str(left)
