"""What stands in fields that are no texts is read all the same."""

import base64
import json

import pytest
from pydantic import BaseModel

from litellm_bighub.formats.payload.opaque_texts import readable, tokens


class Token(BaseModel):
    token: str
    logprob: float = 0.0
    bytes: list[int] | None = None


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ({"content": [{"token": "bo"}, {"token": "b@x"}], "refusal": None}, "bob@x"),
        ({"content": [Token(token="bo"), Token(token="b", bytes=[64])]}, "bob\n@"),
        ({"content": [{"token": "a", "bytes": [97], "top_logprobs": [{"token": "b"}, {"token": "a"}]}]}, "a\nb"),
        ({"content": [{"token": None, "later": ["x", [300], []]}]}, "x"),
        ({"tokens": ["a", "b"], "token_logprobs": [0.1]}, "ab"),
        ({"tokens": ["a"], "top_logprobs": [{"a": -0.1, "b": -0.2}]}, "a\na\nb"),
        ({"said": "all"}, "all"),
        ("all", "all"),
        ([{"token": "bo"}, {"token": "b"}], "bob"),
        ({"content": []}, ""),
    ],
)
def test_tokens(value, read):
    assert tokens(value) == read


THOUGHT = json.dumps([{"type": "thinking", "thinking": "of bob@x.org"}])


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (THOUGHT, THOUGHT),
        (base64.b64encode(THOUGHT.encode()).decode(), THOUGHT),
        (THOUGHT.replace("@", "\\u0040"), THOUGHT),
        (base64.b64encode(THOUGHT.replace("@", "\\u0040").encode()).decode(), THOUGHT),
        (base64.b64encode(b"a secret").decode(), "a secret"),
        (base64.b64encode(b'{"a":\n1}').decode(), '{"a":\n1}'),
        (base64.b64encode(b"\x00\x01\xff\xfe").decode(), None),
        (base64.b64encode(b"{\x00").decode(), None),
        ("words of a person", "words of a person"),
        ("gAAAAABo-x_y", None),
        ("{notjson}", None),
    ],
)
def test_opaque_is_what_nobody_can_read(value, read):
    assert readable(value) == read
