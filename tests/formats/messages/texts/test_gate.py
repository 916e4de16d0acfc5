"""The texts of a Messages stream, cut anywhere: nothing leaves unscanned, and clients read what a whole answer says."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.errors import PayloadError, UnreadableAnswerError
from litellm_bighub.formats.messages.texts.gate import MessagesTextGate
from litellm_bighub.formats.stream.gate_protocol import Hold, Release
from litellm_bighub.formats.stream.text_gate import Scan
from litellm_bighub.formats.stream.text_part import WholeText, Window
from tests.formats.messages.streams import STOP, joined, message_delta, message_start, read, sse

SECRET = "sk-12345"
MODES = [WholeText(), Window(size=32, overlap=16, context=8), Window()]
SIGNATURE = "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pk/="


def start(blocks=()):
    event = message_start()
    event["message"]["content"] = list(blocks)
    return event


def end(reason="end_turn"):
    return [message_delta(reason), STOP]


def block(index, begins, *deltas):
    return [
        {"type": "content_block_start", "index": index, "content_block": begins},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text_block(index, *pieces):
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": piece} for piece in pieces))


def thinking_block(index, *pieces, signature=SIGNATURE):
    deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    signed = [{"type": "signature_delta", "signature": signature}] if signature else []
    return block(index, {"type": "thinking", "thinking": "", "signature": ""}, *deltas, *signed)


def call_block(index, *pieces, kind="tool_use"):
    begins = {"type": kind, "id": f"toolu_{index}", "name": "web_search", "input": {}}
    return block(index, begins, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces))


def mask(text):
    return text.replace(SECRET, "[KEY]")


def drive(gate, chunks, check=mask, asked=None):
    def settled(step):
        while isinstance(step, Scan):
            if asked is not None:
                asked.extend(step.texts)
            step = gate.answer([*map(check, step.texts), *step.images, *step.files])
        return step.events if isinstance(step, Release) else ()

    for chunk in chunks:
        yield from settled(gate.feed(chunk))
    yield from settled(gate.finish())


def events_of(released):
    return read(b"".join(released))


def read_by_client(released):
    """The content as Anthropic's own client puts it together."""
    return joined(events_of(released))["content"]


def masked(content):
    """What a client has to read: texts rewritten, signed thoughts that were rewritten left out."""
    told = [each for each in content if not (each.get("signature") and SECRET in each.get("thinking", ""))]
    return json.loads(mask(json.dumps(told)))


@st.composite
def cut(draw, text):
    """A text in pieces."""
    at = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[one:other] for one, other in zip([0, *at], [*at, len(text)], strict=True)]


@st.composite
def streams(draw):
    """Blocks of all kinds, with the secret anywhere in them."""
    texts = st.sampled_from(["", "hello ", SECRET, f"my {SECRET}.", "x" * 40 + SECRET + " " * 30, "sk-1", "2345 a"])
    events = [start()]
    for index in range(draw(st.integers(0, 4))):
        said = "".join(draw(st.lists(texts, max_size=3)))
        kind = draw(st.sampled_from(["text", "thinking", "unsigned", "call", "server", "cited", "result"]))
        match kind:
            case "text":
                events += text_block(index, *draw(cut(said)))
            case "thinking" | "unsigned":
                events += thinking_block(index, *draw(cut(said)), signature=SIGNATURE if kind == "thinking" else "")
            case "call" | "server":
                arguments = json.dumps({"a": said, "b": [1, said]})
                if draw(st.booleans()):
                    arguments = arguments.replace("sk-", "\\u0073k-")
                called = "tool_use" if kind == "call" else "server_tool_use"
                events += call_block(index, *draw(cut(arguments)), kind=called)
            case "cited":
                citation = {"type": "char_location", "cited_text": said, "document_index": 0}
                citation |= {"document_title": said, "start_char_index": 0, "end_char_index": 1}
                deltas = [{"type": "text_delta", "text": said}, {"type": "citations_delta", "citation": citation}]
                events += block(index, {"type": "text", "text": ""}, *deltas)
            case _:
                page = {"type": "web_search_result", "title": said, "url": "https://x", "encrypted_content": "\u1234"}
                events += block(index, {"type": "web_search_tool_result", "tool_use_id": "s", "content": [page]})
        if draw(st.booleans()):
            events.append({"type": "ping"})
    return [*events, *end()]


@given(streams(), st.sampled_from(MODES), st.data())
def test_wherever_a_stream_is_cut_its_client_reads_the_checked_answer(events, mode, data):
    raw = sse(*events)
    at = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    chunks = [raw[one:other] for one, other in zip([0, *at], [*at, len(raw)], strict=True)]
    released = list(drive(MessagesTextGate(mode), chunks))
    assert SECRET not in json.dumps(events_of(released))
    assert read_by_client(released) == masked(read_by_client([raw]))


@given(streams(), st.sampled_from(MODES))
def test_what_nobody_rewrites_leaves_byte_for_byte(events, mode):
    frames = [sse(event) for event in events]
    released = list(drive(MessagesTextGate(mode), frames, check=lambda text: text))
    kept = [frame for frame in released if b"content_block_delta" not in frame]
    assert [frame for frame in kept if b"ping" not in frame] == [
        frame for frame in frames if b"content_block_delta" not in frame and b"ping" not in frame
    ]
    assert read_by_client(released) == read_by_client(frames)


def test_text_flows_before_it_ends():
    gate = MessagesTextGate(Window(size=32, overlap=16))
    events = [start(), *text_block(0, *["word "] * 20)][:12]
    released = [each for event in events for each in _stepped(gate, gate.feed(sse(event)))]
    said = "".join(event["delta"]["text"] for event in events_of(released) if event["type"] == "content_block_delta")
    assert said == "word " * 3


def _stepped(gate, step):
    while isinstance(step, Scan):
        step = gate.answer(step.texts)
    return step.events if isinstance(step, Release) else ()


def test_a_ping_overtakes_what_is_held_but_never_the_beginning():
    gate = MessagesTextGate(WholeText())
    ping = sse({"type": "ping"})
    assert gate.feed(ping + sse(start())) == Release((sse(start()), ping))
    assert isinstance(gate.feed(sse(*text_block(0, "held")[:2])), Release)
    assert gate.feed(ping) == Release((ping,))
    assert gate.feed(b": still here\n\n") == Release((b": still here\n\n",))


def test_blocks_behind_one_that_is_left_out_move_up():
    events = [start(), *thinking_block(0, "my sk-1", "2345"), *text_block(1, "hi"), *thinking_block(2, "ok"), *end()]
    released = list(drive(MessagesTextGate(), [sse(*events)]))
    told = [event["index"] for event in events_of(released) if "index" in event]
    assert told == [0, 0, 0, 1, 1, 1, 1]
    assert [each["type"] for each in read_by_client(released)] == ["text", "thinking"]


def test_two_blocks_at_once_are_told_apart():
    one, other = text_block(0, "a sk-1", "2345"), text_block(1, "b sk-1", "2345")
    woven = [each for pair in zip(one, other, strict=True) for each in pair]
    released = list(drive(MessagesTextGate(), [sse(start(), *woven, *end())]))
    assert [each["text"] for each in read_by_client(released)] == ["a [KEY]", "b [KEY]"]


def test_thoughts_of_two_blocks_at_once():
    one, other = thinking_block(0, "sk-1", "2345"), thinking_block(1, "fine", "!")
    woven = [each for pair in zip(one, other, strict=True) for each in pair]
    released = list(drive(MessagesTextGate(), [sse(start(), *woven, *end())]))
    assert [each["thinking"] for each in read_by_client(released)] == ["fine!"]


@pytest.mark.parametrize("secret", [SECRET, "calm"])
def test_a_thought_that_never_ends_leaves_checked(secret):
    events = [start(), *thinking_block(0, secret)[:-1]]
    released = list(drive(MessagesTextGate(), [sse(*events)]))
    assert (b"calm" in b"".join(released)) is (secret == "calm")
    assert SECRET.encode() not in b"".join(released)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "error": {"type": "api_error", "message": f"said {SECRET}"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "compaction_delta", "content": SECRET}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "new_delta", "hint": SECRET}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "new_delta", "hints": [{"a": SECRET}]}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x", "note": SECRET}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}, "note": SECRET},
        {"type": "content_block_delta", "index": 0, "delta": SECRET},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": SECRET}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "input": {"a": SECRET}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}, "note": SECRET},
        {"type": "content_block_stop", "index": 0, "note": SECRET},
        {"type": "message_delta", "delta": {"stop_reason": "stop_sequence", "stop_sequence": SECRET}},
        {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": {"explanation": SECRET}}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": SECRET}},
        {"type": "from_the_future", "words": [{"deep": SECRET}]},
        start([{"type": "text", "text": SECRET}]),
    ],
    ids=lambda event: json.dumps(event)[:90],
)
def test_whatever_tells_it_it_is_found(event):
    asked = []
    released = list(drive(MessagesTextGate(), [sse(start(), event, *end())], asked=asked))
    assert any(SECRET in text for text in asked)
    assert SECRET.encode() not in b"".join(released)


def test_two_texts_of_one_delta_are_joined_each_for_itself():
    deltas = [{"type": "new_delta", "hint": hint, "note": "n"} for hint in ("sk-1", "2345")]
    asked = []
    released = list(drive(MessagesTextGate(), [sse(start(), *block(0, {"type": "new"}, *deltas), *end())], asked=asked))
    assert SECRET in asked
    assert b"2345" not in b"".join(released)


@pytest.mark.parametrize("name", [SECRET])
def test_a_rewritten_name_ends_the_stream(name):
    gate = MessagesTextGate()
    begins = {"type": "tool_use", "id": "t", "name": name, "input": {}}
    with pytest.raises(PayloadError):
        list(drive(gate, [sse(start(), *block(0, begins), *end("tool_use"))]))


def test_arguments_that_are_no_json_any_more_end_the_stream():
    gate = MessagesTextGate()
    with pytest.raises(PayloadError):
        list(drive(gate, [sse(start(), *call_block(0, '{"a": "sk-12345"}'))], check=lambda text: text.replace('"', "")))


def test_a_frame_that_two_clients_read_differently_is_refused():
    with pytest.raises(UnreadableAnswerError):
        MessagesTextGate().feed(b"data: {}\ndata: {}\n\n")


@pytest.mark.parametrize("form", ["dicts", "texts"])
def test_events_leave_in_the_form_in_which_they_came(form):
    events = [start(), *text_block(0, "a sk-1", "2345"), *end()]
    chunks = events if form == "dicts" else [sse(*events).decode()]
    released = list(drive(MessagesTextGate(), chunks))
    assert {type(each) for each in released} == {dict if form == "dicts" else str}
    assert released[0] == (events[0] if form == "dicts" else sse(events[0]).decode())


def test_what_stays_behind_the_last_blank_line_is_scanned():
    released = list(drive(MessagesTextGate(), [sse(start(), *text_block(0, SECRET)).rstrip(b"\n"), b""]))
    assert SECRET.encode() not in b"".join(released)


def test_holding_says_so():
    gate = MessagesTextGate(WholeText())
    gate.feed(sse(start()))
    gate.feed(sse(text_block(0, "x")[0]))
    assert gate.feed(sse(text_block(0, "held")[1])) == Hold()


def test_many_thoughts_behind_one_that_never_ends_are_left_out_at_once():
    events = [start(), thinking_block(0, "fine")[0]]
    events += [event for index in range(1, 40) for event in thinking_block(index, SECRET if index % 3 else "ok")]
    released = list(drive(MessagesTextGate(), [sse(event) for event in [*events, *end()]]))
    assert [each["thinking"] for each in read_by_client(released)] == ["", *["ok"] * 13]
