"""What is found in a shell text, and when it is said that it cannot be trusted."""

from __future__ import annotations

import pytest

from litellm_bighub.policy.parts.shell_tree import MAX_BYTES, read
from tests.policy.parts.generated_commands import many


def shown(words):
    return " ".join(word.text if word.sure else f"<{word.text}>" for word in words)


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        (" ", []),
        ("git status", ["git status"]),
        ("git 'status' -s", ["git status -s"]),
        ("ls && rm x", ["ls", "rm x"]),
        ("ls $(rm x)", ["ls <$(rm x)>", "rm x"]),
        ("ls é$X é", ["ls <é$X> é"]),
        ("for f in a b; do rm $f; done", ["rm <$f>"]),
        ("if a; then b; elif c; then d; else e; fi", ["a", "b", "c", "d", "e"]),
        ("while a; do b; done", ["a", "b"]),
        ("case x in a) b;; esac", ["b"]),
        ("f() { ls; }; f", ["ls", "f"]),
        ("! ls", ["ls"]),
        ("export A=b", ["export A=b"]),
        ("unset A", ["unset A"]),
        ("ls > out x", ["ls x"]),
        ("> out ls x", ["ls x"]),
        ("ls # rm x", ["ls"]),
        ("echo $\"hi\" $'a'b", ["echo hi ab"]),
        ("a'b'\\\nc d", ["abc d"]),
        ("ls 'a'\\ b \"c\"\\ \\\td", ["ls a b c \td"]),
        ("ls >'a'\\ b c", ["ls c"]),
        ("cat <<'E'\nrm $(x)\nE\nls", ["cat", "ls"]),
        ("cat <<E >x\na $x\nE", ["cat"]),
        ("cat <<-E\n\ta\n\tE", ["cat"]),
        ("cat <(ls)", ["cat <<(ls)>", "ls"]),
        ("A=b ls", ["ls"]),
        ("ls >&- 2>&1", ["ls"]),
    ],
)
def test_the_commands_of_a_text(text, commands):
    tree = read(text)
    assert [shown(command.words) for command in tree.commands] == commands
    assert tree.problems == []


@pytest.mark.parametrize(
    "text",
    [
        *(
            "ls (",
            "ls 'x",
            "ls\r",
            "{rm,-rf,/}",
            "[ -f x ]",
            "((1))",
            "A=b",
            "A=(1 2)",
            "for PATH in x; do ls; done",
            "for path in x; do ls; done",
            "if; ls",
        ),
        *(
            "cat <<E\nx",
            "cat <<'E F'\nx\nE F",
            "cat <<E\n$(rm x)\nE",
            "cat <<E\na\\\nE\nls\nE",
            "cat <<A <<B\nx\nA\ny\nB",
        ),
        *(
            "echo $(cat <<E\nx\nE\n)",
            "echo <(cat <<E\nx\nE\n)",
            "echo `echo \\`ls\\``",
            "a | b > c d",
            "cat <<E -n\nx\nE",
            "ls\x0bx",
        ),
        *(
            "\ud800",
            "a" * (MAX_BYTES + 1),
            "<<E " * 20,
            "`" * 9999,
            "{a," * 5000,
            "ls;\\\n#x",
            "${x" * 200,
            "(" * 100 + "ls" + ")" * 100,
            "a;" * 2000,
            "cat <<E >x | wc\na\nE",
            "ls <> a",
        ),
        *(
            "for ((;;)); do ls; done",
            "x=1 && ls",
            "ls\x00",
            "ls 'é' \\",
            "ls 'a'\\ \n",
            "\\ ls",
            "ls 'a' \\ b",
            "ls >\\ b",
            "cat <<<'a'\\ b",
            "A='a'\\ b ls",
            "{ls;}",
            "if\\\nls; then a; fi",
            "cat <<E\nx\nE \nls",
        ),
    ],
)
def test_what_cannot_be_trusted(text):
    assert read(text).problems


def test_pipelines_have_stages():
    tree = read("a | (b; c) |& d; e | f")
    assert [[stage for _, stage in command.stages] for command in tree.commands] == [[0], [1], [1], [2], [0], [1]]
    assert len({pipeline for command in tree.commands for pipeline, _ in command.stages}) == 2
    fed = read("cat <<E | sh\nls\nE")
    assert [command.stages for command in fed.commands] == [[(8, 0)], [(8, 1)]]


@pytest.mark.parametrize(
    ("text", "stdin"),
    [
        ("sh <<E\nls\nE", "ls\n"),
        ("sh <<E\nls $x\nE", None),
        ("sh <<'E'\nls $x\nE", "ls $x\n"),
        ("sh <<< 'ls x'", "ls x"),
        ("sh <<< $x", None),
        ("sh <<< 'ls' < x", None),
        ("sh <<E\nE", ""),
        ("sh < x", None),
        ("sh > x", None),
        ("sh", None),
    ],
)
def test_the_text_that_a_command_reads(text, stdin):
    assert read(text).commands[0].stdin == stdin


def test_redirections_tell_their_files():
    tree = read("a >b 2>&1 <c >>d &>e 2>'f g'")
    assert [(one.operator, shown(one.target)) for one in tree.redirects] == [
        (">", "b"),
        (">&", "1"),
        ("<", "c"),
        (">>", "d"),
        ("&>", "e"),
        (">", "f g"),
    ]


@pytest.mark.parametrize(
    ("text", "certain"),
    [
        ("cd x", True),
        ("cd 'x' && ls", True),
        ("cd 'x' && ls && a", True),
        ("cd 'x'; ls", False),
        ("cd 'x' || ls", False),
        ("a || cd 'x' && ls", False),
        ("(cd 'x') && ls", False),
        ("cd 'x' | ls", False),
        ("cd 'x' && ls # c", True),
    ],
)
def test_whether_what_follows_depends_on_it(text, certain):
    command = next(command for command in read(text).commands if command.words[0].text == "cd")
    assert command.certain_cd is certain


def test_functions_and_assignments_are_told():
    assert read("function f { ls; }").functions == {"f"}
    assert [command.assigns for command in read("A=b 'ls'; ls").commands] == [True, False]


def test_every_text_is_read():
    for text in many(7, 300):
        read(text)
