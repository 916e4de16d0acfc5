"""Commands that run other commands: what they run, and what of it can be known."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from litellm_bighub.policy.parts.shell_command import Argv, Word

SHELLS: Final = frozenset({"bash", "sh", "dash", "zsh", "ksh", "ash", "rbash"})
OTHER_SHELLS: Final = frozenset({"pwsh", "powershell", "cmd", "fish", "csh", "tcsh", "nu", "elvish", "xonsh"})
"""Shells with a language that is not read here."""
RESERVED: Final = frozenset(
    {"{", "}", "!", "[", "[[", "]]", "((", "if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done"}
    | {"case", "esac", "in", "function", "select"}
)
CHANGES_MEANING: Final = frozenset(
    {"alias", "unalias", "shopt", "enable", "hash", "source", ".", "trap", "export", "declare", "typeset", "local"}
    | {"readonly", "unset", "let", "read", "mapfile", "readarray", "getopts", "bind", "fc", "umask"}
)
"""After these the same words may run something else."""
_CMDLET: Final = re.compile(r"[A-Z][A-Za-z]+-[A-Z][A-Za-z]+")
_SET: Final = re.compile(r"[-+][euxof]+|pipefail|errexit|nounset|xtrace")
_SHELL_OPTION: Final = re.compile(r"--(?:norc|noprofile|posix|login|restricted)|-[celuxvabfhmpn]+|-[euxc]*o|\+o")
_INTERPRETER: Final = re.compile(
    r"(?:python|pypy|perl|ruby|node|nodejs|deno|bun|php|lua|luajit|Rscript|osascript|tclsh|irb|ghci)[0-9.]*w?"
)
_RUNS_CODE: Final = re.compile(r"-[A-Za-z]*[ceEpr].*|--(?:eval|print|run|exec).*|-")
_EQUALS: Final = re.compile("=")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*\+?=", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wrapper:
    """How a command says what it runs.

    Attributes:
        flags, values: letters of options without and with a value.
        long_flags, long_values: the same for long options.
        operands: how many words stand before the command.
        moves: whether the command runs as somebody else or somewhere else.
        transparent: whether it does nothing but run the command.
        assigns: whether `NAME=value` before the command sets a variable.
        text: whether the words are joined and read by a shell.
    """

    flags: str = ""
    values: str = ""
    long_flags: frozenset[str] = frozenset()
    long_values: frozenset[str] = frozenset()
    operands: int = 0
    moves: bool = False
    transparent: bool = True
    assigns: bool = False
    text: bool = False


_SUDO: Final = Wrapper(
    "AbEHnPSkB",
    "uUgpCDhrtTR",
    frozenset({"non-interactive", "preserve-env", "set-home", "stdin", "background", "askpass"}),
    frozenset({"user", "group", "prompt", "host", "chdir", "close-from", "role", "type"}),
    moves=True,
    transparent=False,
    assigns=True,
)
_DOCKER_EXEC: Final = Wrapper(
    "itd",
    "euw",
    frozenset({"interactive", "tty", "detach", "privileged"}),
    frozenset({"env", "user", "workdir", "env-file", "detach-keys"}),
    operands=1,
    moves=True,
    transparent=False,
)
WRAPPERS: Final[Mapping[str, Wrapper]] = {
    "env": Wrapper("i0v", "u", frozenset({"ignore-environment"}), frozenset({"unset"}), assigns=True),
    "sudo": _SUDO,
    "doas": Wrapper("nsL", "uC", moves=True, transparent=False),
    "nohup": Wrapper(),
    "setsid": Wrapper("cfw", "", frozenset({"ctty", "fork", "wait"})),
    "stdbuf": Wrapper("", "ioe", frozenset(), frozenset({"input", "output", "error"})),
    "nice": Wrapper("", "n", frozenset(), frozenset({"adjustment"})),
    "ionice": Wrapper("t", "cn", frozenset({"ignore"}), frozenset({"class", "classdata"})),
    "timeout": Wrapper(
        "v", "sk", frozenset({"foreground", "preserve-status", "verbose"}), frozenset({"signal", "kill-after"}), 1
    ),
    "time": Wrapper("p", assigns=True),
    "coproc": Wrapper(assigns=True),
    "command": Wrapper("p"),
    "builtin": Wrapper(),
    "exec": Wrapper("cl", "a"),
    "xargs": Wrapper(
        "0rtxpo",
        "EILnPsd",
        frozenset({"null", "no-run-if-empty", "verbose", "exit", "interactive", "open-tty"}),
        frozenset({"delimiter", "max-lines", "max-args", "max-procs", "max-chars", "replace", "eof"}),
    ),
    "chroot": Wrapper("", "", frozenset({"skip-chdir"}), frozenset({"groups", "userspec"}), 1, True, False),
    "flock": Wrapper("exsnuoF", "wE", operands=1, transparent=False),
    "watch": Wrapper("bcdegtx", "n", transparent=False, text=True),
    "strace": Wrapper("fqvyTtrCc", "eopsPE", transparent=False),
    "ssh": Wrapper(
        "1246AaCfGgKkMNnqsTtVvXxYy", "BbcDEeFIiJLlmOoPpQRSWw", operands=1, moves=True, transparent=False, text=True
    ),
    "busybox": Wrapper(transparent=False),
    "toybox": Wrapper(transparent=False),
    "eval": Wrapper(text=True),
}


@dataclass(frozen=True, slots=True)
class Runner:
    """A program that finds, watches or limits the command behind it. Its options are not all known.

    Attributes:
        verbs: behind which word the command stands; behind the name if there are none.
        operands: how many words stand before the command.
    """

    verbs: frozenset[str] = frozenset()
    operands: int = 0


_RUN: Final = Runner(frozenset({"run"}))
_EXEC: Final = Runner(frozenset({"exec", "x", "dlx"}))
_BEHIND_NAME: Final = Runner()
_BEHIND_ONE_WORD: Final = Runner(operands=1)
RUNNERS: Final[Mapping[str, Runner]] = {
    **dict.fromkeys(("uv", "poetry", "pdm", "hatch", "pipenv", "rye", "pipx", "conda", "mamba"), _RUN),
    **dict.fromkeys(("npm", "pnpm", "bundle", "mise"), _EXEC),
    **dict.fromkeys(("yarn", "bun"), Runner(_RUN.verbs | _EXEC.verbs)),
    **dict.fromkeys(("npx", "bunx", "uvx", "unshare", "setpriv", "runuser", "pkexec", "chronic"), _BEHIND_NAME),
    **dict.fromkeys(("noglob", "nocorrect", "-", "systemd-run", "ltrace", "valgrind", "firejail"), _BEHIND_NAME),
    **dict.fromkeys(("bwrap", "proxychains", "proxychains4", "parallel", "xvfb-run", "rtk"), _BEHIND_NAME),
    **dict.fromkeys(("caffeinate", "dbus-run-session"), _BEHIND_NAME),
    **dict.fromkeys(("taskset", "chrt", "faketime"), _BEHIND_ONE_WORD),
    "rustup": Runner(_RUN.verbs, 1),
    "direnv": Runner(frozenset({"exec"}), 1),
    "perf": Runner(frozenset({"stat", "record", "trace"})),
}
TEXT_OPTIONS: Final[Mapping[str, re.Pattern[str]]] = {
    "env": re.compile(r"-[0iv]*S|--split-string"),
    "script": re.compile(r"-[aefq]*c|--command"),
    "flock": re.compile(r"-[nsxuo]*c|--command"),
    "runuser": re.compile(r"-[lmp]*c|--command"),
    "npx": re.compile(r"-c|--call"),
    "npm": re.compile(r"-c|--call"),
    "nix-shell": re.compile(r"--run|--command"),
    "tar": re.compile(r"-I|--use-compress-program|--to-command|--checkpoint-action|--info-script|--rsh-command"),
    "rsync": re.compile(r"-[a-zA-Z]*e|--rsh|--rsync-path"),
    "ssh": re.compile(r"-o"),
    "man": re.compile(r"-P|--pager"),
}
"""By the command: options whose value is a shell text, behind `exec=` or `ProxyCommand=` for some."""
MAX_TEXTS: Final = 8
_BEFORE_TEXT: Final = re.compile(r"(?:exec|ProxyCommand|LocalCommand|KnownHostsCommand)[= ]", re.IGNORECASE)
_SUBSCRIPT: Final = re.compile(r"\w\[.*[$`]", re.DOTALL)
_MODULE: Final = re.compile(r"-[A-Za-z]*m(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Runs:
    """One thing that a command runs.

    Attributes:
        what: the words of a command, or a shell text; `None` if it is not known.
        moved: whether it runs as somebody else or somewhere else.
        assigns: whether variables are set for it.
        guesses: what it may be, if it is not known.
        why: it cannot be known; empty if the command around it decides alone.
    """

    what: Argv | str | None
    moved: bool = False
    assigns: bool = False
    guesses: tuple[Argv, ...] = ()
    why: str = ""


Unwrapped: TypeAlias = tuple[tuple[Runs, ...], bool]
"""What a command runs, and whether it does nothing else."""
_NOTHING: Final[Unwrapped] = ((), False)
_CONTAINERS: Final = frozenset({"docker", "podman", "nerdctl", "kubectl"})
_READ_BY_NAME: Final = (
    *(SHELLS, _CONTAINERS, RESERVED, CHANGES_MEANING, WRAPPERS, RUNNERS, TEXT_OPTIONS),
    frozenset({"find", "su", "command", "printf", "set", "test", "["}),
)


def unwrap(argv: Argv, *, stdin: str | None) -> Unwrapped:
    """What a command runs.

    Args:
        argv: its words.
        stdin: the text that it reads, where that is known.
    """
    name = argv[0].text.rpartition("/")[2]
    if _runs_nothing(name):
        return _NOTHING
    if name in SHELLS:
        return _shell(argv, stdin)
    if name == "find":
        return _find(argv), False
    if name == "su":
        return _su(argv), False
    if name in _CONTAINERS:
        return _container(argv), False
    if name == "command" and len(argv) > 1 and argv[1].text[:2] in {"-v", "-V"}:
        return _NOTHING
    texts = tuple(itertools.islice(_option_texts(argv, name), MAX_TEXTS))
    wrapper = WRAPPERS.get(name)
    if wrapper is None:
        return (*_not_understood(argv, name), *_behind_runner(argv, name), *texts), False
    found = _inner(argv, 1, wrapper)
    if name == "xargs" and found is not None and isinstance(found.what, tuple):
        found = Runs((*found.what, Word("…", sure=False)), found.moved, found.assigns)
    if found is None:
        return texts, False
    return (found, *texts), wrapper.transparent and found.what is not None and not texts


@lru_cache(maxsize=1024)
def _runs_nothing(name: str) -> bool:
    """Whether a command of this name runs nothing else, whatever its words are, as most do."""
    known = any(name in names for names in _READ_BY_NAME)
    return not (known or _INTERPRETER.fullmatch(name) or _is_other_shell(name))


def _is_other_shell(name: str) -> bool:
    return name.lower().removesuffix(".exe") in OTHER_SHELLS or _CMDLET.fullmatch(name) is not None


def _behind_runner(argv: Argv, name: str) -> Iterator[Runs]:
    """What a runner runs, only for rules that block or ask: where its options end is not sure."""
    if _INTERPRETER.fullmatch(name):
        options = itertools.takewhile(lambda at: argv[at].text.startswith("-"), range(1, len(argv)))
        for at in options:
            if (module := _MODULE.fullmatch(argv[at].text)) is not None:
                attached = (Word(module[1], argv[at].sure),) if module[1] else ()
                inner = (*attached, *argv[at + 1 :])
                if inner:
                    yield Runs(inner, moved=True)
                return
    runner = RUNNERS.get(name)
    if runner is None:
        return
    begins = 1 if not runner.verbs else _behind_verb(argv, runner.verbs)
    words = (at for at in range(begins, len(argv)) if not argv[at].text.startswith("-") or argv[at].text == "-")
    first = next(itertools.islice(words, runner.operands, None), None)
    if first is None:
        return
    yield Runs(argv[first:], moved=True)
    before = argv[first - 1].text
    if first > begins and before != "--" and "=" not in before and argv[first + 1 :]:  # it may be an option's value
        yield Runs(None, moved=True, guesses=(argv[first + 1 :],))


def _behind_verb(argv: Argv, verbs: frozenset[str]) -> int:
    """Where the words behind the verb begin, before which only options and their values stand."""
    for at in range(1, len(argv)):
        if argv[at].text in verbs:
            return at + 1
        if not argv[at].text.startswith("-") and not (at > 1 and argv[at - 1].text.startswith("-")):
            break
    return len(argv)


def _option_texts(argv: Argv, name: str) -> Iterator[Runs]:
    """The values of options that a shell reads, for rules that block or ask."""
    option = TEXT_OPTIONS.get(name)
    if option is None:
        return
    for at, word in enumerate(argv[1:], 1):
        found = option.match(word.text)
        if found is None:
            continue
        value = word._replace(text=word.text[found.end() :].removeprefix("="))
        if not value.text and at + 1 < len(argv):
            value = argv[at + 1]
        if value.text and value.sure and not value.glob:
            yield Runs(_BEFORE_TEXT.sub("", value.text, count=1), moved=True)


def _not_understood(argv: Argv, name: str) -> tuple[Runs, ...]:
    """Languages that are not read here, and commands that change what others mean."""
    if name in RESERVED:
        return (_unclear(argv, "its syntax is not understood"),)
    if _is_other_shell(name):
        return (_unclear(argv, "it is for a shell that is not understood"),)
    changes = name in CHANGES_MEANING or (name == "printf" and len(argv) > 1 and argv[1].text.startswith("-v"))
    if changes or (name == "set" and not all(word.sure and _SET.fullmatch(word.text) for word in argv[1:])):
        return (Runs(None, why="it changes what later commands do"),)
    if name in {"test", "["} and any(
        flag.text == "-v" and ("[" in of.text or not of.sure) for flag, of in itertools.pairwise(argv)
    ):  # bash runs the substitutions of `test -v 'a[$(rm x)]'`, quoted or not
        return (Runs(None, why="it evaluates a subscript"),)
    if name in {"test", "[", "printf"} and any(
        _SUBSCRIPT.search(word.text) for word in argv
    ):  # zsh does of every number
        return (Runs(None, why="it evaluates a subscript"),)
    if _INTERPRETER.fullmatch(name):
        operands = [word for word in argv[1:] if not word.text.startswith("-")]
        before = argv[1 : argv.index(operands[0])] if operands else argv[1:]
        if not operands or operands[0].text == "eval" or any(_RUNS_CODE.fullmatch(word.text) for word in before):
            version = len(argv) == 2 and argv[1].text in {"--version", "-V", "-v", "--help"}
            return () if version else (Runs(None, why="it runs a program that is not read"),)
    return ()


def _unclear(argv: Argv, why: str = "what it runs cannot be told") -> Runs:
    """Any of its words may be where the command begins."""
    return Runs(None, guesses=tuple(argv[at:] for at in range(1, min(len(argv), 33))), why=why)


def _inner(argv: Argv, at: int, wrapper: Wrapper) -> Runs | None:
    """The command behind a wrapper's options; `None` if there is none."""
    found = _behind_options(argv, at, wrapper)
    if found is None:
        return _unclear(argv)
    at = found
    if any(not word.sure for word in argv[at : at + wrapper.operands]):
        return _unclear(argv)
    at += wrapper.operands
    assigns = False
    keyword = argv[0].text in {"time", "coproc"}  # for which only a name can be set
    while wrapper.assigns and at < len(argv) and (_ASSIGNMENT.match if keyword else _EQUALS.search)(argv[at].text):
        assigns, at = True, at + 1
    inner = argv[at:]
    if not inner:
        return None
    if not wrapper.text:
        return Runs(inner, wrapper.moves, assigns)
    if all(word.sure and not word.glob for word in inner):
        return Runs(" ".join(word.text for word in inner), wrapper.moves, assigns)
    return _unclear(argv)


def _behind_options(argv: Argv, at: int, wrapper: Wrapper) -> int | None:
    while at < len(argv):
        word = argv[at]
        if not word.sure:
            return None
        text = word.text
        if not text.startswith("-") or text == "-":
            return at
        at += 1
        if text == "--":
            return at
        if text.startswith("--"):
            name, equals, _ = text[2:].partition("=")
            if name not in wrapper.long_flags | wrapper.long_values:
                return None
            at += name in wrapper.long_values and not equals
            continue
        for index, letter in enumerate(text[1:], 2):
            if letter in wrapper.values:
                at += index == len(text)
                break
            if letter not in wrapper.flags:
                return None
    return at


def _shell(argv: Argv, stdin: str | None) -> Unwrapped:
    """`bash -c`, a script, or a shell that reads its commands."""
    options = _shell_options(argv)
    if options is None:
        return (_unclear(argv),), False
    at, takes_text = options
    if takes_text and at < len(argv):
        text = argv[at]
        if text.sure and not text.glob:
            return (Runs(text.text),), True
        return (_unclear(argv),), False
    if at < len(argv) and argv[at].text != "-":
        return _NOTHING if argv[at].sure else ((_unclear(argv),), False)
    if stdin is not None:
        return (Runs(stdin),), True
    return (Runs(None, why="a shell reads commands that are not in the call"),), False


def _shell_options(argv: Argv) -> tuple[int, bool] | None:
    """Where the words behind the options begin, and whether the first is the text; `None` if that is not sure."""
    takes_text, at = False, 1
    while at < len(argv) and argv[at].text[:1] in {"-", "+"} and len(argv[at].text) > 1:
        word = argv[at]
        at += 1
        if word.text == "--":
            break
        if not word.sure or not _SHELL_OPTION.fullmatch(word.text):
            return None
        if not word.text.startswith("--"):
            at += word.text.endswith("o")
            takes_text = takes_text or "c" in word.text
    return at, takes_text


def _su(argv: Argv) -> tuple[Runs, ...]:
    for at, word in enumerate(argv[1:], 1):
        if word.text in {"-c", "--command"} and at + 1 < len(argv) and argv[at + 1].sure:
            return (Runs(argv[at + 1].text, moved=True),)
    return (_unclear(argv),)


def _container(argv: Argv) -> tuple[Runs, ...]:
    """`docker exec` is read; of others that run something only that they do is known."""
    for at, word in enumerate(argv[1:], 1):
        if word.text == "exec" and at == 1 and not argv[0].text.endswith("kubectl"):
            found = _inner(argv, 2, _DOCKER_EXEC)
            return () if found is None else (found,)
        if word.text in {"exec", "run"}:
            return (_unclear(argv),)
    return ()


def _find(argv: Argv) -> tuple[Runs, ...]:
    """What `-exec` and its like run, up to `;` or `+`."""
    found: list[Runs] = []
    at = 1
    while at < len(argv):
        if argv[at].text in {"-exec", "-execdir", "-ok", "-okdir"}:
            end = next((end for end in range(at + 1, len(argv)) if argv[end].text in {";", "+"}), len(argv))
            inner = argv[at + 1 : end]
            if inner:
                found.append(Runs(tuple(Word(word.text, word.sure and "{}" not in word.text) for word in inner)))
            at = end
        at += 1
    return tuple(found)
