"""What a person left as it was shown comes back as it was before it was hidden."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.control_plane.approvals.edited_call import merge_arguments, writes_mask
from litellm_bighub.domain.redaction import Redactor, holds_mask

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


@pytest.mark.parametrize(
    ("edited", "shown", "expected"),
    [
        pytest.param({"key": HIDDEN, "n": 2}, {"key": HIDDEN, "n": 1}, False, id="left as shown"),
        pytest.param({"key": "new"}, {"key": HIDDEN}, False, id="changed"),
        pytest.param({}, {"key": HIDDEN}, False, id="removed"),
        pytest.param({"note": f"to {HIDDEN}!"}, {"note": f"to {HIDDEN}"}, True, id="a text changed around it"),
        pytest.param({"other": HIDDEN}, {"key": HIDDEN}, True, id="under another name"),
        pytest.param({"a": [HIDDEN]}, {"a": [HIDDEN, 1]}, True, id="a shorter list"),
        pytest.param({"a": [HIDDEN, 2]}, {"a": [HIDDEN, 1]}, False, id="a list of the same length"),
        pytest.param({"a": {"key": HIDDEN, "n": 2}}, {"a": {"key": HIDDEN, "n": 1}}, False, id="in an object"),
        pytest.param({HIDDEN: 1}, {HIDDEN: 1}, True, id="a name that is hidden"),
        pytest.param({"a": {HIDDEN: 1}}, {"a": {HIDDEN: 1}}, False, id="such a name in an object that is left whole"),
        pytest.param({"a": {HIDDEN: 2}}, {"a": {HIDDEN: 1}}, True, id="such a name in an object that is changed"),
        pytest.param({"n": "[redacted:card]"}, {"n": 1}, True, id="a card's mask"),
    ],
)
def test_an_edit_that_would_write_a_mask_is_known(edited, shown, expected):
    assert writes_mask(edited, shown) is expected


_LEAVES = st.sampled_from(
    ["x", "password=hunter2 and more", "sk-abcdefghijklmnop1234", 4111111111111111, 7, True, None]
)
_NAMES = st.sampled_from(["a", "b", "iban", "note", "password", "sk-abcdefghijklmnop1234"])
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=3)),
    max_leaves=8,
)
_ARGUMENTS = st.dictionaries(_NAMES, _VALUES, max_size=4)


@given(original=_ARGUMENTS, data=st.data())
def test_a_merged_call_holds_no_mask_unless_that_is_known(original, data):
    """Whatever a person makes of what they are shown."""
    shown = Redactor().redact(original)
    parts = st.one_of(_VALUES, *(st.just(value) for value in shown.values()))
    edited = data.draw(
        st.one_of(st.just(shown), st.dictionaries(st.one_of(_NAMES, st.sampled_from([*shown, "a"])), parts))
    )
    merged = merge_arguments(edited, shown, original)
    assert holds_mask(merged) <= writes_mask(edited, shown)
