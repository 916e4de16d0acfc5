"""A patch writes every file that some program would write by it."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.policy.parts.patch_text import MAX_LENGTH, written_paths

BODY = """*** Begin Patch
*** Add File: a.py
+x
+*** Delete File: not this
*** Update File: b/c.py
*** Move to: d.py
@@
-x
+y
*** End of File
*** Delete File: e.py
*** End Patch"""


@pytest.mark.parametrize("text", [BODY, f"\n{BODY}\n\n", f"<<'EOF'\n{BODY}\nEOF", BODY.replace("\n", "\r\n")])
def test_files_of_a_patch(text):
    assert written_paths(text) == ["a.py", "b/c.py", "d.py", "e.py"]


@pytest.mark.parametrize(
    ("line", "also"),
    [
        ("  *** Delete File: x", ["x"]),
        (" *** Update File:  x ", ["x", " x "]),
        ("+a\u2028*** Delete File: x", ["x"]),
        ("+a\r*** Delete File: x", ["x"]),
        ("*** Add File: x\u2028y", ["x\u2028y", "x"]),
    ],
)
def test_what_programs_read_differently_counts_in_each_way(line, also):
    found = written_paths(BODY.replace("*** End Patch", f"{line}\n*** End Patch"))
    assert found is not None
    assert set(also) <= set(found)


@pytest.mark.parametrize(
    "text",
    [
        *("", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b", "*** Begin Patch\n*** End Patch", BODY + "\nx", "x" + BODY),
        *(
            BODY.replace("Add File", "Rename File"),
            BODY.replace(": a.py", ":  "),
            BODY.replace("a.py", "a\0b"),
            BODY.replace("@@", "*** Begin Patch"),
        ),
        BODY.replace("+x", "+" + "x" * MAX_LENGTH),
        "*** Begin Patch\n+x\n*** End Patch",
    ],
)
def test_what_is_no_clear_patch_is_not_understood(text):
    assert written_paths(text) is None


def applied(text):
    """The files that a program writes that reads as Codex does: lines end at `\\n`, headers are trimmed."""
    headers = ("*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: ")
    lines = [line.strip() for line in text.split("\n")]
    return [line[len(header) :].strip() for line in lines for header in headers if line.startswith(header)]


LINES = st.text("+- @*ab\r\u2028\t", max_size=6) | st.sampled_from(
    ["*** Add File: a", "*** Delete File: b c", " *** Update File: d", "\t*** Move to: e ", "+*** Add File: f", "@@"]
)


@given(st.lists(LINES, max_size=8))
def test_no_file_that_is_written_is_left_out(lines):
    text = "\n".join(["*** Begin Patch", *lines, "*** End Patch"])
    found = written_paths(text)
    assert found is None or set(applied(text)) <= {path.strip() for path in found} | {"", *found}
