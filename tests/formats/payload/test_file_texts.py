"""Texts in the bytes of files are found, and written back in the form in which they stood."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import example, given, strategies as st

from litellm_bighub.formats.payload.file_texts import file_text, is_data_url, with_file_text


def b64(content: bytes | str) -> str:
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()


TYPES = ["text/plain", "TEXT/CSV", "text/x-python", "application/json", "application/xml", "application/csv"]
UNSAID = ["", "application/octet-stream", "application/x-sh", "application/sql"]
OPAQUE = ["image/png", "audio/mpeg", "video/mp4", "application/pdf", "application/zip", "application/vnd.ms-excel"]
ESCAPED = r'{"k": "\u0041KIA"}'
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(lambda text: "\\" not in text)


@given(WORDS, st.sampled_from(TYPES + UNSAID + ["image/svg+xml"]), st.booleans(), WORDS)
def test_a_text_is_read_and_written_in_a_data_url(text, media_type, in_base64, rewritten):
    head = f"data:{media_type};charset=utf-8{';base64' if in_base64 else ''},"
    value = head + (b64(text) if in_base64 else quote(text))
    assert file_text({}, "file_data", value) == text
    written = with_file_text({}, "file_data", value, rewritten)
    assert written.startswith(head)
    assert file_text({}, "file_data", written) == rewritten


@given(WORDS, WORDS)
@example("bob@example.com", "[EMAIL]")
def test_a_text_is_read_and_written_in_bare_base64(text, rewritten):
    owner = {"type": "base64", "media_type": "text/plain"}
    for place, key in ((owner, "data"), ({"mime_type": "text/csv; charset=utf-8"}, "data"), ({}, "file_data")):
        assert file_text(place, key, b64(text)) == text
        assert with_file_text(place, key, b64(text), rewritten) == b64(rewritten)


@pytest.mark.parametrize("media_type", OPAQUE)
def test_what_is_said_to_be_no_text_is_opaque(media_type):
    assert file_text({}, "file_data", f"data:{media_type};base64,{b64('words')}") is None
    assert file_text({"media_type": media_type}, "data", b64("words")) is None


@pytest.mark.parametrize(
    "value",
    [
        "https://example.com/a.txt",
        "file-abc123",
        f"data:application/octet-stream;base64,{b64(bytes(range(20)))}",
        f"data:text/plain;base64,{b64(b'caf' + bytes([0xE9]))}",
        f"data:text/plain;charset=klingon;base64,{b64('words')}",
        "data:text/plain;base64,!!!!",
        "data:text/plain;base64,",
    ],
)
def test_what_is_no_text_or_cannot_be_read_is_opaque(value):
    assert file_text({}, "data", value) is None


def test_base64_of_which_nobody_says_what_it_is_stays_opaque():
    assert file_text({"format": "wav"}, "data", b64("words")) is None
    with pytest.raises(ValueError, match="no file"):
        with_file_text({"format": "wav"}, "data", b64("words"), "other")


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_other_encodings_are_read_and_written(encoding):
    said = "" if encoding == "utf-16" else f";charset={encoding}"
    value = f"data:text/plain{said};base64,{b64('café'.encode(encoding))}"
    assert file_text({}, "file_data", value) == "café"
    written = with_file_text({}, "file_data", value, "thé")
    assert base64.b64decode(written.partition(",")[2]).decode(encoding) == "thé"


def test_a_rewrite_that_the_encoding_does_not_have_is_an_error():
    with pytest.raises(ValueError, match="codec"):
        with_file_text({}, "file_data", f"data:text/plain;charset=ascii;base64,{b64('a')}", "é")


@given(st.binary(min_size=1, max_size=40).map(lambda content: content.hex()))
def test_base64_is_read_as_lenient_readers_do(text):
    value = b64(text + "?>~")
    for written in (value.rstrip("="), value.replace("+", "-").replace("/", "_"), f" {value[:5]}\n{value[5:]} "):
        assert file_text({}, "file_data", f"data:text/plain;base64,{written}") == text + "?>~"


def test_json_is_read_without_escapes():
    value = f"data:application/json;base64,{b64(ESCAPED)}"
    assert file_text({}, "file_data", value) == '{"k": "AKIA"}'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("data:text/plain;base64,Ym9i", True),
        ("DATA:image/png;base64,Ym9i", True),
        ("data:;base64,Ym9i", True),
        ("data:text/plain;name=a.txt;base64,Ym9i", True),
        (" data:text/plain;base64,Ym9i", True),
        ("data:text/plain,bob%40x.org", True),
        ("data:text/plain,bob", False),
        ("data:text/plain;base64,Ym9i, b.", False),
        ("data: I write to bob@example.com", False),
        ("bob", False),
    ],
)
def test_which_texts_are_nothing_but_a_file(value, expected):
    assert is_data_url(value) is expected
