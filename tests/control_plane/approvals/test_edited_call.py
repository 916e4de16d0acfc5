"""What a person left as it was shown comes back as it was before it was hidden."""

from __future__ import annotations

import pytest

from litellm_bighub.control_plane.approvals.edited_call import merge_arguments

HIDDEN = "[redacted]"


@pytest.mark.parametrize(
    ("edited", "shown", "original", "expected"),
    [
        pytest.param({"key": HIDDEN}, {"key": HIDDEN}, {"key": "s3cret"}, {"key": "s3cret"}, id="left as shown"),
        pytest.param({"key": "new"}, {"key": HIDDEN}, {"key": "s3cret"}, {"key": "new"}, id="changed"),
        pytest.param({}, {"key": HIDDEN}, {"key": "s3cret"}, {}, id="removed"),
        pytest.param({"other": HIDDEN}, {"key": HIDDEN}, {"key": "s3cret"}, {"other": HIDDEN}, id="under another name"),
        pytest.param(
            {"a": {"key": HIDDEN, "n": 2}},
            {"a": {"key": HIDDEN, "n": 1}},
            {"a": {"key": "s3cret", "n": 1}},
            {"a": {"key": "s3cret", "n": 2}},
            id="inside of an object",
        ),
        pytest.param({"a": [HIDDEN, 2]}, {"a": [HIDDEN, 1]}, {"a": ["s3cret", 1]}, {"a": ["s3cret", 2]}, id="list"),
        pytest.param({"a": [HIDDEN]}, {"a": [HIDDEN, 1]}, {"a": ["s3cret", 1]}, {"a": [HIDDEN]}, id="shorter list"),
        pytest.param({"a": True}, {"a": 1}, {"a": 1}, {"a": True}, id="true is not one"),
    ],
)
def test_the_original_stands_where_nothing_was_changed(edited, shown, original, expected):
    merged = merge_arguments(edited, shown, original)
    assert expected == merged
    assert {name: type(value) for name, value in expected.items()} == {name: type(v) for name, v in merged.items()}
