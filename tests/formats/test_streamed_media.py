"""Images and files of a stream leave after a guardrail was handed them, and what it makes of them is sent."""

from __future__ import annotations

import base64
from functools import partial

import pytest

from litellm_bighub.errors import GateError, PayloadError
from litellm_bighub.formats.registry import format_named, texts_of
from litellm_bighub.formats.stream.gate_protocol import Release
from litellm_bighub.formats.stream.text_gate import Scan
from litellm_bighub.formats.stream.text_part import Window

PNG, JPEG = "QUJD", "REVG"
REDACTED = f"data:image/jpeg;base64,{JPEG}"
SECRET, MASKED = (base64.b64encode(said.encode()).decode() for said in ("mail bob@example.com", "mail [EMAIL]"))


def chunk(delta, finish=None):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def chat(head, data, **more):
    image = {"type": "image_url", "index": 0, "image_url": {"url": f"{head}{data}"}}
    return [chunk({"role": "assistant", "images": [image], **more}), chunk({"content": "hi"}), chunk({}, "stop")]


def parts(head, data):
    image = {"type": "image_url", "image_url": {"url": f"{head}{data}"}}
    return [chunk({"content": [{"type": "text", "text": "hi"}, image]}), chunk({}, "stop")]


def begun(_, data):
    event = {"type": "response.image_generation_call.partial_image", "item_id": "i", "output_index": 0}
    return [{**event, "partial_image_index": 0, "partial_image_b64": data}]


def item(_, data):
    made = {"type": "image_generation_call", "id": "i", "status": "completed", "result": data}
    response = {"id": "r", "object": "response", "status": "completed", "output": [made]}
    done = {"type": "response.output_item.done", "output_index": 0, "item": made}
    return [done, {"type": "response.completed", "response": response}]


def block(head, data):
    source = {"type": "base64", "media_type": head[5:].partition(";")[0], "data": data}
    started = {"type": "content_block_start", "index": 0, "content_block": {"type": "image", "source": source}}
    return [started, {"type": "content_block_stop", "index": 0}, {"type": "message_stop"}]


STREAMS = {
    "chat": ("chat", chat),
    "chat, in its content": ("chat", parts),
    "responses, a partial image": ("responses", begun),
    "responses, an item": ("responses", item),
    "messages": ("messages", block),
}


def left(case, head, data, answer):
    """What leaves, and everything that was asked about."""
    name, make = STREAMS[case]
    gate, out, asked = texts_of(format_named(name)).gate(Window()), [], []

    def settle(step):
        while isinstance(step, Scan):
            asked.extend((step.texts, step.images, step.files))
            assert data not in str(out) or not (step.images or step.files)
            step = gate.answer([*map(answer, step.texts), *map(answer, step.images), *map(answer, step.files)])
        out.extend(step.events if isinstance(step, Release) else ())

    for event in make(head, data):
        settle(gate.feed(event))
    settle(gate.finish())
    return out, asked


@pytest.mark.parametrize("case", STREAMS)
def test_an_image_is_handed_over_before_it_leaves(case):
    out, asked = left(case, "data:image/png;base64,", PNG, str)
    images = [image for told in asked[1::3] for image in told]
    assert [image.rpartition(",")[2] for image in images] == [PNG]
    assert str(out).count(PNG) == str(STREAMS[case][1]("", PNG)).count(PNG)


@pytest.mark.parametrize("case", STREAMS)
def test_a_redacted_image_takes_its_place(case):
    out, _ = left(case, "data:image/png;base64,", PNG, lambda told: REDACTED if told.endswith(PNG) else told)
    assert PNG not in str(out)
    assert str(out).count(JPEG) == str(STREAMS[case][1]("", PNG)).count(PNG)


@pytest.mark.parametrize("case", STREAMS)
def test_what_is_no_image_takes_no_images_place(case):
    with pytest.raises(PayloadError, match="cannot stand there"):
        left(case, "data:image/png;base64,", PNG, lambda told: "[removed]" if told.endswith(PNG) else told)


@pytest.mark.format("chat")
def test_a_secret_that_is_cut_around_an_image_is_one_text():
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    said = [{"type": "text", "text": "mail bob@ex"}, image], [{"type": "text", "text": "ample.com"}]
    gate, asked = texts_of(format_named("chat")).gate(Window()), []
    for step in (*(partial(gate.feed, chunk({"content": parts})) for parts in said), gate.finish):
        told = step()
        while isinstance(told, Scan):
            asked += told.texts
            told = gate.answer([*told.texts, *told.images])
    assert any("bob@example.com" in text for text in asked)


@pytest.mark.format("chat")
@pytest.mark.parametrize("case", ["chat", "chat, in its content"])
def test_a_picture_that_holds_a_text_stays_a_picture(case):
    out, asked = left(
        case, "data:image/svg+xml;base64,", SECRET, lambda told: told.replace("bob@example.com", "[EMAIL]")
    )
    assert any("mail bob@example.com" in texts for texts in asked[::3])
    assert f"data:image/svg+xml;base64,{MASKED}" in str(out)
    assert SECRET not in str(out)


@pytest.mark.parametrize("case", STREAMS)
def test_whoever_answers_about_texts_alone_lets_no_image_leave(case):
    name, make = STREAMS[case]
    gate = texts_of(format_named(name)).gate(Window())
    steps = (gate.feed(event) for event in make("data:image/png;base64,", PNG))
    asked = next(step for step in steps if isinstance(step, Scan) and step.images)
    with pytest.raises(GateError, match="is answered with"):
        gate.answer(asked.texts)


UNKNOWN = {
    "chat": [chunk({"content": "hi"}), chunk({"later": f"data:text/csv;base64,{SECRET}"}), chunk({}, "stop")],
    "chat, of several": [chunk({"content": "hi", "later": f"data:text/csv;base64,{SECRET}"}), chunk({}, "stop")],
}


def of_unknown(case, answer):
    """What leaves of a stream whose unknown field is a file, and the texts that were asked about."""
    gate, out, asked = texts_of(format_named("chat")).gate(Window()), [], []
    for step in (*(partial(gate.feed, event) for event in UNKNOWN[case]), gate.finish):
        told = step()
        while isinstance(told, Scan):
            asked += [*told.texts, *told.files]
            told = gate.answer([*map(answer, told.texts), *told.images, *told.files])
        out += told.events if isinstance(told, Release) else []
    return str(out), asked


@pytest.mark.format("chat")
@pytest.mark.parametrize("case", UNKNOWN)
def test_a_file_in_an_unknown_field_is_read_before_it_leaves(case):
    out, asked = of_unknown(case, lambda told: told.replace("bob@example.com", "[EMAIL]"))
    assert "mail bob@example.com" in asked
    assert f"data:text/csv;base64,{SECRET}" in asked
    assert MASKED in out
    assert SECRET not in out


@pytest.mark.format("chat")
@pytest.mark.parametrize("case", UNKNOWN)
def test_what_is_rewritten_as_a_text_and_as_a_file_does_not_leave(case):
    with pytest.raises(PayloadError, match="both a text and a file"):
        of_unknown(case, lambda told: told.replace("bob@example.com", "[EMAIL]").replace("csv", "plain"))
