"""One walk finds every text by the tables of a vocabulary."""

import json
from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel

from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload.field_rules import FieldRule, Vocabulary
from litellm_bighub.formats.payload.slots import Found, rewrite
from litellm_bighub.formats.payload.text_walk import MAX_DEPTH, TextWalk

OPAQUE, NAME = FieldRule.OPAQUE, FieldRule.NAME
THOUGHT = {"thinking": FieldRule.SIGNED, "signature": OPAQUE}
RULES = {
    "type": OPAQUE,
    "name": NAME,
    "said": FieldRule.OUTPUT_TEXT,
    "arguments": FieldRule.JSON,
    "schema": FieldRule.SCHEMA,
    "free": FieldRule.FREE,
    "image": FieldRule.IMAGE,
    "file": FieldRule.FILE,
    "hidden": FieldRule.HIDDEN,
    "id": OPAQUE,
    "apart": FieldRule.APART,
    "note": FieldRule.TEXT,
    "logprobs": FieldRule.TOKENS,
    "prompt": FieldRule.PROMPT,
    "thoughts": THOUGHT,
    **THOUGHT,
}
VOCABULARY = Vocabulary(
    types={"known": RULES}, untyped=RULES, unknown={"type": OPAQUE}, text_fields=frozenset({"text", "said"})
)
PLAIN = Vocabulary(types={}, untyped=RULES, unknown={}, text_fields=frozenset(), opaque_ids=True)


OTHER = st.sampled_from(["b", ["c"], None])


class Model(BaseModel):
    said: str
    type: str = "known"


def found(value, vocabulary=VOCABULARY) -> Found:
    walk = TextWalk(vocabulary)
    walk.item(value, None)
    return walk.finish()


def test_a_list_of_the_simplest_elements_is_taken_at_once():
    vocabulary = replace(VOCABULARY, plain_text="text")
    said = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    other = [{"type": "text", "text": "c"}, {"type": "text", "text": "d", "said": "e"}]
    value = {"said": said, "new": other, "number": 7}

    everything = found(value, vocabulary)
    assert everything.texts == ["a", "b", "c", "d", "e"]
    everything.rewrite(["A", "B", "C", "D", "E"])

    assert [one["text"] for one in said + other] == ["A", "B", "C", "D"]
    assert other[1]["said"] == "E"


SCHEMA = {
    "type": "object",
    "$ref": "#/x",
    "description": "d",
    "properties": {"description": {"enum": ["e"], "default": {"v": "w"}, "anyOf": [{"title": "t"}]}},
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ({"said": "a", "new": "b", "new_id": "c", "type": "known"}, ["a", "b", "c"]),
        (Model(said="a"), ["a"]),
        ({"type": "of tomorrow", "name": "a", "deeper": {"type": "new", "name": "b"}}, ["a", "b", "name\ndeeper"]),
        (
            {"new": {"name": "n", "more": "a"}, "said": {"name": "b"}, "none": None, "yes": True, "no": ""},
            ["a", "b", "n\nname"],
        ),
        ({"new": [{"said": "a"}, ["b", {"said": "c"}], 7], "number": 7}, ["a", "b", "c"]),
        ({"name": "n", "deep": {"name": ["m", {"k": "v"}]}}, ["n\nk\nv\nm"]),
        ({"arguments": r'{"a": "\u0041"}'}, ['{"a": "A"}']),
        ({"arguments": {"k": ["a"]}, "free": {"k": "b"}}, ["a", "b", "k"]),
        ({"free": "a", "schema": "b"}, ["a", "b"]),
        ({"id": {"said": "a"}}, ["a"]),
        ({"id": ["x", {"said": "a"}, [{"k": "b"}]]}, ["a", "b", "k"]),
        ({"id": ("x", 7)}, []),
        ({"id": b"x", "note": 7}, []),
        ({"free": iter(["a"]), "apart": {"said": "b"}}, ["a"]),
        ({"schema": {"mine": {"title": "t"}}}, ["t", "mine"]),
        ({"schema": SCHEMA}, ["d", "w", "t", "#/x\ndescription\ne\nv"]),
        ({"schema": [{"title": "t"}, 7]}, ["t"]),
        ({"schema": {"anyOf": ({"title": "t"},)}}, ["t"]),
        ({"free": {1: "a", None: "b"}}, ["a", "b", "1\nNone"]),
        ({"hidden": json.dumps(["a"])}, ['["a"]']),
        ({"logprobs": {"content": [{"token": "a"}]}, "deep": {"logprobs": "b"}}, ["a", "b"]),
        ({"logprobs": {"content": []}}, []),
        ({"thoughts": [{"thinking": "a", "signature": "s"}, "b", [{"k": "c"}]]}, ["a", "b", "c", "k"]),
        ({"thoughts": {"thinking": "a"}}, ["a"]),
        ({"thoughts": "a"}, ["a"]),
        ({"schema": [], "free": ["", 7], "file": 7, "said": ""}, []),
        ({"file": {"filename": "a", "detail": "x", "data": "y"}}, ["a"]),
    ],
)
def test_texts(value, texts):
    assert found(value).texts == texts


def test_a_vocabulary_with_opaque_ids():
    value = {"schema": SCHEMA, "free": {"k": "f"}, "some_id": "i", "later": ("a",)}
    assert found(value, PLAIN).texts == ["d", "w", "t", "f", "a", "#/x\ndescription\ne\nv\nk"]
    assert value["later"] == ["a"]


def test_what_is_no_text():
    value = {"file": "f", "hidden": "gAAAA"}
    looked = found({**value, "image": {"url": "v", "detail": "x"}, "type": "known"})
    assert (looked.images, looked.files, looked.hidden) == (["v"], ["f"], ["hidden"])
    assert found({"image": ["v", {"url": ("w",)}]}).images == ["v", "w"]
    assert found({"type": "item_reference"}).hidden == [""]


def deep(key: str) -> object:
    value: object = {"x": "a"}
    for _ in range(MAX_DEPTH + 2):
        value = {key: value}
    return value


@pytest.mark.parametrize(
    "value",
    [
        {"said": 7},
        {"new": object()},
        deep("new"),
        {"free": deep("k")},
        {"schema": deep("items")},
        {"image": deep("k")},
    ],
    ids=["number", "object", "item", "free", "schema", "media"],
)
def test_what_cannot_be_read(value):
    with pytest.raises(PayloadError):
        found(value)


def test_names_are_scanned_and_never_rewritten():
    (slot,) = found({"name": "bob"}).slots
    with pytest.raises(PayloadError, match="names: was rewritten, but means something only as it stands"):
        rewrite([slot], ["[mask]"])


@pytest.mark.parametrize("thought", [{"thinking": "bob", "signature": "s"}, {"thinking": "bob"}], ids=["signed", "not"])
def test_a_signed_text_stays_whole_or_is_left_out(thought):
    value = {"thoughts": [{"thinking": "a", "signature": "r"}, thought]}
    rewrite(found(value).slots, ["a", "[mask]"])
    kept = [] if "signature" in thought else [{"thinking": "[mask]"}]
    assert value == {"thoughts": [{"thinking": "a", "signature": "r"}, *kept]}


def test_a_signed_text_that_stands_in_no_list_cannot_be_left_out():
    with pytest.raises(PayloadError, match=r"thoughts\.thinking: was rewritten"):
        rewrite(found({"thoughts": {"thinking": "bob", "signature": "s"}}).slots, ["[mask]"])


def test_tokens_are_left_out_where_they_are_rewritten():
    value = {"logprobs": {"content": [{"token": "bob"}]}, "hidden": '["bob"]'}
    rewrite(found(value).slots, ["[mask]", '["bob"]'])
    assert value == {"logprobs": None, "hidden": '["bob"]'}


@pytest.mark.parametrize("prompt", ["a", ["a"], [["a"]], ("a",), {"text": "a", "weight": 2}], ids=str)
def test_a_prompt_is_a_text_or_holds_some(prompt):
    assert "a" in found({"prompt": prompt}).texts


@pytest.mark.parametrize("prompt", [3, 0.5, [3], ["a", 3], [[3]], (3,), [{"tokens": [3]}], [True]], ids=str)
def test_a_prompt_told_by_numbers_is_refused(prompt):
    with pytest.raises(PayloadError, match=r"^prompt: holds numbers of tokens"):
        found({"prompt": prompt})


def test_one_field_by_its_rule():
    walk = TextWalk(VOCABULARY)
    for key, rule in (("a", OPAQUE), ("b", FieldRule.TEXT), ("c", THOUGHT)):
        walk.ruled({key: key}, key, key, rule, None)
    assert walk.finish().texts == ["b", "c"]


@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(["known", "new"])}, optional={"text": st.sampled_from(["", "a", 1]), "said": OTHER}
        )
        | OTHER
    )
)
def test_the_simplest_elements_are_found_like_any_other(elements):
    """Where a format says that there are such."""

    def seen(plain_text):
        try:
            of = found({"type": "known", "said": deepcopy(elements)}, replace(VOCABULARY, plain_text=plain_text))
        except PayloadError as error:
            return str(error)
        return [(slot.text, slot.path, slot.kind, slot.owner) for slot in of.slots]

    assert seen(None) == seen("known")


def test_the_keys_of_what_is_unknown_are_names():
    value = {"type": "of tomorrow", "bob": 1, "none": None, "text": "a"}
    assert found(value).texts == ["a", "bob"]


def test_elements_that_are_a_text_and_its_type_are_found_at_their_places():
    plain = Vocabulary(
        types={"text": {"type": OPAQUE}},
        untyped={"type": OPAQUE},
        unknown={"type": OPAQUE},
        text_fields=frozenset({"content"}),
        plain_text="text",
    )
    said = {"type": "text", "text": "a"}
    walk = TextWalk(plain)
    walk.item(
        {"content": [said, {"type": "text", "text": ""}, {"type": "text", "text": ["b"]}, {"type": "x", "text": "c"}]},
        None,
    )
    got = walk.finish()
    assert [(slot.text, slot.path) for slot in got.slots if slot.text in {"a", "b", "c"}] == [
        ("a", "content[0].text"),
        ("b", "content[2].text[0]"),
        ("c", "content[3].text"),
    ]


@pytest.mark.parametrize("key", ["file", "image"])
def test_a_file_that_holds_a_text_is_a_text(key):
    told = {"type": "known", key: {"url": "data:text/plain;base64,Ym9i"}}
    walked = found(told)
    assert (walked.texts, walked.files, walked.images) == (["bob"], [], [])
    walked.rewrite(["x"])
    assert told[key]["url"] == "data:text/plain;base64,eA=="


HEADS = [
    *("data:text/csv;base64,", "DATA:;base64,", "data:text/plain;charset=utf-8;base64,"),
    *("data:text/plain;name=a.txt;base64,", 'data:text/plain;charset="utf-8";base64,', "data:text/x;a=b;c;base64,"),
]


@pytest.mark.parametrize("head", HEADS)
def test_a_file_in_a_field_that_nobody_knows_is_read_as_well(head):
    payload = {"new": f"{head}Ym9i", "list": [f"{head}Ym9i"]}
    walked = found(payload)
    assert sorted(walked.texts) == sorted([f"{head}Ym9i", "bob"] * 2)
    walked.rewrite(["x" if text == "bob" else text for text in walked.texts])
    assert payload == {"new": f"{head}eA==", "list": [f"{head}eA=="]}


@pytest.mark.parametrize(
    ("value", "read", "written"),
    [
        ("data:text/plain,bob%40x.org", "bob@x.org", "data:text/plain,x"),
        ("data:,bob%40x.org", "bob@x.org", "data:,x"),
        (" \ndata:text/plain;base64,Ym9i\n", "bob", "data:text/plain;base64,eA=="),
    ],
)
def test_its_file_is_read_however_it_is_spelled(value, read, written):
    payload = {"new": value, "list": [value]}
    walked = found(payload)
    assert sorted(walked.texts) == sorted([value, read] * 2)
    walked.rewrite(["x" if text == read else text for text in walked.texts])
    assert payload == {"new": written, "list": [written]}


def test_a_picture_in_a_field_that_nobody_knows_is_handed_over_as_well():
    picture, archive = "data:image/png;base64,QUJD", "data:application/zip;base64,QUJD"
    walked = found({"new": picture, "newer": {"list": [archive]}})
    assert (walked.images, walked.files) == ([picture], [archive])
    assert {picture, archive} <= set(walked.texts)


@pytest.mark.parametrize("value", ["data: bob@example.com", "data:text/plain;base64,Ym9i bob@b.org", "data:,Ym9i"])
def test_what_only_begins_like_a_file_is_a_text_alone(value):
    walked = found({"new": value, "list": [value]})
    assert (walked.texts, walked.files) == ([value, value], [])
