"""Patterns of commands: words, wildcards, options and pipelines."""

from __future__ import annotations

import pytest

from litellm_bighub.policy.parts.command_pattern import CommandPattern
from litellm_bighub.policy.parts.part import WHOLE_CALL
from litellm_bighub.policy.parts.shell_command import Command, Word


def command(text, **more):
    """A command in which `$…` is a word that is not known yet, and `*` stands for files."""
    argv = tuple(Word(word, sure=not word.startswith("$"), glob="*" in word) for word in text.split(" "))
    return Command(argv, **more)


def allows(pattern, text, **more):
    return CommandPattern.compile(pattern).fits(command(text, **more), allows=True)


def restricts(pattern, text, **more):
    return CommandPattern.compile(pattern).fits(command(text, **more), allows=False)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("git status", "git status", True),
        ("git status", "git status -s", False),
        ("git status", "git", False),
        ("git log *", "git log", True),
        ("git log *", "git log -5 a b", True),
        ("git log *", "git show", False),
        ("git * x *", "git a b x c", True),
        ("git * x", "git a b x c", False),
        ("git lo*", "git log", True),
        ("git lo?", "git log", True),
        ("l*", "ls", True),
        ("git 'a*'", "git a*", False),
        ("rm -r -f x", "rm -fr x", True),
        ("rm -rf x", "rm x -f -r", True),
        ("rm -rf x", "rm --recursive --force x", True),
        ("rm -r x", "rm -rf x", False),
        ("rm -r *", "rm -rf x", False),
        ("x -r *", "x --recursive a", False),
        ("git log --output x", "git log --output=x", True),
        ("git log --output=x", "git log --output x", True),
        ("git log --output *", "git log --out=x", False),
        ("head -n5 *", "head -n5 x", True),
        ("find * -name *", "find . -name x", True),
        ("find * -name *", "find . -n x", False),
        ("x -a.b", "x -a.b", True),
        ("rm -r x", "rm -- -r x", False),
        ("rm -- x", "rm -- x", True),
        ("cat -", "cat -", True),
        ("cat *", "cat -", True),
        ("./run *", "./run x", True),
        ("run *", "./run x", False),
        ("l*s", "lib/ls", False),
        ("ls *", "ls $X", False),
        ("ls *", "ls a*", True),
        ("ls a?", "ls a*", False),
        ("$X", "$X", False),
    ],
)
def test_what_a_pattern_allows(pattern, text, expected):
    if pattern.startswith("$"):
        pattern = "x"
    assert allows(pattern, text) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("rm -r *", "/bin/rm -R x", True),
        ("rm -r *", "rm --rec x", True),
        ("rm -r *", "rm -vrf x", True),
        ("rm -r *", "rm x", False),
        ("rm -r *", "rm $X", True),
        ("rm -r *", "rm x -- -r", False),
        ("git push * --force *", "git -C x push y -f", True),
        ("git push *", "git --git-dir=x push", True),
        ("git push *", "git --no-pager push", True),
        ("git push *", "git $X", True),
        ("git push *", "git commit push", False),
        ("git push a", "git push a*", True),
        ("git push ab c", "git push a*", False),
        ("find * -delete *", "find -type d -elt", False),
        ("x --output *", "x -o y", True),
        ("/usr/bin/x *", "x y", True),
        ("$X", "$X", True),
        ("x *", "y x", False),
        ("x -a", "x -b", False),
        ("x --a", "x --", False),
    ],
)
def test_what_a_pattern_blocks(pattern, text, expected):
    if pattern.startswith("$"):
        pattern = "x"
    assert restricts(pattern, text) is expected


def test_to_allow_nothing_may_stand_before_or_around_it():
    assert not allows("ls *", "ls", assigns=True)
    assert not allows("ls *", "ls", moved=True)
    assert restricts("ls *", "ls", assigns=True)


def test_neighbours_in_a_pipeline():
    first, second, third = (tuple(Word(word) for word in text.split()) for text in ("curl x", "cat", "sh"))
    pipeline = ((first,), (second, third), ())
    at = ((pipeline, 0),)
    assert restricts("curl * | sh", "curl x", pipelines=at)
    assert restricts("curl * | sh", "sh", pipelines=((pipeline, 1),))
    assert not restricts("sh | curl *", "sh", pipelines=at)
    assert not restricts("curl * | rm", "curl x", pipelines=at)
    assert not restricts("curl * | sh | x", "curl x", pipelines=((pipeline[:2], 0),))
    assert not restricts("curl * | sh", "curl x")
    assert not restricts("curl * | sh", "wget x", pipelines=at)
    assert allows("curl * | sh", "curl x", pipelines=at)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("", "names a command"),
        ("a |", "on both sides"),
        ("a; b", "no word of a pattern"),
        ("a > b", "no word of a pattern"),
        ("*", "begins with the name"),
        ("a " * 70, "at most 64 words"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern, problem):
    with pytest.raises(ValueError, match=problem):
        CommandPattern.compile(pattern)


def test_long_options_with_one_dash_may_hold_their_value():
    pattern = CommandPattern.compile("go * -exec *")
    for text in ("-exec=x", "--exec=x", "-exec"):
        assert pattern.fits(Command((Word("go"), Word("test"), Word(text), Word("y"))), allows=False)
    assert not pattern.fits(Command((Word("go"), Word("test"), Word("-x=exec"))), allows=False)


def test_words_of_a_pattern_may_be_quoted():
    assert CommandPattern.compile("'my tool' \"a b\"").fits(Command((Word("my tool"), Word("a b"))), allows=True)


def test_a_pattern_is_for_commands():
    assert not CommandPattern.compile("ls").fits(WHOLE_CALL, allows=False)


@pytest.mark.parametrize(("pattern", "name"), [("/bin/ls *", "ls"), ("l* x", None), ("a | b", None)])
def test_the_only_name_that_a_pattern_can_fit(pattern, name):
    assert CommandPattern.compile(pattern).only_name == name
