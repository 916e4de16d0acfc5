"""Texts are written back where they stood, all of them or none."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel

from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.slots import (
    Found,
    Slot,
    SlotRun,
    TextKind,
    render,
    rewrite,
    stands_in,
    still_fits,
    verify,
)


def slot(owner, key="text", kind=TextKind.TEXT, where=((None, "input"), 0)):
    return Slot(owner, key, owner[key], kind, where)


@pytest.mark.parametrize(
    ("where", "path"),
    [
        (None, ""),
        ((None, "input"), "input"),
        ((((None, "input"), 3), "content"), "input[3].content"),
        (((((None, "input"), 3), "content"), 1), "input[3].content[1]"),
        ((None, 0), "[0]"),
    ],
)
def test_a_place_is_written_the_way_people_write_it(where, path):
    assert render(where) == path
    assert Slot({}, "text", "", TextKind.TEXT, where).path == path


def test_texts_are_written_where_they_stood():
    owner, texts = {"text": "a"}, ["b", "c"]
    found = Found([slot(owner), slot(texts, 1)])

    assert found.texts == ["a", "c"]
    assert rewrite(found.slots, ["A", "c"]) == 1
    assert (owner, texts, found.texts) == ({"text": "A"}, ["b", "c"], ["A", "c"])


@given(st.lists(st.tuples(st.text(), st.text())))
def test_each_text_comes_to_its_own_place(pairs):
    owners = [{"text": before} for before, _ in pairs]
    rewrite([slot(owner) for owner in owners], [after for _, after in pairs])

    assert [owner["text"] for owner in owners] == [after for _, after in pairs]


@pytest.mark.parametrize("texts", [[], ["A"], ["A", "B", "C"]])
def test_not_exactly_one_text_a_slot_writes_nothing(texts):
    owners = [{"text": "a"}, {"text": "b"}]

    with pytest.raises(ValueError, match="zip"):
        rewrite([slot(owner) for owner in owners], texts)
    assert owners == [{"text": "a"}, {"text": "b"}]


@pytest.mark.parametrize("rewritten", ["{", '{"a": NaN}', "[" * 100_000])
def test_json_that_is_none_any_more_writes_nothing(rewritten):
    plain, json = {"text": "a"}, {"text": '{"a": 1}'}

    with pytest.raises(PayloadError, match=r"input\[0\]: the guardrail's rewrite is no valid JSON"):
        rewrite([slot(plain), slot(json, kind=TextKind.JSON)], ["A", rewritten])
    assert (plain, json) == ({"text": "a"}, {"text": '{"a": 1}'})


def test_json_stays_json_and_what_was_none_may_be_anything():
    json, none = {"text": '{"a": 1}'}, {"text": "{"}

    rewrite([slot(json, kind=TextKind.JSON), slot(none, kind=TextKind.JSON)], ['{"a": 2}', "hidden"])
    assert (json, none) == ({"text": '{"a": 2}'}, {"text": "hidden"})


def test_what_cannot_be_written_to_is_refused_only_where_it_changed():
    owner = MappingProxyType({"text": "a"})
    verify([slot(owner)], ["a"])

    with pytest.raises(PayloadError, match="cannot be written to"):
        verify([slot(owner)], ["A"])


@pytest.mark.parametrize(
    ("annotation", "fits"),
    [({"end_index": 3}, True), ({"end_index": 4}, True), ({"end_index": 5}, False), ({"type": "file"}, True)],
)
def test_an_annotation_fits_where_the_text_before_its_end_is_the_same(annotation, fits):
    assert still_fits(annotation, "one two", "one 2") is fits


def test_annotations_and_tokens_of_the_text_that_is_gone_go_too():
    kept, gone = {"end_index": 3}, {"end_index": 7}
    part = {"text": "one two", "annotations": [kept, gone], "logprobs": [{"token": "one"}]}
    rewrite([slot(part, kind=TextKind.OUTPUT_TEXT)], ["one 2"])

    assert part == {"text": "one 2", "annotations": [kept], "logprobs": []}


def test_a_part_without_annotations_gets_none():
    part = {"text": "a"}
    rewrite([slot(part, kind=TextKind.OUTPUT_TEXT)], ["A"])

    assert part == {"text": "A"}


def test_what_means_something_only_as_it_stands_is_never_rewritten():
    owner = {"text": "a"}
    verify([slot(owner, kind=TextKind.NAME)], ["a"])

    for kind in (TextKind.NAME, TextKind.SIGNED):
        with pytest.raises(PayloadError, match="means something only as it stands"):
            rewrite([slot(owner, kind=kind)], ["A"])
    assert owner == {"text": "a"}


def test_a_signed_text_is_left_out_with_its_owner():
    blocks = [{"text": "a"}, {"text": "b"}]
    slots = [Slot(block, "text", block["text"], TextKind.SIGNED, None, blocks) for block in blocks]
    rewrite(slots, ["A", "b"])

    assert blocks == [{"text": "b"}]


def test_tokens_are_left_out_where_they_changed():
    owner = {"text": {"content": []}}
    rewrite([Slot(owner, "text", "a", TextKind.TOKENS, None)], ["A"])

    assert owner == {"text": None}


def test_an_annotation_of_a_chat_completion_has_its_offsets_one_level_deeper():
    assert still_fits({"url_citation": {"end_index": 3}}, "one two", "one 2")
    assert not still_fits({"url_citation": {"end_index": 7}}, "one two", "one 2")


class _Action(BaseModel):
    command: list[str]


@pytest.mark.parametrize("before", [{"command": ["a"]}, _Action(command=["a"])], ids=["dict", "model"])
def test_an_object_is_told_as_json_and_rewritten_as_one_of_its_kind(before):
    item = {"action": before}
    slot = Slot(item, "action", '{"command": ["a"]}', TextKind.OBJECT, (None, "action"))
    assert rewrite([slot], ['{"command": ["b"]}']) == 1
    assert type(item["action"]) is type(before)
    assert item == {"action": type(before)(command=["b"])}


@pytest.mark.parametrize("before", [{"command": ["a"]}, _Action(command=["a"])], ids=["dict", "model"])
@pytest.mark.parametrize("text", ["{", "[1]", "[" * 100_000, '{"command": NaN}'])
def test_an_object_of_another_kind_writes_nothing(before, text):
    item = {"first": "a", "action": before}
    slots = [Slot(item, "first", "a", TextKind.TEXT, (None, "first"))]
    slots.append(Slot(item, "action", '{"command": ["a"]}', TextKind.OBJECT, (None, "action")))
    with pytest.raises(PayloadError, match="action"):
        rewrite(slots, ["b", text])
    assert item == {"first": "a", "action": before}


def test_a_text_stands_in_an_object():
    outer = Slot({}, "input", "{}", TextKind.OBJECT, ((None, "content"), "input"))
    inside = Slot({}, 0, "x", TextKind.TEXT, ((((None, "content"), "input"), "a"), 0))
    assert stands_in(inside, outer)
    assert not stands_in(outer, outer)
    assert not stands_in(
        Slot({}, "x", "x", TextKind.TEXT, (None, "input_")), Slot({}, "x", "x", TextKind.OBJECT, (None, "input"))
    )


@pytest.mark.parametrize(
    ("owner", "key", "expected"),
    [
        ({"url": "https://a"}, "url", {"url": "data:image/png;base64,QUJD"}),
        ({"type": "url", "url": "https://a"}, "url", {"type": "base64", "media_type": "image/png", "data": "QUJD"}),
    ],
)
def test_an_image_takes_the_place_of_another_in_its_shape(owner, key, expected):
    assert rewrite([slot(owner, key, TextKind.MEDIA)], ["data:image/png;base64,QUJD"]) == 1
    assert owner == expected


def test_what_is_no_image_takes_no_images_place():
    owner = {"url": "https://a"}
    with pytest.raises(PayloadError, match="was replaced by what cannot stand there"):
        rewrite([slot(owner, "url", TextKind.MEDIA)], ["[removed]"])
    assert owner == {"url": "https://a"}


class Part(BaseModel):
    text: str
    annotations: list[dict[str, int]] = []


def found_in(pairs):
    """Each text in the owner of its kind, added as a walk does."""
    found = Found()
    for number, (text, kind) in enumerate(pairs):
        owner = {"text": text} if number % 2 else Part(text=text)
        found.add(owner, "text", text, kind, ((None, number), "text"))
    return found


def error_of(write, texts):
    try:
        write(texts)
    except PayloadError as error:
        return str(error)
    return None


KINDS = st.sampled_from([TextKind.TEXT, TextKind.OUTPUT_TEXT, TextKind.JSON, TextKind.NAME])
TEXTS = st.sampled_from(["a", "{}", '{"a": 1}', "b"])


@given(st.lists(st.tuples(TEXTS, KINDS, TEXTS)), st.integers(0, 5))
def test_what_was_found_is_written_as_its_slots_are(told, made):
    """With or without slots that were made on the way, everything is written, or nothing is."""
    one, other = (found_in([(text, kind) for text, kind, _ in told[:made]]) for _ in range(2))
    assert len(one.slots) == len(told[:made])
    for found in one, other:
        for number, (text, kind, _) in enumerate(told[made:]):
            found.add({"text": text}, "text", text, kind, ((None, number), "text"))
    rewritten = [text for *_, text in told]
    errors = [
        error
        for write in (one.rewrite, lambda texts: rewrite(other.slots, texts))
        if (error := error_of(write, rewritten)) is not None
    ]

    assert len(errors) in {0, 2}
    assert [fields.get(slot.owner, "text") for slot in one.slots] == [
        fields.get(slot.owner, "text") for slot in other.slots
    ]
    assert one.texts == other.texts == ([text for text, *_ in told] if errors else rewritten)
    assert one == other


def test_more_texts_than_were_found_are_of_no_concern():
    found = found_in([("a", TextKind.TEXT)])
    found.rewrite(["b", "c"])

    assert found.texts == ["b"]
    assert found != "b"


def test_the_text_of_a_file_is_written_in_its_encoding_or_not_at_all():
    owner = {"file_data": "data:text/plain;charset=ascii;base64,Ym9i"}
    told = Slot(owner, "file_data", "bob", TextKind.FILE, (None, "file_data"))
    with pytest.raises(PayloadError, match="cannot stand in this file"):
        rewrite([told], ["é"])
    assert rewrite([told], ["x"]) == 1
    assert owner == {"file_data": "data:text/plain;charset=ascii;base64,eA=="}


class Owner(BaseModel):
    text: str


class Refusing(BaseModel, frozen=True):
    text: str


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("ab")), max_size=3),
    st.sampled_from([dict, Owner]),
    st.sampled_from([None, "message"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([TextKind.TEXT, TextKind.OUTPUT_TEXT]),
)
def test_a_run_says_what_its_texts_say_apart(pairs, made, below, first, last, kind):
    """Whether something was found before it, or behind."""
    place, outcomes = (None, "list"), []
    for is_run in (True, False):
        owners, beside = [made(text=before) for before, _ in pairs], [{"text": "x"}, {"text": "y"}]
        found = Found()
        if first:
            found.add(beside[0], "text", "x", TextKind.TEXT, (None, "text"))
        if is_run:
            found.add_run([before for before, _ in pairs], SlotRun(owners, "text", kind, place, below))
        for index, owner in enumerate(() if is_run else owners):
            where = (place, index) if below is None else ((place, index), below)
            found.add(owner, "text", fields.get(owner, "text"), kind, (where, "text"))
        if last:
            found.add(beside[1], "text", "y", TextKind.TEXT, (None, "text"))
        texts = found.texts
        found.rewrite(["X"] * first + [after for _, after in pairs] + ["Y"] * last)
        outcomes.append((texts, owners, beside, [(each.path, each.text, each.kind) for each in found.slots]))
    assert outcomes[0] == outcomes[1]


def test_a_run_behind_slots_is_told_apart():
    owner = {"text": "b"}
    found = Found([slot({"text": "a"})])
    found.add_run(["b"], SlotRun([owner], "text", TextKind.TEXT, None))
    assert found.texts == ["a", "b"]
    assert found.run is None


def test_of_a_run_that_cannot_be_written_nothing_is():
    owners = [Owner(text="a"), Refusing(text="b")]
    found = Found()
    found.add_run(["a", "b"], SlotRun(owners, "text", TextKind.TEXT, None))
    with pytest.raises(PayloadError, match="cannot be written"):
        found.rewrite(["A", "B"])
    assert owners[0].text == "a"


def test_everything_is_texts_then_images_then_files():
    kinds = {"t": TextKind.TEXT, "i": TextKind.IMAGE, "f": TextKind.MEDIA}
    text, image, file = (slot({key: key}, key, kind) for key, kind in kinds.items())
    assert Found([text], ["i"], ["f"], [image], [file]).everything == [text, image, file]


@pytest.mark.parametrize("media", ["text/csv", "image/png"])
def test_a_file_in_an_unknown_field_is_not_rewritten_twice(media):
    url = f"data:{media};base64,bWFpbCBib2I="
    payload = {"later": url}
    slots = [Slot(payload, "later", url, TextKind.TEXT, (None, "later"))]
    file = Slot(payload, "later", "mail bob", TextKind.FILE, (None, "later"))
    if media == "image/png":
        file = Slot(payload, "later", url, TextKind.IMAGE, (None, "later"))
    with pytest.raises(PayloadError, match="both a text and a file"):
        rewrite([*slots, file], ["x", "data:image/png;base64,QQ=="])
    found = Found([file])
    found.add(payload, "later", url, TextKind.TEXT, (None, "later"))
    with pytest.raises(PayloadError, match="both a text and a file"):
        found.rewrite(["data:image/png;base64,QQ==", "x"])
    assert payload == {"later": url}


@pytest.mark.parametrize("kind", [TextKind.TEXT, TextKind.JSON, TextKind.IMAGE])
def test_what_stands_in_a_payload_twice_is_rewritten_once(kind):
    shared = {"url": "data:image/png;base64,QQ=="} if kind is TextKind.IMAGE else {"url": '"a"'}
    slots = [Slot(shared, "url", shared["url"], kind, (None, at)) for at in range(2)]
    new = "data:image/png;base64,QUE=" if kind is TextKind.IMAGE else '"b"'
    rewrite(slots, [new, new])
    assert shared == {"url": new}
    assert [each.text for each in slots] == [new, new]
    with pytest.raises(PayloadError, match="in two ways"):
        rewrite(slots, ["data:image/png;base64,Qg==", '"c"'] if kind is TextKind.IMAGE else ['"c"', '"d"'])
    assert shared == {"url": new}


def test_a_text_that_a_walk_finds_again_is_rewritten_once():
    payload = {"later": "a"}
    found = Found([Slot(payload, "later", "a", TextKind.TEXT, (None, "later"))])
    found.add(payload, "later", "a", TextKind.TEXT, (None, "later"))
    found.rewrite(["b", "b"])
    assert payload == {"later": "b"}
    found = Found([Slot(payload, "later", "b", TextKind.TEXT, (None, "later"))])
    found.add(payload, "later", "b", TextKind.TEXT, (None, "later"))
    with pytest.raises(PayloadError, match="in two ways"):
        found.rewrite(["c", "d"])
