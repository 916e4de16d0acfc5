"""The parts of shell texts, and a real bash as the judge of them."""

from __future__ import annotations

import time

import pytest

from litellm_bighub.policy.parts.path_use import Directories, PathUse
from litellm_bighub.policy.parts.shell_command import Command
from litellm_bighub.policy.parts.shell_parts import of_argv, of_text
from tests.policy.parts import bash_sandbox
from tests.policy.parts.generated_commands import many

REPO = Directories.at("/repo")
UNKNOWN_INPUT = "unknown what it reads is known only when it runs"
UNKNOWN_FOLDER = "unknown its folder is known only when it runs"


def parts(text):
    """Each part in a line, in brackets if it only restricts; operands inside the workspace are left out."""
    found = of_text(text, REPO)
    inside = {f"{use} /repo" for use in ("read", "write")}
    lines = [(f"{part.kind} {part.shown}", part.restricts_only) for part in found]
    return [
        f"({line})" if only else line for line, only in lines if not (only and line[: line.find("/repo") + 5] in inside)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("git status", ["command git status"]),
        ("timeout 5 ls src", ["(command timeout 5 ls src)", "command ls src"]),
        ("./timeout 5 ls", ["command ./timeout 5 ls", "command ls"]),
        ("sudo rm x", ["command sudo rm x", "(command rm x)"]),
        ("bash -c 'ls; rm x'", ["(command bash -c ls; rm x)", "command ls", "command rm x"]),
        ("cat /etc/x", ["command cat /etc/x", "read /etc/x"]),
        ("cp a /etc/x", ["command cp a /etc/x", "read /etc/x", "write /etc/x"]),
        ("cd /etc && cat x", ["command cd /etc", "command cat x", "read /etc", "read /etc/x"]),
        ("cd src && cat ../x", ["command cd src", "command cat ../x"]),
        ("cd src; cat ../x", ["command cd src", "command cat ../x", "read /x"]),
        ("cd; cat x", ["command cd", "command cat x", "read ~", "read ~/x"]),
        ("cd - && cat x", ["command cd -", "command cat x", "read <a path>", UNKNOWN_FOLDER]),
        ("cd a b", ["command cd a b", UNKNOWN_FOLDER]),
        ("cd $X && cat x", ["command cd <$X>", "command cat x", "read <a path>", UNKNOWN_FOLDER]),
        ("pushd x && cat x", ["command pushd x", "command cat x", "read <a path>", UNKNOWN_FOLDER]),
        (
            "command cd x && cat x",
            ["(command command cd x)", "command cd x", "command cat x", "read <a path>", UNKNOWN_FOLDER],
        ),
        ("uv run --with x rm y", ["command uv run --with x rm y", "(command x rm y)", "(command rm y)"]),
        ("ls >! x", ["command ls x", "unknown a file is known only when it runs"]),
        ("grep -A /x /y z", ["command grep -A /x /y z", "read /x", "read /y"]),
        ("grep -- /x y", ["command grep -- /x y"]),
        ("rg -g", ["command rg -g"]),
        ("cat <<< a", ["command cat"]),
        ("cat <<< $X", ["command cat", UNKNOWN_INPUT]),
        ("cat <<E\na$X\nE", ["command cat", UNKNOWN_INPUT]),
        ("cat <<E\n$1\nE", ["command cat", UNKNOWN_INPUT]),
        ("cat <<E\na\\$X $ \nE", ["command cat"]),
        ("cat <<'E'\n$X\nE", ["command cat"]),
        ("git diff -- '/*.c'", ["command git diff -- /*.c", "read /*.c", "write /*.c"]),
        ("sudo cat /x", ["command sudo cat /x", "(command cat /x)", "read /x", "write /x"]),
        ("ls > out", ["command ls", "write /repo/out"]),
        ("ls < in", ["command ls", "read /repo/in"]),
        ("ls > /dev/null 2>&1 >&-", ["command ls"]),
        ("ls > $X", ["command ls", "unknown a file is known only when it runs"]),
        ("ls > *", ["command ls", "unknown a file is known only when it runs"]),
        ("$X", ["unknown its command is known only when it runs"]),
        ("", ["unknown it holds no command"]),
        ("f() { ls; }; f", ["command ls", "command f", "unknown it calls a function of its own"]),
        ("f() { ls; }; ls", ["command ls", "command ls"]),
        ("grep /x y", ["command grep /x y"]),
        ("grep -e x /y", ["command grep -e x /y", "read /y"]),
        ("grep x /y", ["command grep x /y", "read /y"]),
        ("grep /y /y /y", ["command grep /y /y /y", "read /y"]),
        ("gcc -I/x --out=/y -Wl,/z a:/b", None),
        ("curl https://a/b", ["command curl https://a/b"]),
        ("curl file:///b", ["command curl file:///b", "read /b", "write /b"]),
        ("curl -d @/b", ["command curl -d @/b", "read /b", "write /b"]),
        ("curl x:", ["command curl x:"]),
        ("gcc -vf/x", ["command gcc -vf/x", "read /x", "write /x"]),
        ("echo /etc/x", ["command echo /etc/x"]),
        ("cat $HOME/x", ["command cat <~/x>", "read ~/x"]),
        ("cat /dev/null", ["command cat /dev/null"]),
        ("ls /usr/*", ["command ls /usr/*", "read /usr/*"]),
        ("{ x", None),
    ],
)
def test_the_parts_of_a_text(text, expected):
    assert expected is None or parts(text) == expected


def test_what_may_be_a_path_in_an_option():
    found = parts("gcc -I/x --out=/y -Wl,/z a:/b -ab/c")
    assert {f"write {path}" for path in ("/x", "/y", "/z", "/b", "/c")} <= set(found)


def test_nesting_is_bounded():
    text = "ls"
    for _ in range(5):
        text = "bash -c " + "'" + text.replace("'", "'\\''") + "'"
    assert "command ls" in parts(text)
    assert "unknown it is too deeply nested" in parts("nohup " * 20 + "ls")
    assert "unknown it is too deeply nested" in parts("eval " * 20 + "ls")
    assert any(part.kind == "unknown" for part in of_text("; ".join(f"cp /a{n} /b{n}" for n in range(300)), REPO))


def test_the_numbers_of_pipelines_do_not_meet():
    found = [part for part in of_text("a | b; bash -c 'c | d' | e", REPO) if isinstance(part, Command)]
    places = {part.shown: [stage for _, stage in part.pipelines] for part in found}
    assert places["c"] == [0, 0]
    assert places["d"] == [0, 1]
    assert places["e"] == [1]


def test_words_without_a_shell():
    assert "ls a;b" in [part.shown for part in of_argv(["ls", "a;b"], REPO)]
    assert [part.kind for part in of_argv([], REPO)] == ["unknown"]
    assert [part.kind for part in of_argv(["a\0"], REPO)] == ["unknown"]


def is_one_of(record, commands):
    """Whether what ran is a command that was found. One with words that were not known may be any."""
    for command in commands:
        name, *words = command.argv
        if name.sure and name.text.rpartition("/")[2] != record[0]:
            continue
        expected = tuple("/home/u" + word.text[1:] if word.text[:2] in {"~", "~/"} else word.text for word in words)
        if expected == record[1:] or any(not word.sure or word.glob for word in words):
            return True
    return False


@pytest.mark.skipif(not bash_sandbox.is_possible(), reason="needs unshare and chroot")
def test_a_real_bash_runs_no_command_that_was_not_found(tmp_path):
    """A text in which everything is understood. The others are no measure: something in them is not known."""
    found = {text: of_text(text, REPO) for text in many(11, 2500)}
    known = {text: taken for text, taken in found.items() if all(part.kind != "unknown" for part in taken)}
    assert len(known) > 800
    missed = [
        (text, words)
        for text, records in bash_sandbox.Sandbox(tmp_path).run(known)
        for words in records
        if not is_one_of(words, [part for part in known[text] if isinstance(part, Command)])
    ]
    assert missed == []


def test_no_text_takes_long_and_none_raises():
    """In seconds of the processor, so that a busy machine does not count."""
    hostile = [
        "<<E\n" * 3000,
        "${" * 5000,
        "(" * 5000,
        '"$(' * 3000,
        "`" * 9999,
        "{a," * 5000,
        "if " * 5000,
        "a;" * 8000,
        "'" * 9999,
    ]
    for text in [*many(13, 300), *hostile]:
        times = []
        for _ in range(3):  # the quickest of three: collecting garbage is not ours
            started = time.process_time()
            assert of_text(text, REPO)
            times.append(time.process_time() - started)
        assert min(times) < 0.2, text[:50]


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("grep -f.env x", ".env"),
        ("grep -rf.env x", ".env"),
        ("grep -rnf../a x", "../a"),
        ("sed -nfsecrets x", "secrets"),
        (f"grep -{'n' * 100}f.env x", ".env"),
        ("curl -d@.env x", ".env"),
        ("tar -cT.env", ".env"),
        ("sort --files0-from=.env", ".env"),
        ("git --git-dir=../b status", "../b"),
    ],
)
def test_the_value_behind_letters_of_options_may_be_a_file(command, path):
    found = [part.path for part in of_text(command, Directories()) if isinstance(part, PathUse)]
    assert path in found


@pytest.mark.parametrize(
    ("command", "folders"),
    [
        ("git status", []),
        ("cd /repo && git status", []),
        ("cd a && git status", ["/repo/a"]),
        ("cd a; git status", ["/repo/a"]),
        ("cd a && ls", []),
        ("cd /a && git status", []),
        ("cd a && /bin/git status", ["/repo/a"]),
        ("cd a && bash -c 'git log'", ["/repo/a"]),
    ],
)
def test_git_looks_for_a_repository_where_it_runs(command, folders):
    found = [
        part for part in of_text(command, REPO) if isinstance(part, PathUse) and (part.path or "").endswith("/.git")
    ]
    assert [(part.path, part.restricts_only) for part in found] == [(f"{folder}/.git", True) for folder in folders]


@pytest.mark.parametrize(
    ("command", "glob"),
    [
        ("git diff -- '*.env'", True),
        ("rg -g '*.env' x", True),
        ("rg -g'*.env' x", True),
        ("grep -r --include='*.env' x", True),
        ("grep --include '*.env' -r x", True),
        ("grep -e '*.env' x", False),
        ("cat '*.env'", False),
        ("cat *.env", True),
    ],
)
def test_some_commands_replace_wildcards_themselves(command, glob):
    found = [part for part in of_text(command, Directories()) if isinstance(part, PathUse)]
    assert [part.glob for part in found if part.path == "*.env" and part.kind == "read"] == [glob]
