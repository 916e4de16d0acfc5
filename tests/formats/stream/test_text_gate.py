"""The text gate, in a stream of a format that is made for this: each event says what it tells."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from litellm_bighub.errors import GateError, PayloadError
from litellm_bighub.formats.payload.slots import Slot, TextKind, Where
from litellm_bighub.formats.stream.event_texts import (
    AnnotationTexts,
    AnnouncedTexts,
    CarriedText,
    EventTexts,
    GroupedTexts,
    LastTexts,
    PieceTexts,
    Place,
    StreamedText,
    ToldTexts,
)
from litellm_bighub.formats.stream.gate_protocol import Hold, Release
from litellm_bighub.formats.stream.text_gate import JoinedParts, Scan, TextGate, TextGateState, announced_call
from litellm_bighub.formats.stream.text_part import WholeText, Window

SECRET = "sk-12345"
TEXT, JSON, OUTPUT, TOKENS = TextKind.TEXT, TextKind.JSON, TextKind.OUTPUT_TEXT, TextKind.TOKENS
AT: Place = ("text",)
SMALL = Window(size=8, overlap=4, context=0)


def delta(text: str, at: Place = AT, of: int = 0, kind: TextKind = TEXT) -> Any:
    return {"says": text, "told": StreamedText(at, kind, ("says",), text, is_done=False, index=of)}


def done(text: str, at: Place = AT, of: int = 0, kind: TextKind = TEXT) -> Any:
    return {"says": text, "told": StreamedText(at, kind, ("says",), text, is_done=True, index=of)}


def ended(at: Place = AT, of: int = 0) -> Any:
    """Ends a text, and does not tell it."""
    return {"told": StreamedText(at, TEXT, (), "", is_done=True, index=of)}


def carried(*said: Any, at: Place | None = AT) -> tuple[list[Any], list[CarriedText]]:
    """Texts, or texts with their kinds, and how an event carries them."""
    pairs = [one if isinstance(one, tuple) else (one, TEXT) for one in said]
    content: Where = ((None, "item"), "content")
    return [text for text, _ in pairs], [
        CarriedText(("says", n), Slot({"text": text}, "text", text, kind, ((content, n), "text")), at)
        for n, (text, kind) in enumerate(pairs)
    ]


def told(*said: Any, at: Place | None = AT, of: int = 0, ends: Place | None = None, call: object = None) -> Any:
    says, texts = carried(*said, at=at)
    return {"says": says, "told": ToldTexts(texts, index=of, ends=ends, call=call)}


def begun(*said: Any, at: Place | None = AT, of: int = 0, call: object = None) -> Any:
    says, texts = carried(*said, at=at)
    return {"says": says, "told": AnnouncedTexts(texts, index=of, call=call)}


def note(text: str, end: int | None, at: Place = AT) -> Any:
    says, texts = carried(text, at=None)
    return {"says": says, "told": AnnotationTexts(texts, at, end, index=0)}


def last(*said: Any, joined: str | None = None) -> Any:
    says, texts = carried(*said)
    if joined is not None:
        texts.append(CarriedText(("joined",), Slot({}, "joined", joined, TEXT, None), joins=True))
    return {"says": says, "joined": joined, "told": LastTexts(texts)}


def tokens(*pieces: tuple[Place, str], beside: Place | None = None, end: int | None = None) -> Any:
    return {"told": GroupedTexts(pieces, "", beside and ("a", beside), end, index=0)}


def read(event: Any) -> EventTexts:
    return event["told"]


def new_gate(**options: Any) -> TextGate:
    return TextGate(read, **{"may_stream": lambda place: place == AT, "mode": WholeText(), **options})


def mask(text: str) -> str:
    return text.replace(SECRET, "[KEY]")


def settle(gate: TextGate, step: Release | Scan | Hold) -> list[Any]:
    while isinstance(step, Scan):
        step = gate.answer([mask(text) for text in (*step.texts, *step.images, *step.files)])
    return [*step.events] if isinstance(step, Release) else []


def left(gate: TextGate, *events: Any) -> list[Any]:
    """What the events that leave say."""
    out = [one for event in events for one in settle(gate, gate.feed(event))]
    return [event.get("says") for event in [*out, *settle(gate, gate.finish())]]


def asked_at_the_end(gate: TextGate, events: Iterable[Any]) -> Scan:
    """The question about the last of the events, before which there is none."""
    *before, final = events
    for event in before:
        assert not isinstance(gate.feed(event), Scan)
    step = gate.feed(final)
    assert isinstance(step, Scan)
    return step


def test_a_text_leaves_when_it_was_scanned():
    gate = new_gate()
    assert gate.feed(delta("my ")) == gate.feed(delta(SECRET)) == Hold()
    assert gate.feed(done(f"my {SECRET}")) == Scan((f"my {SECRET}",))
    assert gate.state is TextGateState.ASKING
    released = gate.answer(["my [KEY]"])
    assert isinstance(released, Release)
    assert [event["says"] for event in released.events] == ["my ", "[KEY]", "my [KEY]"]
    assert (gate.finish(), gate.state) == (Release(), TextGateState.FINISHED)


def test_an_event_without_a_text_leaves_at_once():
    gate, event = new_gate(), told()
    assert gate.feed(event) == Release((event,))


def test_what_is_pending_at_the_end_is_scanned():
    gate = new_gate()
    gate.feed(delta(SECRET))
    assert (gate.finish(), gate.state) == (Scan((SECRET,)), TextGateState.CLOSING)
    assert len(settle(gate, gate.answer(["a"]))) == 1
    assert gate.state is TextGateState.FINISHED


def test_an_event_is_taken_as_the_format_takes_it():
    assert left(new_gate(taken=lambda event: told("b")), told("a")) == [["b"]]


def test_what_the_driver_may_not_do():
    gate = new_gate()
    with pytest.raises(GateError, match="flowing"):
        gate.answer([])
    gate.feed(told("a"))
    with pytest.raises(GateError, match="asking"):
        gate.feed(told("b"))
    for answers in ([], ["a", "b"], "a"):
        with pytest.raises(GateError, match="a scan of 1 texts is answered with"):
            gate.answer(answers)
    assert len(settle(gate, gate.answer(["a"]))) == 1
    gate.finish()
    with pytest.raises(GateError, match="finished"):
        gate.finish()


def test_an_answer_that_cannot_stand_there_changes_nothing():
    gate = new_gate()
    gate.feed(delta('{"a": 1}', kind=JSON))
    assert gate.feed(ended()) == Scan(('{"a": 1}',))
    with pytest.raises(PayloadError, match=r"output\[0\]\.text"):
        gate.answer(["{"])
    assert gate.state is TextGateState.ASKING
    assert [event.get("says") for event in settle(gate, gate.answer(["{}"]))] == ["{}", None]


def test_context_that_was_rewritten_is_asked_about_again():
    gate = new_gate(mode=Window(size=8, overlap=4, context=4))
    assert len(settle(gate, gate.feed(delta("one "), delta("two ")))) == 1
    assert gate.feed(delta("six ")) == Scan((" two six ",))
    assert gate.answer(["x two six "]) == Scan(("two six ",))


def test_deltas_after_the_end_are_another_text():
    gate = new_gate()
    assert left(gate, delta("a"), done("a"), delta(SECRET), done(SECRET)) == ["a", "a", "[KEY]", "[KEY]"]


def test_a_text_that_was_told_before_gets_the_same_answer():
    """Where deltas told something else in its place, the text counts that was told before; else what they told."""
    again = [told(SECRET), told(SECRET, at=None), delta("b", of=1), ended(of=1), told(SECRET, of=1), told("c")]
    said = left(new_gate(), delta(SECRET), done(SECRET), *again, last("d", SECRET))
    assert said == ["[KEY]", "[KEY]", ["[KEY]"], ["[KEY]"], "b", None, ["[KEY]"], ["[KEY]"], ["d", "[KEY]"]]


def test_what_is_told_of_a_text_before_its_end_is_as_much_as_has_left():
    events = [delta("a"), told(SECRET), delta("b"), told("ab", ends=("other",)), told("ab", ends=())]
    assert left(new_gate(), *events) == ["a", ["ab"], "b", ["ab"], ["ab"]]


def test_a_text_that_no_delta_told_is_scanned_where_it_stands():
    events = [begun(""), ended(), told(SECRET), told(SECRET, at=None)]
    assert left(new_gate(), *events) == [[""], None, ["[KEY]"], ["[KEY]"]]


def test_texts_joined_once_more_are_joined_of_their_answers():
    gate = new_gate()
    step = gate.feed(last(("a sk-", OUTPUT), ("12345", OUTPUT), ("beside", TEXT), joined=f"a {SECRET}"))
    (released,) = settle(gate, step)
    assert released["joined"] == f"a {SECRET}"
    (released,) = settle(gate, gate.feed(last((f"a {SECRET}", OUTPUT), joined=f"a {SECRET}")))
    assert released["joined"] == "a [KEY]"


def test_what_is_not_the_others_joined_is_scanned_on_its_own():
    gate = new_gate()
    (released,) = settle(gate, gate.feed(last(("a", OUTPUT), joined=SECRET)))
    assert (released["says"], released["joined"]) == (["a"], "[KEY]")


def test_images_and_files_are_asked_about_behind_the_texts():
    step = new_gate().feed(told(("f", TextKind.MEDIA), ("i", TextKind.IMAGE), "t", at=None))
    assert step == Scan(("t",), images=("i",), files=("f",))


def test_pieces_wait_for_the_text_they_are_of():
    says, texts = carried(SECRET)
    piece = {"says": says, "told": PieceTexts(texts, index=0)}
    assert left(new_gate(), piece, told(SECRET)) == [[""], ["[KEY]"]]


def test_an_annotation_leaves_with_the_text_that_it_stands_on():
    gate = new_gate()
    events = [note("alone", 1), delta(f"ab {SECRET}"), note("on ab", 2), note("on the key", 9), done(f"ab {SECRET}")]
    assert left(gate, *events) == [["alone"], "ab [KEY]", ["on ab"], "ab [KEY]"]


def test_tokens_leave_as_they_are_or_not_at_all():
    where: Place = ("tokens",)
    gate = new_gate()
    kept, more = tokens((where, "a")), tokens((where, "b"))
    assert left(gate, kept, more) == [None, None]
    assert left(new_gate(), tokens((where, "sk-")), tokens((where, "12345"))) == []


def test_tokens_beside_a_text_leave_with_it():
    def heard(text: str) -> list[Any]:
        begins = {"says": text, "told": StreamedText(AT, TEXT, ("says",), text, is_done=False, item_id="a", index=1)}
        return left(new_gate(), begins, tokens(beside=AT), done(text, of=1))

    assert heard("fine") == ["fine", None, "fine"]
    assert heard(SECRET) == ["[KEY]", "[KEY]"]


class TestAnnounced:
    """Texts of an item that begins."""

    def test_what_deltas_go_on_with(self):
        gate = new_gate()
        assert left(gate, begun("sk-"), delta("12345 x"), done(f"{SECRET} x")) == [[""], "[KEY] x", "[KEY] x"]

    def test_what_is_told_again(self):
        assert left(new_gate(), begun("ab"), begun("ab"), told("ab", ends=())) == [["ab"], ["ab"], ["ab"]]

    def test_what_was_begun_by_deltas_is_shown_as_far_as_it_left(self):
        assert left(new_gate(), delta("ab"), begun("ab"), done("ab")) == ["ab", ["ab"], "ab"]

    def test_what_no_delta_can_tell(self):
        image = ("i", TextKind.IMAGE)
        gate = new_gate()
        assert gate.feed(begun(SECRET, at=None)) == Scan((SECRET,))
        gate.answer(["a"])
        assert gate.feed(begun("b", at=("other",))) == Scan(("b",))
        gate.answer(["b"])
        assert gate.feed(begun(image)) == Scan((), images=("i",))


class TestCalls:
    """An item that is announced as a call leaves when it was asked about as such, with all its texts."""

    def test_a_call_is_asked_about_at_its_end(self):
        gate = new_gate()
        events = [begun("pay", at=None, call={"name": "pay"}), delta("{}"), ended(), told(ends=())]
        step = asked_at_the_end(gate, events)
        assert (step.texts, step.calls) == (("{}", "pay"), ({"name": "pay", "text": "{}"},))
        assert len(settle(gate, gate.answer(step.texts))) == 4

    def test_each_is_asked_about_once(self):
        gate = new_gate()
        call = {"name": "pay"}
        step = asked_at_the_end(gate, [begun(call=call), begun(call=call), told(ends=(), call=call)])
        assert step.calls == (call,)
        assert len(settle(gate, gate.answer([]))) == 3
        again = [told(ends=(), call=call), begun(call=call), last()]
        assert [len(settle(gate, gate.feed(event))) for event in again] == [1, 1, 1]

    def test_the_last_event_ends_it(self):
        gate = new_gate()
        step = asked_at_the_end(gate, [begun(call={"name": "pay"}), told(of=1), last()])
        assert step.calls == ({"name": "pay"},)

    def test_a_cut_stream_ends_it(self):
        gate = new_gate()
        gate.feed(begun(call={"name": "pay"}))
        assert gate.finish() == Scan((), ({"name": "pay"},))
        assert len(settle(gate, gate.answer([]))) == 1

    def test_what_the_format_says_is_no_call_leaves_with_its_texts(self):
        gate = new_gate(call_of=lambda call, texts: None)
        gate.feed(delta("a"))
        assert gate.finish() == Scan(("a",))

    def test_an_announced_call_with_the_texts_of_its_fields(self):
        texts: dict[Place, str] = {("name",): "pay", ("action", "commands"): "ls"}
        assert announced_call({"id": 1}, texts) == {"id": 1, "name": "pay"}
        assert announced_call(None, texts) is None


class TestMessages:
    """Texts that are parts of one message are looked at together, too."""

    def gate(self, mode: Any = None) -> TextGate:
        return new_gate(
            may_stream=lambda place: True,
            mode=mode or WholeText(),
            message_of=lambda item, place, kind: item.index if place[0] == "content" else None,
        )

    def test_parts_that_wait_together(self):
        gate = self.gate()
        one, two, other = ("content", 0), ("content", 1), ("name",)
        for event in (delta("sk-", one), delta("12345", two), delta("x", other)):
            gate.feed(event)
        assert gate.finish() == Scan(("sk-", "12345", "x"), joined=(JoinedParts((0, 1)),))

    @pytest.mark.parametrize("mode", [WholeText(), SMALL], ids=["whole", "window"])
    def test_what_has_left_is_shown_before_a_part(self, mode: Any):
        gate = self.gate(mode)
        for number, (text, before) in enumerate(
            [("abc", ""), ("de", "abc"), ("fg", "bcde" if mode == SMALL else "abcde")]
        ):
            step = asked_at_the_end(gate, [delta(text, ("content", number)), ended(("content", number))])
            assert step == Scan((text,), joined=(JoinedParts((0,), before),) if before else ())
            gate.answer([text])

    def test_a_part_that_left_in_part_was_joined_before(self):
        gate = self.gate(SMALL)
        settle(gate, gate.feed(delta("ab", ("content", 0)), ended(("content", 0))))
        step = gate.feed(delta("one two ", ("content", 1)), delta("three four", ("content", 1)))
        assert isinstance(step, Scan)
        assert step.joined == (JoinedParts((0,), "ab"),)
        gate.answer(step.texts)
        assert asked_at_the_end(gate, [ended(("content", 1))]).joined == ()

    def test_texts_that_one_event_tells(self):
        """Those that stand together in it, unless they have been asked about."""
        gate = new_gate()
        assert gate.feed(told("sk-", "12345", at=None)) == Scan(("sk-", "12345"), joined=(JoinedParts((0, 1)),))
        gate.answer(["a", "b"])
        assert not isinstance(gate.feed(told("sk-", "12345", at=None)), Scan)
        assert gate.feed(told("x", "x", at=None)) == Scan(("x",))

    def test_texts_of_a_call_that_waits(self):
        gate = new_gate()
        assert gate.feed(begun("a", "b", at=None, call={"name": "pay"})) == Hold()
        assert asked_at_the_end(gate, [told(ends=())]).texts == ("a", "b")
