"""Escapes that need not be there hide nothing from a pattern."""

import json

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.formats.payload.json_escapes import unescaped


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r'{"key": "\u0041KIA"}', '{"key": "AKIA"}'),
        (r'{"to": "bob\u0040x.org"}', '{"to": "bob@x.org"}'),
        (r'"a\/b"', '"a/b"'),
        (r'"\ud83d\ude00"', '"😀"'),
        (r'"\ud83d!"', r'"\ud83d!"'),
        (r'"\\u0041"', r'"\\u0041"'),
        (r'"\u0022 \u005c \u000a \n"', r'"\u0022 \u005c \u000a \n"'),
        ("no escape", "no escape"),
        (r'{"cut off": "\u0041', '{"cut off": "A'),
    ],
)
def test_escapes(written, read):
    assert unescaped(written) == read


def escaped(text: str) -> st.SearchStrategy[str]:
    """Ways to write a text in JSON."""
    ways = [st.sampled_from([json.dumps(c)[1:-1], *_as_code(c)]) for c in text]
    return st.tuples(*ways).map(lambda parts: f'"{"".join(parts)}"')


def _as_code(character: str) -> list[str]:
    units = character.encode("utf-16-be", "surrogatepass")
    return ["".join(f"\\u{units[n]:02x}{units[n + 1]:02X}" for n in range(0, len(units), 2))]


@given(st.data(), st.text(st.characters(codec="utf-8"), max_size=12))
def test_it_means_the_same_however_it_is_written(data, text):
    written = data.draw(escaped(text))
    assert json.loads(unescaped(written)) == json.loads(written) == text


@given(st.data(), st.text(st.characters(codec="utf-8", categories=["L", "N"]), max_size=12))
def test_letters_are_read_as_they_are(data, text):
    assert unescaped(data.draw(escaped(text).filter(lambda written: written))).strip('"') == text
