"""Calls of providers that mark their pieces in other ways than OpenAI: decided on, and written anew for clients."""

from __future__ import annotations

import copy
import json
import random
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from litellm.types.utils import ModelResponseStream

from litellm_bighub.formats.answers.unreadable_calls import TORN
from litellm_bighub.formats.chat.whole_completion import completion
from litellm_bighub.formats.stream.gate_protocol import Pass
from tests.formats.chat import streams as s
from tests.formats.driving import WITHHELD, Driven, Watched

MODELS = [
    pytest.param(lambda event: event, id="dict"),
    pytest.param(lambda event: ModelResponseStream(**copy.deepcopy(event)), id="litellm"),
]
ROUNDS = settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Marking:
    """How a provider marks the pieces of its calls.

    Attributes:
        ids: told in the first piece, in each, a new one in each, in none; or one id for all calls.
        index: of each call its own, 0 or -1 for all, or counted from 1.
        names: told in the first piece or in each.
        opening: whether the first piece of a call tells nothing of its arguments.
        closing: whether the last piece does.
        mixed: whether the pieces of calls come mixed.
    """

    ids: str
    index: str
    names: str
    opening: bool
    closing: bool
    mixed: bool

    @property
    def tells_calls_apart(self) -> bool:
        """Whether each piece tells which call it is of."""
        return self.index in {"own", "from-1"} or self.ids == "each"

    @property
    def is_clear(self) -> bool:
        """Whether what it marks has one reading, whatever the calls are."""
        if self.mixed and self.index not in {"own", "from-1"}:
            return False
        if self.names == "each" and self.ids == "renewed":
            return not (self.opening or self.closing)
        if self.names == "each" and self.ids == "none":
            return not self.closing
        return self.ids != "one" or self.index in {"own", "from-1"}


MARKINGS = st.builds(
    Marking,
    ids=st.sampled_from(("first", "each", "renewed", "none", "one")),
    index=st.sampled_from(("own", "zero", "negative", "from-1", "absent")),
    names=st.sampled_from(("first", "each")),
    opening=st.booleans(),
    closing=st.booleans(),
    mixed=st.booleans(),
)
CALLS = st.lists(
    st.tuples(
        st.sampled_from(("look_up", "pay", "look")),
        st.dictionaries(
            st.sampled_from(("a", "b{", 'c"}')), st.sampled_from(("x", 'q"}', "{", "\\", "", 7)), max_size=2
        ),
    ),
    min_size=1,
    max_size=3,
)


def pieces_of(at: int, call: tuple[str, dict[str, Any]], marking: Marking, choose: random.Random) -> list[s.Event]:
    name, arguments = call
    told = json.dumps(arguments)
    cuts = sorted(choose.sample(range(1, len(told)), choose.randint(0, min(3, len(told) - 1))))
    texts = [told[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(told)], strict=True)]
    texts = [*([""] if marking.opening else []), *texts, *([""] if marking.closing else [])]
    index = {"own": at, "zero": 0, "negative": -1, "from-1": at + 1, "absent": None}[marking.index]
    pieces: list[s.Event] = []
    for place, text in enumerate(texts):
        function: s.Event = {"arguments": text}
        piece: s.Event = {"index": index, "type": "function", "function": function}
        if index is None:
            del piece["index"]
        if marking.ids in {"each", "renewed"} or (marking.ids in {"first", "one"} and place == 0):
            tag = {"renewed": f"{at}_{place}", "one": "one"}.get(marking.ids, str(at))
            piece["id"] = f"call_{tag}"
        if marking.names == "each" or place == 0:
            function["name"] = name
        pieces.append(piece)
    return pieces


def stream_of(
    calls: list[tuple[str, dict[str, Any]]], marking: Marking, choose: random.Random
) -> tuple[list[s.Event], list[int]]:
    """The chunks, and the order in which the calls begin."""
    lanes = [(at, pieces_of(at, call, marking, choose)) for at, call in enumerate(calls)]
    told: list[s.Event] = []
    begun: list[int] = []
    while lanes:
        at, lane = choose.choice(lanes) if marking.mixed and marking.tells_calls_apart else lanes[0]
        if at not in begun:
            at, lane = next(each for each in lanes if each[0] not in begun)  # calls begin in the order of their indices
            begun.append(at)
        told.append(lane.pop(0))
        lanes = [each for each in lanes if each[1]]
    events = [s.role()]
    while told:  # several pieces may stand in one chunk
        size = choose.randint(1, 3)
        together, told = told[:size], told[size:]
        events.append(s.chunk({"tool_calls": together}))
    return [*events, s.end(), s.USAGE], begun


def run(events: list[Any]) -> Driven:
    """Pass every call that can be read, as a driver does."""
    driven = s.driven()
    for event in events:
        driven.feed(event)
        for key in sorted(driven.gate.unanswered):
            driven.answer(Pass() if driven.asked[key].unreadable is None else WITHHELD, key)
    driven.finish()
    return driven


def arrived(events: list[Any]) -> list[tuple[str, dict[str, Any]]]:
    """The calls that the official client hands to its caller."""
    calls = s.joined(events)[0].get("tool_calls", [])
    assert [call["index"] for call in calls] == list(range(len(calls)))
    assert all(call["id"] for call in calls)
    return [(call["function"]["name"], json.loads(call["function"]["arguments"] or "{}")) for call in calls]


@ROUNDS
@given(CALLS, MARKINGS, st.randoms(use_true_random=False))
def test_calls_that_have_one_reading_arrive_as_the_model_made_them(calls, marking, choose):
    events, begun = stream_of(calls, marking, choose)
    driven = run(events)
    asked = [(call.name, call.arguments) for call in driven.asked.values() if call.unreadable is None]
    # What is decided on is what arrives, and only what the model made: nothing is put together of two calls.
    assert all(call in calls for call in asked)
    assert len(asked) <= len(calls)
    assert arrived(driven.events) == asked
    assert driven.events[-1] == s.USAGE
    if marking.is_clear:
        assert asked == [calls[at] for at in begun]
        assert len(asked) == len(driven.asked)


@ROUNDS
@given(CALLS, MARKINGS, st.randoms(use_true_random=False), st.sampled_from((0.0, 0.5)))
def test_nothing_leaves_undecided_however_it_is_marked(calls, marking, choose, eager):
    tagged = [(f"canary{at}x0z", {"a": f"canary{at}x0z", **arguments}) for at, (_, arguments) in enumerate(calls)]
    events, _ = stream_of(tagged, marking, choose)
    watched = Watched(s.new_gate(), choose, s.canaries_in)
    watched.play(events, eager=eager)
    left = s.joined(watched.events)[0].get("tool_calls", [])
    assert {canary for call in left for canary in s.canaries_in(json.dumps(call))} <= watched.passed
    assert [call["index"] for call in left] == list(range(len(left)))


@ROUNDS
@given(CALLS, MARKINGS, st.randoms(use_true_random=False))
def test_what_is_asked_for_is_what_the_joined_stream_hears(calls, marking, choose):
    events, _ = stream_of(calls, marking, choose)
    driven = s.run(events, WITHHELD)
    heard = completion(events)
    assert heard is not None
    told = heard["choices"][0]["message"]["tool_calls"]
    assert [call["id"] for call in told] == [call.id for call in driven.asked.values()]


def piece(name: str | None = None, told: Any = "", call_id: str | None = None, index: int | None = 0) -> s.Event:
    made: s.Event = {"index": index, "type": "function", "function": {"arguments": told}}
    if name:
        made["function"]["name"] = name
    return {**made, "id": call_id} if call_id else made


def run_of(*pieces: s.Event) -> Any:
    return s.run([s.role(), *(s.chunk({"tool_calls": [each]}) for each in pieces), s.end()])


READABLE = [
    pytest.param([piece("f", "{}"), piece("g", "{}")], [("f", {}), ("g", {})], id="without-ids"),
    pytest.param([piece("f", "{}"), piece("f", "{}")], [("f", {}), ("f", {})], id="without-ids-twice-the-same"),
    pytest.param(
        [piece("f", '{"a":1}', "x"), piece("f", '{"a":2}', "x")],
        [("f", {"a": 1}), ("f", {"a": 2})],
        id="one-id-for-two",
    ),
    pytest.param(
        [piece("f", "", "x"), piece(None, '{"a"', "y"), piece(None, ":1}", "z")], [("f", {"a": 1})], id="new-ids"
    ),
    pytest.param(
        [piece("f", "", "x"), piece("f", '{"a"', "y"), piece("f", ":1}", "z")],
        [("f", {"a": 1})],
        id="new-ids-and-names",
    ),
    pytest.param([piece("f", '{"a"', "x"), piece("f", ":1}")], [("f", {"a": 1})], id="name-again"),
    pytest.param([piece("f", "{}", "x"), piece("f", "", "x")], [("f", {})], id="name-again-at-the-end"),
    pytest.param([piece(None, "", "x"), piece("f", '{"a":1}')], [("f", {"a": 1})], id="name-after-id"),
    pytest.param([piece("f", {"a": {"b": 1}}, "x", -1)], [("f", {"a": {"b": 1}})], id="parsed"),
    pytest.param([piece("f", "{}", "x"), piece(None, "", None, 1)], [("f", {})], id="a-piece-that-says-nothing"),
    pytest.param([piece("f", "", "x"), piece("g", "", "y")], [("f", {}), ("g", {})], id="new-id-and-name-no-arguments"),
    pytest.param(
        [piece("f", "", "x", 0), piece("g", "{}", "y", -1), piece(None, '{"a":1}', None, 0)],
        [("f", {"a": 1}), ("g", {})],
        id="two-indices",
    ),
]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("pieces", "expected"), READABLE)
def test_calls_of_other_markings(pieces, expected, model):
    driven = s.run(
        [model(event) for event in (s.role(), *(s.chunk({"tool_calls": [each]}) for each in pieces), s.end())]
    )
    assert [call.unreadable for call in driven.asked.values()] == [None] * len(expected)
    assert arrived(driven.events) == expected


AMBIGUOUS = [
    pytest.param([piece("f"), piece("g", '{"a":1}')], 1, id="a-name-in-pieces-or-two-calls"),
    pytest.param([piece("f"), piece("f")], 1, id="one-call-or-two-without-arguments"),
    pytest.param([piece("f", "", "x"), piece("f", '{"a":1}', "y")], 1, id="a-new-id-or-a-second-call"),
    pytest.param([piece("f", '{"a":1}', "x"), piece("f", '{"a":1}', "x")], 1, id="the-same-call-or-another"),
    pytest.param(
        [piece("f", '{"a":1}', "x"), piece("g", '{"a":1}', "x", 1), piece(None, "{}", None, 2)], 1, id="orphan"
    ),
    pytest.param([piece("f", "", "x"), piece(None, '{"a":1}', None, 1)], 2, id="arguments-of-nobody"),
    pytest.param([piece("f", '{"a":1}'), piece("f")], 1, id="the-name-again-or-a-second-call"),
    pytest.param([piece("f", {"a": 1}), piece(None, '{"a":1}')], 1, id="parsed-and-more"),
    pytest.param([piece("f", '{"a'), piece("g", '":1}')], 1, id="another-name-in-the-middle"),
]


@pytest.mark.parametrize(("pieces", "unreadable"), AMBIGUOUS)
def test_what_has_two_readings_is_not_decided_on(pieces, unreadable):
    driven = run_of(*pieces)
    assert len([call for call in driven.asked.values() if call.unreadable is not None]) == unreadable


def test_a_call_without_id_is_given_one_that_is_decided_on_and_delivered():
    events = [s.role(), s.chunk({"tool_calls": [piece("f", "{}")]}), s.end()]
    driven = s.run(events)
    [asked] = driven.asked.values()
    [call] = s.joined(driven.events)[0]["tool_calls"]
    assert asked.id == call["id"]
    assert asked.id.startswith("call_")
    assert asked.id == next(iter(s.run(events).asked.values())).id
    other = [{**event, "id": "c2"} for event in events]
    assert asked.id != next(iter(s.run(other).asked.values())).id


def test_what_is_written_anew_is_one_piece_with_id_and_name_and_then_the_arguments():
    driven = run_of(piece("f", "", "x"), piece("f", '{"a"', "x"), piece("f", ":1}", "x"))
    told = [event["choices"][0]["delta"].get("tool_calls") for event in driven.events]
    assert told == [
        None,
        [{"index": 0, "type": "function", "function": {"arguments": "", "name": "f"}, "id": "x"}],
        [{"index": 0, "type": "function", "function": {"arguments": '{"a"'}}],
        [{"index": 0, "type": "function", "function": {"arguments": ":1}"}}],
        None,
    ]


def test_edited_arguments_of_other_markings():
    pieces = [piece("f", '{"a"', "x"), piece("f", ":1}", "y")]
    events = [s.role(), *(s.chunk({"tool_calls": [each]}) for each in pieces), s.end()]
    assert arrived(s.run(events, Pass({"a": 2})).events) == [("f", {"a": 2})]


def test_a_legacy_call_whose_name_comes_in_each_piece():
    events = [s.role(), *(s.chunk({"function_call": {"name": "f", "arguments": told}}) for told in ('{"a"', ":1}"))]
    driven = s.run([*events, s.end("function_call")])
    assert s.joined(driven.events)[0]["function_call"] == {"name": "f", "arguments": '{"a":1}'}


def test_the_tokens_of_calls_that_all_pass_are_told():
    events = [s.role(), s.chunk({"tool_calls": [piece("f", "{}")]}), s.end()]
    events[1]["choices"][0]["logprobs"] = {"content": [{"token": "f"}]}
    assert s.run(events).events[1]["choices"][0]["logprobs"] == {"content": [{"token": "f"}]}


def test_pieces_that_contradict_each_other_are_torn():
    [asked] = run_of(piece("f", "", "x"), piece("g", "{}", "x")).asked.values()
    assert asked.unreadable == TORN


def test_parsed_arguments_that_are_no_json_are_unreadable():
    [asked] = run_of(piece("f", {"a": float("nan")}, "x")).asked.values()
    assert asked.unreadable is not None


def test_an_empty_piece_in_the_middle_changes_nothing():
    [asked] = run_of(piece("f", '{"a"', "x"), {"index": 0, "id": "x"}, piece(None, ":1}")).asked.values()
    assert (asked.arguments, asked.unreadable) == ({"a": 1}, None)
