"""Every text of a plain request is found, whatever its field is called, and what nobody could check is refused."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload.field_rules import FieldRule
from litellm_bighub.formats.payload.slots import Found, rewrite
from litellm_bighub.formats.plain.field_rules import EMBEDDINGS, IMAGES, TRANSCRIPTIONS
from litellm_bighub.formats.plain.plain_walk import PlainWalk

KNOWN = EMBEDDINGS.keys() | {"stream", "req_format", "metadata", "messages", "extra_body"}
TEXTS = st.text(min_size=1)
NAMES = st.text(min_size=1).filter(lambda name: name not in KNOWN)
WITHIN = st.recursive(
    st.just("canary"), lambda inner: st.lists(inner, min_size=1) | st.dictionaries(TEXTS, inner, min_size=1)
)


def found(data: dict[str, Any], rules: Any = EMBEDDINGS) -> Found:
    walk = PlainWalk(rules)
    walk.request(data, None, frozenset())
    return walk.finish()


def upload(content: bytes, name: str | None = None) -> BytesIO:
    file = BytesIO(content)
    if name is not None:
        file.name = name  # type: ignore[misc]
    return file


@given(NAMES, WITHIN)
def test_a_field_that_nobody_named_holds_texts(name, value):
    assert "canary" in found({name: value}).texts
    assert "canary" in found({"extra_body": {name: value}}).texts


@pytest.mark.parametrize("place", [(), ("extra_body",), ("extra_body", "extra_body")])
@pytest.mark.parametrize(
    "tokens", [7, [1, 2], [[1, 2], [3]], ["x", 1], ["x", [1]], [{"tokens": [1]}], [1.5], ([1],)], ids=str
)
def test_numbers_of_tokens_are_refused_wherever_they_stand(tokens, place):
    data: dict[str, Any] = {"input": tokens}
    for name in place:
        data = {name: data}
    path = ".".join([*place, "input"])
    with pytest.raises(PayloadError, match=rf"^{path}: holds numbers of tokens"):
        found(data)


@pytest.mark.parametrize("value", [True, 1, "true", "True", "1", "yes", ["x"]], ids=repr)
def test_a_stream_is_refused(value):
    with pytest.raises(PayloadError, match=r"^stream: asks for a stream"):
        found({"stream": value})
    with pytest.raises(PayloadError, match=r"^extra_body\.stream: asks for a stream"):
        found({"extra_body": {"stream": value}})


@pytest.mark.parametrize("value", [None, False, 0, "", "false", "False", "0"], ids=repr)
def test_no_stream_is_none(value):
    assert found({"input": "x", "stream": value}).texts[0] == "x"


def test_a_providers_own_answer_is_refused():
    with pytest.raises(PayloadError, match=r"^req_format: asks for an answer"):
        found({"req_format": "native"})
    found({"req_format": "litellm"})


def test_a_file_is_handed_over_and_its_name_is_a_text_that_can_be_rewritten():
    file = upload(b"sound", "bob.mp3")
    shown = found({"file": file, "prompt": "x"}, TRANSCRIPTIONS)

    assert shown.files == ["data:application/octet-stream;base64,c291bmQ="]
    assert [(slot.path, slot.text) for slot in shown.slots] == [("file.filename", "bob.mp3"), ("prompt", "x")]
    rewrite(shown.slots, ["a.mp3", "x"])
    assert file.name == "a.mp3"


def test_images_are_handed_over_from_a_list_too():
    shown = found({"image": [upload(b"a"), "https://x/y", upload(b"b", "")], "mask": upload(b"c")}, IMAGES)

    encoded = [f"data:application/octet-stream;base64,{each}" for each in ("YQ==", "Yg==", "Yw==")]
    assert shown.images == [encoded[0], "https://x/y", *encoded[1:]]
    assert shown.texts == []


@pytest.mark.parametrize("value", [b"bytes", upload(b"file")], ids=["bytes", "a file"])
def test_bytes_are_no_text(value):
    with pytest.raises(PayloadError, match=r"^prompt: is a \w+, not a text"):
        found({"prompt": value}, IMAGES)


def test_a_file_of_another_kind_cannot_be_looked_into():
    with pytest.raises(PayloadError, match=r"^file: is a bytes, not a text"):
        found({"file": b"sound"}, TRANSCRIPTIONS)


@pytest.mark.parametrize(
    ("vector", "texts"),
    [([0.5, -1], []), ("AAAAPwAAgL8=", []), (["canary"], ["canary"]), ([[0.5, "canary"]], ["canary"])],
    ids=["numbers", "opaque", "texts", "texts within"],
)
def test_a_vector_holds_no_text_unless_it_does(vector, texts):
    walk = PlainWalk()
    walk.item({"embedding": vector}, None, placed={"embedding": FieldRule.HIDDEN})
    assert walk.finish().texts == texts


def test_a_file_that_is_redacted_is_another_file():
    file, picture = upload(b"sound"), upload(b"a")
    (slot,) = found({"file": file}, TRANSCRIPTIONS).file_slots
    rewrite([slot], ["data:audio/mpeg;base64,eA=="])
    assert (file.read(), file.getvalue()) == (b"x", b"x")

    data = {"image": [picture, "https://x/y"]}
    shown = found(data, IMAGES)
    assert [each.text for each in shown.image_slots] == shown.images
    rewrite(shown.image_slots, [shown.images[0], "https://x/z"])
    assert data["image"] == [picture, "https://x/z"]
    assert picture.getvalue() == b"a"


@pytest.mark.parametrize("told", ["https://x/y", "data:audio/mpeg;base64,x"])
def test_a_link_or_what_cannot_be_read_is_no_file(told):
    file = upload(b"sound")
    (slot,) = found({"file": file}, TRANSCRIPTIONS).file_slots
    with pytest.raises(PayloadError, match="was replaced by"):
        rewrite([slot], [told])
    assert file.getvalue() == b"sound"


def test_bytes_in_a_list_are_refused():
    with pytest.raises(PayloadError, match=r"^image\[0\]: is a bytes"):
        found({"image": [b"a"]}, IMAGES)
