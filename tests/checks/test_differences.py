"""Where a guardrail changed a text is told exactly, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.checks.differences import Change, differences

MASK = "[EMAIL]"
LONG = " ".join(f"word{n}" for n in range(3000))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("as it is", "as it is", []),
        ("mail bob@x.com now", f"mail {MASK} now", [Change(5, 14, MASK)]),
        ("a bob@x.com b al@x.com c", f"a {MASK} b {MASK} c", [Change(2, 11, MASK), Change(14, 22, MASK)]),
        ("keybob,", f"key{MASK},", [Change(3, 6, MASK)]),
        ("bob", f"{MASK}bob", [Change(0, 0, MASK)]),
        ("bob", "bob[EMAIL]", [Change(3, 3, MASK)]),
        ("bob and al", "bob", [Change(3, 10, "")]),
        (f"bob {LONG} bob", f"al {LONG} al", [Change(0, 3, "al"), Change(len(LONG) + 5, len(LONG) + 8, "al")]),
        (f"{LONG} end", f"{LONG.upper()} end", None),
        ("a " * 9 * 501, ("a " * 8 + "b ") * 501, None),
    ],
    ids=[
        "none",
        "one",
        "two",
        "within a word",
        "added",
        "added behind",
        "left out",
        "far apart",
        "another text",
        "too many",
    ],
)
def test_what_changed(before, after, expected):
    assert differences(before, after) == expected


@given(
    st.lists(st.sampled_from(["a", "b", " ", "word", ".", "\n", "ö"])),
    st.lists(st.sampled_from(["a", " ", "word", "x"])),
)
def test_the_changes_make_the_other_text(before, after):
    one, other = "".join(before), "".join(after)

    made = one
    for start, end, text in reversed(differences(one, other) or []):
        made = made[:start] + text + made[end:]

    assert made == other
