"""What commands run that run others."""

from __future__ import annotations

import shlex

import pytest

from litellm_bighub.policy.parts.shell_command import Word
from litellm_bighub.policy.parts.shell_wrappers import unwrap


def words(text):
    """Words of a text; one that begins with `$` is not known yet."""
    return tuple(Word(word, sure=not word.startswith("$")) for word in shlex.split(text))


def ran(text, stdin=None):
    runs, nothing_else = unwrap(words(text), stdin=stdin)
    told = [
        run.what if run.what is None or isinstance(run.what, str) else [word.text for word in run.what] for run in runs
    ]
    return told, nothing_else


@pytest.mark.parametrize(
    ("text", "what"),
    [
        *(("env ls", ["ls"]), ("env -i A=b ls", ["ls"]), ("env -u X ls", ["ls"]), ("env --unset=X X^=1 ls", ["ls"])),
        *(
            ("timeout 5 ls x", ["ls", "x"]),
            ("timeout -s KILL -k5 5 ls", ["ls"]),
            ("timeout --signal KILL 5 ls", ["ls"]),
        ),
        *(
            ("nohup ls", ["ls"]),
            ("nice -n 3 ls", ["ls"]),
            ("time -p ls", ["ls"]),
            ("time A=b ls", ["ls"]),
            ("exec -a x ls", ["ls"]),
        ),
        *(
            ("command ls", ["ls"]),
            ("xargs -0 -n 1 rm", ["rm", "…"]),
            ("xargs -- rm", ["rm", "…"]),
            ("stdbuf -oL ls", ["ls"]),
        ),
        *(
            ("bash -c 'ls x'", "ls x"),
            ("bash -lc ls", "ls"),
            ("bash -eo pipefail -c ls", "ls"),
            ("sh --norc -c -e ls", "ls"),
        ),
        *(
            ("eval ls 'a b'", "ls a b"),
            ("bash +o posix -c ls", "ls"),
            ("/bin/bash -c ls", "ls"),
            ("bash -c -- ls", "ls"),
        ),
    ],
)
def test_wrappers_that_do_nothing_else(text, what):
    assert ran(text) == ([what], True)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        *(
            ("sudo -u me ls", ["ls"]),
            ("sudo A=b ls", ["ls"]),
            ("doas ls", ["ls"]),
            ("chroot / ls", ["ls"]),
            ("ssh -p 22 host ls x", "ls x"),
        ),
        *(
            ("su -c ls", "ls"),
            ("docker exec -it box ls", ["ls"]),
            ("flock x ls", ["ls"]),
            ("watch -n 1 ls", "ls"),
            ("busybox ls", ["ls"]),
        ),
        *(("find . -exec rm {} +", ["rm", "{}"]), ("find . -ok rm", ["rm"])),
    ],
)
def test_wrappers_that_do_more(text, what):
    assert ran(text) == ([what], False)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "sudo --odd ls",
            "timeout $X ls",
            "timeout -- $X ls",
            "eval ls $X",
            "nice $X ls",
            "eval $X",
            "bash -c $X",
            "bash $X",
            "bash $-c ls",
            "bash -i",
            "bash",
        ),
        *(
            "bash --rcfile x",
            "su",
            "su -c $X",
            "docker run x ls",
            "kubectl exec x -- ls",
            "docker exec --odd x",
            "{ ls",
            "if x",
            "pwsh x",
        ),
        *(
            "cmd.exe /c dir",
            "Remove-Item x",
            "alias a=b",
            "export A=b",
            "printf -v A b",
            "test -v 'a[$(rm x)]'",
            "test x -a -v 'a[`rm x`]'",
            "[ -v 'a[$(rm x)]' ]",
            "test -v $X",
            "test 1 -eq 'a[$(rm x)]'",
            "printf %d 'a[`rm x`]'",
            "set -k",
            "set x",
            "python -c x",
            "python3.11 -",
            "node",
        ),
        *("deno eval x", "perl -ne x", "bash -", "ruby -e x"),
    ],
)
def test_what_is_not_known(text):
    assert ran(text)[0] == [None]
    assert not ran(text)[1]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "ls",
            "bash x.sh",
            "env",
            "timeout 5",
            "sudo",
            "command -v ls",
            "docker ps",
            "docker exec x",
            "find . -name x",
            "find . -exec",
        ),
        *(
            "python x.py",
            "python --version",
            "set -euo pipefail",
            "printf a",
            "test -v A",
            "test -f 'a[1]'",
            "node -r x.js"[:4] + " x.js",
            "xargs",
            "git log",
        ),
    ],
)
def test_what_runs_nothing_else(text):
    assert ran(text) == ([], False)


def test_a_shell_runs_the_text_that_it_reads():
    assert ran("bash", "ls") == (["ls"], True)
    assert ran("bash -", "ls") == (["ls"], True)


def test_what_is_moved_or_set_is_told():
    assert unwrap(words("sudo ls"), stdin=None)[0][0].moved
    assert unwrap(words("env A=b ls"), stdin=None)[0][0].assigns
    assert [word.sure for word in unwrap(words("find . -exec rm {} +"), stdin=None)[0][0].what] == [True, False]
    assert unwrap(words("nice --odd rm x"), stdin=None)[0][0].guesses[1] == words("rm x")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("uv run ls x", [["ls", "x"]]),
        ("uv --offline run ls", [["ls"]]),
        ("uv --project x run ls", [["ls"]]),
        ("uv run --with x ls", [["x", "ls"], None]),
        ("uv run --with=x ls y", [["ls", "y"]]),
        ("uv run -- ls x", [["ls", "x"]]),
        ("uv add run ls", []),
        ("uv run", []),
        ("uv --offline", []),
        ("npm exec ls", [["ls"]]),
        ("npm run ls", []),
        ("npx ls", [["ls"]]),
        ("npx -c 'ls x'", [["ls x"], "ls x"]),
        ("- ls", [["ls"]]),
        ("taskset 1 ls", [["ls"]]),
        ("taskset 1", []),
        ("direnv exec . ls", [["ls"]]),
        ("python -m pytest x", [["pytest", "x"]]),
        ("python3 -Impytest x", [None, ["pytest", "x"]]),
        ("python -m", [None]),
        ("python x.py -m y", []),
        ("script -qc ls", ["ls"]),
        ("tar --checkpoint-action=exec=ls", ["ls"]),
        ("tar -I ls x", ["ls"]),
        ("tar -I", []),
        ("tar -I $X", []),
        ("rsync -e 'ls x' a", ["ls x"]),
        ("ssh -oProxyCommand='ls x' host", ["ls x"]),
        ("env -S 'ls x'", [None, "ls x"]),
        ("env --split-string=ls", [None, "ls"]),
    ],
)
def test_what_runners_and_options_run_only_restricts(text, what):
    runs, nothing_else = unwrap(words(text), stdin=None)
    assert ran(text)[0] == what
    assert not nothing_else
    assert all(run.moved or run.why for run in runs)


def test_a_runner_whose_options_are_not_known_may_run_the_next_word():
    runs, _ = unwrap(words("uv run --with x ls y"), stdin=None)
    assert (runs[1].guesses, runs[1].why) == ((words("ls y"),), "")
