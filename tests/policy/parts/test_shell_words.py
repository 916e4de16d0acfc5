r"""Words as bash reads them."""

from __future__ import annotations

import random
import shutil
import subprocess

import pytest

from litellm_bighub.policy.parts.shell_command import Word
from litellm_bighub.policy.parts.shell_words import words
from tests.policy.parts.generated_commands import ARGUMENTS, quoted


def text_of(written):
    found = words(written)
    assert found is not None
    assert all(word.sure for word in found)
    return [word.text for word in found]


@pytest.mark.parametrize(
    ("written", "texts"),
    [
        ("ls", ["ls"]),
        (r"r\m", ["rm"]),
        ("r''m", ["rm"]),
        ("'a b'", ["a b"]),
        ('"a b"', ["a b"]),
        (r'"a\"b\$\x"', [r'a"b$\x']),
        ('"a\\\nb"', ["ab"]),
        ("a\\\nb", ["ab"]),
        (r"$'a\n\x41\101B\U00000043\''", ["a\nAABC'"]),
        ('$"hi"', ["hi"]),
        ("''", [""]),
        ("a$", ["a$"]),
        ('"a$"', ["a$"]),
        ("a$%", ["a$%"]),
        ("{a,b}", ["a", "b"]),
        ("x{a,b}{c,d}", ["xac", "xad", "xbc", "xbd"]),
        ("{}", ["{}"]),
        ("'{a,b}'", ["{a,b}"]),
        (r"\{a,b}", ["{a,b}"]),
        ("~", ["~"]),
        ("~/x", ["~/x"]),
        ("a=b", ["a=b"]),
        ("é", ["é"]),
        ("a#b", ["a#b"]),
    ],
)
def test_a_word_without_its_quotes(written, texts):
    assert text_of(written) == texts


@pytest.mark.parametrize(
    "written",
    [
        "{a",
        "{a}",
        "{1..3}",
        "{a,{b,c}}",
        "{a,}",
        "{" + ",".join("a" * 70) + "}",
        "~me",
        "'~/x'",
        r"\~",
        '~"/x"',
        "a=~/x",
        "a:~",
    ],
)
def test_a_word_that_is_not_sure(written):
    assert [word.sure for word in words(written) or ()] == [False]


@pytest.mark.parametrize(
    "written",
    [
        "'a",
        '"a',
        "$'a",
        r"$'a\q'",
        r"$'\0'",
        r"$'\xff'",
        r"$'\ud800'",
        "a b",
        "a;b",
        "a|b",
        "$x",
        '"$x"',
        "`x`",
        "#a",
        "a\0",
        "a\\",
        "$'a\\",
    ],
)
def test_what_bash_does_not_read_as_one_word(written):
    assert words(written) is None


def test_expansions_are_known_only_when_the_command_runs():
    assert words("a$X", [(1, 3)]) == (Word("a$X", sure=False),)
    assert words('"$HOME"/x', [(1, 6)]) == (Word("~/x", sure=False),)


@pytest.mark.parametrize(
    ("written", "sure"), [("a*", True), ("*a", False), ("?", False), ("[a]", False), ("x[a]", True)]
)
def test_wildcards_stand_for_files_and_perhaps_for_options(written, sure):
    assert words(written) == (Word(written, sure=sure, glob=True),)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_reads_the_same_words():
    chance = random.Random(5)
    spelled = [quoted(chance, word) for word in ARGUMENTS for _ in range(20)]
    known = [
        (one, found)
        for one in spelled
        if (found := words(one)) is not None and all(word.sure and not word.glob for word in found)
    ]
    assert len(known) > 300
    script = "".join(f"printf '%s\\001' {one}\nprintf '\\002'\n" for one, _ in known)
    told = subprocess.run(
        ["bash", "--norc", "--noprofile", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"LC_ALL": "C.UTF-8", "HOME": "~"},
    ).stdout
    read = [record.split("\001")[:-1] for record in told.split("\002")[:-1]]
    assert read == [[word.text for word in found] for _, found in known]
