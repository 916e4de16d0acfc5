"""The text gate, one behaviour at a time."""

from __future__ import annotations

import json
import re

import pytest

from litellm_bighub.errors import GateError, PayloadError
from litellm_bighub.formats.responses.texts.texts import text_gate
from litellm_bighub.formats.stream.gate_protocol import Hold, Release
from litellm_bighub.formats.stream.text_gate import Scan, TextGateState
from litellm_bighub.formats.stream.text_part import WholeText, Window
from tests.formats.responses.streams import EVENT
from tests.formats.responses.text_streams import (
    added,
    asked,
    call,
    done,
    drive,
    envelope,
    joined,
    message,
    numbered,
    reasoning,
    refusal,
    shell_call,
    shell_output,
    stream,
    web_search,
)

SECRET = "sk-12345"
MODES = [WholeText(), Window(size=32, overlap=16, context=8), Window(), Window(sentences=True)]
STREAMS = {
    "output text": (message(0, ["my ", "sk-", "12345", " key"]), "output_text", "delta"),
    "refusal": (refusal(0, "not ", "sk-1", "2345"), "refusal", "delta"),
    "reasoning": (reasoning(0, "s", "k-12345", " or not"), "reasoning_summary_text", "delta"),
    "arguments": (call(0, "function_call", '{"key":"sk', '-12345"}'), "function_call_arguments", "delta"),
    "mcp": (call(0, "mcp_call", '{"key":"sk', '-12345"}'), "mcp_call_arguments", "delta"),
    "input": (call(0, "custom_tool_call", "echo sk", "-12345"), "custom_tool_call_input", "delta"),
    "code": (call(0, "code_interpreter_call", "k = sk", "-12345"), "code_interpreter_call_code", "delta"),
    "command": (shell_call(0, ["echo sk-1", "2345"]), "shell_call_command", "delta"),
    "commands": (shell_call(0, ["echo sk-1", "2345"], ["l", "s"]), "shell_call_command", "delta"),
}


def mask(text: str) -> str:
    return text.replace(SECRET, "[KEY]")


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("name", STREAMS)
def test_a_secret_leaves_nowhere(name, mode):
    told, event_type, _ = STREAMS[name]
    sent = stream(told)
    released = list(drive(text_gate(mode=mode), sent, asked(mask)))
    assert released[-1]["response"]["output"] == [json.loads(mask(json.dumps(told.item)))]
    assert SECRET not in json.dumps(released)
    deltas = joined(released, f"response.{event_type}.delta")
    assert deltas == mask(joined(sent, f"response.{event_type}.delta"))
    assert [event["sequence_number"] for event in released] == list(range(len(released)))


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("name", STREAMS)
def test_unchanged_events_leave_as_themselves(name, mode):
    sent = stream(STREAMS[name][0], web_search(1, "weather"))
    released = list(drive(text_gate(mode=mode), sent, asked()))
    assert all(one is other for one, other in zip(sent, released, strict=True))


def test_text_flows_before_it_ends():
    gate = text_gate(mode=Window(size=32, overlap=16))
    sent = message(0, ["word "] * 20).events
    released = [event for event in sent[:12] for step in [gate.feed(event)] for event in _answered(gate, step)]
    assert joined(released, "response.output_text.delta") == "word " * 3


@pytest.mark.parametrize(
    ("pieces", "left"),
    [
        (["Good", " morning", ".", " How"], "Good morning."),
        (["He said “no.”", " Then"], "He said “no.”"),
        (["One. Two! Three? Four"], "One. Two! Three?"),
        (["- one\n- two"], "- one\n"),
        (["你好。", "我"], "你好。"),
        (["It is. ", "So"], "It is. "),
        (["It is.", " So"], "It is."),
        (["It costs 3.", "50 at example.", "com"], ""),
        (["The end", "."], ""),
    ],
)
def test_a_sentence_leaves_when_it_has_ended(pieces, left):
    gate = text_gate(mode=Window(sentences=True))
    sent = message(0, pieces).events[: 2 + len(pieces)]
    released = [event for event in sent for step in [gate.feed(event)] for event in _answered(gate, step)]
    assert joined(released, "response.output_text.delta") == left


def test_a_secret_within_one_sentence_never_leaves_however_long_it_is():
    """The next sentence tells it again, begun in the delta that ends this one."""
    secret = "key-" + "0123456789" * 20
    pieces = [f"It is {secret[:100]}", f"{secret[100:]}. It is ", f"{secret}! ", "Bye."]
    released = list(
        drive(
            text_gate(mode=Window(size=256, overlap=16, sentences=True)),
            stream(message(0, pieces)),
            asked(lambda text: re.sub(r"key-\d{200}", "[KEY]", text)),
        )
    )
    assert "0123" not in json.dumps(released)
    assert joined(released, "response.output_text.delta") == "It is [KEY]. It is [KEY]! Bye."


def _answered(gate, step):
    if isinstance(step, Scan):
        step = gate.answer(step.texts)
    return step.events if isinstance(step, Release) else ()


def test_each_text_is_scanned_once():
    told = message(0, ["hello"])
    check = asked()
    list(drive(text_gate(), stream(told, web_search(1, "weather"), web_search(2, "weather")), check))
    assert check.texts == ["hello", "weather"]


@pytest.mark.lesson("reasoning, answer and arguments are scanned as one text")
def test_parts_are_never_joined():
    check = asked()
    list(drive(text_gate(), stream(message(0, ["4111 1111 "], ["1111 1111"]), refusal(1, "no")), check))
    assert check.texts == ["4111 1111 ", "1111 1111", "no"]


def test_texts_of_other_items_are_rewritten():
    released = list(drive(text_gate(), stream(web_search(0, f"who owns {SECRET}")), asked(mask)))
    assert SECRET not in json.dumps(released)
    assert released[-2]["item"]["action"]["query"] == "who owns [KEY]"
    assert released[-1]["response"]["output"][0]["action"]["query"] == "who owns [KEY]"


def test_events_are_never_written_to():
    sent = stream(message(0, [f"my {SECRET}"]), web_search(1, SECRET))
    before = json.dumps(sent)
    list(drive(text_gate(), sent, asked(mask)))
    assert json.dumps(sent) == before


def test_a_rewrite_drops_what_no_longer_fits():
    notes = [
        {"type": "url_citation", "start_index": 0, "end_index": 2, "url": "https://a", "title": "fits"},
        {"type": "url_citation", "start_index": 3, "end_index": 20, "url": "https://b", "title": "does not"},
        {"type": "file_citation", "index": 1, "file_id": "f", "filename": SECRET},
    ]
    released = list(
        drive(text_gate(), stream(message(0, ["my sk-12345", " is a key"], annotations=notes)), asked(mask))
    )
    told = [event["annotation"] for event in released if event["type"].endswith("annotation.added")]
    assert told == [notes[0], {**notes[2], "filename": "[KEY]"}]
    assert released[-1]["response"]["output"][0]["content"][0]["annotations"] == told


def test_log_probabilities_of_a_rewritten_text_are_dropped():
    told = message(0, ["fine ", SECRET])
    for event in told.events:
        if "logprobs" in event:
            event["logprobs"] = [{"token": "t", "logprob": 0.0}]
    released = list(drive(text_gate(), stream(told), asked(mask)))
    told_probabilities = {
        event.get("delta", event.get("text")): event["logprobs"] for event in released if "logprobs" in event
    }
    assert told_probabilities == {"fine ": [], "[KEY]": [], "fine [KEY]": []}


def test_log_probabilities_are_checked_and_told_with_the_whole_text():
    told = message(0, ["fine ", "day"])
    said = [{"token": "day", "logprob": 0.0, "top_logprobs": [{"token": "night", "logprob": -1.0}]}]
    for event in told.events:
        if "logprobs" in event:
            event |= {"logprobs": said, "obfuscation": "aB3"}
    seen: list[str] = []
    released = list(drive(text_gate(), stream(told), asked(lambda text: seen.append(text) or text)))
    assert [event["logprobs"] for event in released if "logprobs" in event] == [[], [], said]
    assert "day\nnight" in seen
    assert not any(event.get("obfuscation") for event in released)


def test_rewritten_arguments_stay_json():
    gate = text_gate()
    sent = call(0, "function_call", '{"a":', "1}").events
    for event in sent[:-1]:
        gate.feed(event)
    asked = gate.feed(sent[-1])
    assert asked == Scan(('{"a":1}', sent[-1]["item"]["name"]), (sent[-1]["item"],))
    with pytest.raises(PayloadError, match=r"output\[0\]\.arguments"):
        gate.answer(["{", asked.texts[1]])
    assert (
        joined(gate.answer(['{"a":2}', asked.texts[1]]).events[:-1], "response.function_call_arguments.delta")
        == '{"a":2}'
    )


def test_a_cut_stream_is_scanned_to_its_end():
    sent = stream(message(0, ["my ", SECRET, " is"]))[:5]
    gate = text_gate()
    released = [event for event in sent for event in _answered(gate, gate.feed(event))]
    assert joined(released, "response.output_text.delta") == ""
    assert gate.finish() == Scan(("my sk-12345",))
    assert joined(gate.answer(["my [KEY]"]).events, "response.output_text.delta") == "my [KEY]"
    assert gate.state is TextGateState.FINISHED


def test_text_of_an_earlier_item_overtakes_a_held_call():
    first, second = message(0, ["one"]), call(1, "function_call", "{", "}")
    gate = text_gate()
    order = [*first.events[:3], *second.events[:2], *first.events[3:], *second.events[2:]]
    released = [list(_answered(gate, gate.feed(event))) for event in numbered(order)]
    assert [[event["type"].split(".", 1)[1] for event in step] for step in released] == [
        ["output_item.added"],
        ["content_part.added"],
        [],
        [],
        [],
        ["output_text.delta", "output_text.done"],
        ["content_part.done"],
        ["output_item.done"],
        [],
        [],
        [
            "output_item.added",
            *["function_call_arguments.delta"] * 2,
            "function_call_arguments.done",
            "output_item.done",
        ],
    ]
    assert [event["sequence_number"] for step in released for event in step] == list(range(11))


def test_nothing_overtakes_an_event_of_no_item():
    first, second = message(0, ["one"]), call(1, "function_call", "{", "}")
    gate = text_gate()
    for event in (first.events[0], second.events[0]):
        gate.feed(event)
    held = [second.events[1], envelope("response.in_progress"), first.events[1]]
    assert [gate.feed(event) for event in held] == [Hold()] * 3


class TestTwoVersions:
    """The stream says something else than it did."""

    def test_a_done_event_that_says_more(self):
        told = message(0, ["my "])
        for event in told.events[3:]:
            _set_text(event, f"my {SECRET}")
        released = list(drive(text_gate(), stream(told), asked(mask)))
        assert [event["text"] for event in released if event["type"].endswith("text.done")] == ["my [KEY]"]
        assert SECRET not in json.dumps(released)

    def test_a_done_event_that_says_something_else(self):
        told = message(0, ["my key"])
        for event in told.events[3:]:
            _set_text(event, SECRET)
        released = list(drive(text_gate(), stream(told), asked(mask)))
        assert "[KEY]" not in json.dumps(released)
        assert SECRET not in json.dumps(released)
        assert released[-1]["response"]["output"][0]["content"][0]["text"] == "my key"

    def test_a_text_that_only_the_done_event_tells(self):
        told = message(0, [f"my {SECRET}"])
        del told.events[2]
        released = list(drive(text_gate(), stream(told), asked(mask)))
        assert SECRET not in json.dumps(released)
        assert released[-1]["response"]["output"][0]["content"][0]["text"] == "my [KEY]"

    def test_a_text_that_only_the_envelope_tells(self):
        sent = numbered([envelope("response.created"), envelope("response.incomplete", message(0, [SECRET]).item)])
        released = list(drive(text_gate(), sent, asked(mask)))
        assert released[-1]["response"]["output"][0]["content"][0]["text"] == "[KEY]"

    def test_an_envelope_whose_items_have_other_ids(self):
        told = message(0, [f"my {SECRET}"])
        told.item = {**told.item, "id": "other"}
        check = asked(mask)
        released = list(drive(text_gate(), stream(told), check))
        assert released[-1]["response"]["output"][0]["content"][0]["text"] == "my [KEY]"
        assert check.texts == [f"my {SECRET}"]

    @pytest.mark.parametrize("rest", [[], ['{"key":"', 'sk-12345"}']], ids=["alone", "and again in deltas"])
    def test_arguments_that_the_added_event_tells(self, rest):
        told = call(0, "function_call", *rest)
        whole = '{"key":"sk-12345"}'
        told.events[0]["item"]["arguments"] = told.item["arguments"] = told.events[-2]["arguments"] = whole
        released = list(drive(text_gate(), stream(told), asked(mask)))
        assert SECRET not in json.dumps(released)
        assert released[1]["item"]["arguments"] == '{"key":"[KEY]"}'

    def test_deltas_that_go_on_where_the_added_event_stopped(self):
        told = message(0, ["my sk", "-12345"])
        told.events[1]["part"] = {**told.events[1]["part"], "text": "my sk"}
        del told.events[2]
        released = list(drive(text_gate(), stream(told), asked(mask)))
        assert SECRET not in json.dumps(released)
        assert released[2]["part"]["text"] + joined(released, "response.output_text.delta") == "my [KEY]"


def _set_text(event, text):
    if "text" in event:
        event["text"] = text
    elif "part" in event:
        event["part"]["text"] = text  # the item's own


def test_events_that_are_models():
    """Models of openai are copied, not written to; those that the guardrail left alone leave as they are."""
    told = message(0, ["fine ", "sk-1", "2345"], annotations=[])
    sent = [EVENT.validate_python(event) for event in stream(told, call(1, "mcp_call", '{"k":"sk-12345"}'))]
    before = [event.model_dump_json() for event in sent]
    released = list(drive(text_gate(), sent, asked(mask)))
    assert SECRET not in "".join(event.model_dump_json() for event in released)
    assert [event.model_dump_json() for event in sent] == before
    assert all(one is other for one, other in zip(sent[:4], released[:4], strict=True))
    assert [event.delta for event in released if event.type == "response.output_text.delta"] == ["fine ", "[KEY]"]
    assert released[-1].response.output_text == "fine [KEY]"
    assert released[-1].response.output[1].arguments == '{"k":"[KEY]"}'


def test_an_ended_stream_is_rewritten_in_one_scan():
    gate = text_gate(mode=WholeText())
    scan = gate.feed(*stream(message(0, ["my ", SECRET]), web_search(1, SECRET)))
    assert scan == Scan(("my sk-12345", SECRET))
    released = gate.answer([mask(text) for text in scan.texts])
    assert isinstance(released, Release)
    assert gate.finish() == Release()
    assert SECRET not in json.dumps(released.events)
    assert len(released.events) == 12


def test_one_long_delta_is_cut_where_it_was_rewritten():
    gate = text_gate(mode=Window(size=32, overlap=16, context=8))
    events = message(0, [f"my {SECRET} and then some more words that go on and on"]).events
    for event in events[:2]:
        gate.feed(event)
    step = gate.feed(events[2])
    assert isinstance(step, Scan)
    released = gate.answer([mask(text) for text in step.texts])
    assert [event["delta"] for event in released.events] == ["my [KEY] and then some more words "]
    assert gate.feed(events[3]) == Scan((" words that go on and on",))


def test_context_that_comes_back_changed_is_left_out():
    """A guardrail that would rewrite what has left already is asked about the rest alone."""
    gate = text_gate(mode=Window(size=32, overlap=16, context=8))
    events = message(0, ["word "] * 8).events
    for event in events[:-3]:
        for _ in _answered(gate, gate.feed(event)):
            pass
    assert gate.feed(events[-3]) == Scan((" word " + "word " * 5,))
    assert gate.answer([" WORD " + "word " * 5]) == Scan(("word " * 5,))
    released = gate.answer(["WORD " * 5])
    assert joined(released.events[:-1], "response.output_text.delta") == "WORD " * 5


def test_an_unknown_event_is_scanned():
    sent = numbered([{"type": "response.thought.whispered", "item_id": "x", "words": {"aloud": SECRET}}])
    released = list(drive(text_gate(), sent, asked(mask)))
    assert released == [
        {"type": "response.thought.whispered", "item_id": "x", "words": {"aloud": "[KEY]"}, "sequence_number": 0}
    ]


def test_deltas_of_an_unknown_kind_are_one_text():
    place = {"item_id": "x", "output_index": 0}
    sent = [
        added(0, {"id": "x", "type": "thought"}),
        {"type": "response.thought.delta", **place, "delta": "sk-1"},
        {"type": "response.thought.delta", **place, "delta": "2345!"},
        {"type": "response.thought.done", **place, "thought": "sk-12345!"},
        done(0, {"id": "x", "type": "thought", "thought": "sk-12345!"}),
    ]
    released = list(drive(text_gate(), sent, asked(mask)))
    assert [event.get("delta") or event.get("thought") for event in released[1:-1]] == ["[KEY]!", "[KEY]!"]
    assert released[-1]["item"]["thought"] == "[KEY]!"


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_a_secret_that_begins_in_a_commands_added_event(mode):
    sent = stream(shell_call(0, ["-123", "45 x"], begun="sk"))
    released = list(drive(text_gate(mode=mode), sent, asked(mask)))
    assert SECRET not in json.dumps(released)
    assert [event["command"] for event in released if event["type"].endswith("command.done")] == ["[KEY] x"]
    told = joined(released, "response.shell_call_command.delta")
    begun = [event["command"] for event in released if event["type"].endswith("command.added")]
    assert begun[0] + told == "[KEY] x"


def test_two_commands_are_two_texts():
    check = asked(mask)
    list(drive(text_gate(), stream(shell_call(0, ["sk-1"], ["2345"])), check))
    assert sorted(check.texts) == ["2345", "sk-1"]


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_what_a_command_printed_is_told_when_all_of_it_is_known(mode):
    sent = stream(shell_output(0, ("a sk-", "b"), ("12345", " sk-12"), (" c", "345")))
    released = list(drive(text_gate(mode=mode), sent, asked(mask)))
    assert [event["delta"] for event in released if "delta" in event] == [{"stdout": "", "stderr": ""}] * 3
    printed = [{"stdout": "a [KEY] c", "stderr": "b [KEY]", "outcome": {"type": "exit", "exit_code": 0}}]
    assert released[-3]["output"] == released[-2]["item"]["output"] == printed
    assert released[-1]["response"]["output"][0]["output"] == printed
    assert [event["sequence_number"] for event in released] == list(range(len(sent)))


def test_an_error_message_is_scanned():
    sent = [{"type": "error", "message": f"bad {SECRET}", "code": "x", "sequence_number": 0}]
    assert next(drive(text_gate(), sent, asked(mask)))["message"] == "bad [KEY]"


class TestProtocol:
    def test_a_scan_has_to_be_answered_first(self):
        gate = _asking()
        for illegal in (gate.finish, lambda: gate.feed({"type": "error"})):
            with pytest.raises(GateError):
                illegal()
        assert len(gate.answer(["hello"]).events) == 2

    @pytest.mark.parametrize("answers", [[], ["a", "b"], "x"], ids=["none", "two", "a string"])
    def test_as_many_answers_as_texts(self, answers):
        gate = _asking()
        with pytest.raises(GateError):
            gate.answer(answers)
        assert gate.state is TextGateState.ASKING

    def test_nothing_to_answer(self):
        with pytest.raises(GateError):
            text_gate().answer([])

    def test_finished_is_finished(self):
        gate = text_gate()
        assert gate.finish() == Release()
        with pytest.raises(GateError):
            gate.feed({"type": "error"})

    def test_a_delta_is_held(self):
        gate = text_gate()
        assert gate.feed(message(0, ["hello"]).events[2]) == Hold()

    def test_what_arrived_together_is_scanned_together(self):
        gate = text_gate(mode=Window(size=4, overlap=2))
        step = gate.feed(*stream(message(0, ["hello ", "world"])))
        assert step == Scan(("hello world",))
        assert len(gate.answer(["hello world"]).events) == 9


def _asking():
    gate = text_gate()
    events = message(0, ["hello"]).events
    for event in events[:3]:
        gate.feed(event)
    assert gate.feed(events[3]) == Scan(("hello",))
    return gate


@pytest.mark.parametrize("size", [2, 16], ids=["overlap over size", "no overlap"])
def test_a_window_needs_room(size):
    with pytest.raises(ValueError, match="overlap"):
        Window(size=size, overlap=0 if size == 16 else 2)


def test_words_are_read_as_they_stand():
    """A rule about whole words is not fooled by a cut."""
    text = ["x" * 7, "SECRET", "x" * 9] * 20
    whole_words = asked(lambda text: re.sub(r"\bSECRET\b", "***", text))
    released = list(drive(text_gate(mode=Window(size=16, overlap=8, context=8)), stream(message(0, text)), whole_words))
    assert joined(released, "response.output_text.delta") == "".join(text)
