"""Patches with their files, added and removed lines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from litellm_bighub.control_plane.inbox.views.diff_block import diff_block, is_diff
from litellm_bighub.control_plane.inbox.views.text_block import text_block
from tests.control_plane.inbox.views import HOSTILE, text_of

UNIFIED = """\
diff --git a/app.py b/app.py
index 1..2 100644
--- a/app.py
+++ b/app.py
@@ -1,3 +1,3 @@ def x():
 a
--- old comment
+++ new comment
 b
--- a/gone.py
+++ /dev/null
@@ -1 +0,0 @@
-x
"""
PATCH = """\
*** Begin Patch
*** Update File: src/main.py
*** Move to: src/run.py
@@ def run():
-    return 1
+    return 2
*** Delete File: old.py
*** End Patch"""


def kinds(text):
    return [line.kind for line in diff_block(text).lines]


def test_a_unified_diff():
    block = diff_block(UNIFIED)
    assert block.notes == ("+1 \u22122", "app.py", "deleted: gone.py")
    hunk = ["hunk", "", "removed", "added", ""]
    assert kinds(UNIFIED) == ["file"] * 4 + hunk + ["file"] * 2 + ["hunk", "removed"]


def test_a_line_within_a_hunk_poses_as_no_file():
    """`--- x` is a removed line `-- x`, and `+++ y` an added one."""
    assert "old comment" not in " ".join(diff_block(UNIFIED).notes)


@pytest.mark.parametrize(
    "second",
    [
        "diff --git a/evil.py b/evil.py\n--- a/evil.py\n+++ b/evil.py\n@@ -1 +1 @@\n-x\n+y\n",
        "--- a/evil.py\n+++ b/evil.py\n@@ -1 +1 @@\n-x\n+y\n",
        "diff --git a/evil.py b/evil.py\nindex 1..2\nBinary files differ\n",
        "*** Update File: evil.py\n@@\n-x\n+y\n",
    ],
    ids=["git", "plain", "binary", "apply_patch"],
)
def test_no_hunk_that_says_it_is_longer_hides_a_file(second):
    text = "--- a/app.py\n+++ b/app.py\n@@ -1,900 +1,900 @@\n a\n-b\n+c\n" + second
    assert diff_block(text).notes[1:] == ("app.py", "evil.py")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("deleted file mode 100644\nindex 83db48f..0000000", "deleted: a.bin"),
        ("old mode 100644\nnew mode 100755", "a.bin"),
        ("similarity index 100%\nrename from a.bin\nrename to b.bin", "b.bin"),
    ],
)
def test_a_file_without_hunks_is_named(head, expected):
    assert expected in diff_block(f"diff --git a/a.bin b/a.bin\n{head}\n").notes


def test_a_patch_of_apply_patch():
    block = diff_block(PATCH)
    assert block.notes == ("+1 \u22121", "src/main.py", "src/run.py", "deleted: old.py")
    assert [line.told for line in block.lines if line.told] == ["deletes the file"]
    assert kinds(PATCH) == ["file", "file", "file", "hunk", "removed", "added", "file", "file"]


def test_many_files_are_counted():
    text = "\n".join(["*** Begin Patch", *(f"*** Delete File: f{number}" for number in range(25))])
    assert diff_block(text).notes[-1] == "and 5 more"


@pytest.mark.parametrize(("text", "expected"), [(UNIFIED, True), (PATCH, True), ("a - b\n--- c", False), ("", False)])
def test_a_patch_is_recognised(text, expected):
    assert is_diff(text) == expected


@settings(max_examples=60)
@given(HOSTILE)
def test_a_patch_shows_what_its_text_shows(text):
    assert text_of(diff_block(text)) == text_of(text_block(text))


def test_what_is_left_out_is_counted():
    assert diff_block(PATCH, 20).left_out == len(PATCH) - 20
