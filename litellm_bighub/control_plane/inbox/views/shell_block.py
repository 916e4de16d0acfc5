"""Commands for a shell: each of a compound on a line of its own, and those that destroy marked.

The lines are the text itself, broken before `&&`, `||` and `|` and behind `;` outside of quotes. Which commands destroy
is told by the parsed text, through `bash -c`, `sudo`, `xargs` and other wrappers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from litellm_bighub.control_plane.inbox.views.text_block import Line, TextBlock, folded, split_lines
from litellm_bighub.control_plane.inbox.views.text_runs import text_runs
from litellm_bighub.policy.parts import shell_parts
from litellm_bighub.policy.parts.command_pattern import CommandPattern
from litellm_bighub.policy.parts.part import Part, Unknown
from litellm_bighub.policy.parts.path_use import Directories
from litellm_bighub.policy.parts.shell_command import Argv, Command, Pipeline

_MOST_LINES: Final = 80
"""So many are looked at one by one."""
_DOWNLOADS: Final = "runs what it downloads"
_DANGERS: Final[dict[str, tuple[str, ...]]] = {
    "destroys": (
        *("rm *", "rmdir *", "shred *", "dd *", "truncate *", "wipefs *", "mkfs *", "mkfs.* *", "unlink *"),
        *("git push * --force *", "git push * -f *", "git push * --force-with-lease *", "git push * --delete *"),
        *("git reset * --hard *", "git clean *", "git checkout -- *", "git branch * -D *", "git stash drop *"),
        *("find * -delete *", "rsync * --delete *", "kubectl delete *", "helm uninstall *", "terraform destroy *"),
        *("docker rm *", "docker rmi *", "docker volume rm *", "docker system prune *", "dropdb *"),
        *("aws s3 rm *", "aws s3 rb *", "gh repo delete *", "crontab -r *"),
    ),
    "stops something": ("kill *", "killall *", "pkill *", "shutdown *", "reboot *", "halt *", "systemctl stop *"),
    "changes who may do what": ("chmod *", "chown *", "sudo *", "su *", "doas *", "usermod *", "passwd *", "visudo *"),
    _DOWNLOADS: tuple(
        f"{fetch} * | {shell} *"
        for fetch in ("curl", "wget")
        for shell in ("sh", "bash", "zsh", "dash", "sudo sh", "sudo bash", "sudo", "python", "python3", "perl", "node")
    ),
    "publishes": ("npm publish *", "twine upload *", "cargo publish *", "docker push *", "gem push *"),
}
_PATTERNS: Final = tuple(
    (told, CommandPattern.compile(pattern)) for told, patterns in _DANGERS.items() for pattern in patterns
)
_BREAK: Final = re.compile(r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|&&|\|\||\|&|\||;;&|;;|;&|;", re.DOTALL)


def shell_block(text: str, longest: int | None = None) -> TextBlock:
    """A text that a shell runs."""
    shown = text if longest is None else text[:longest]
    parts = _parts(text)
    notes = [*dict.fromkeys(_notes(parts))]
    notes += [f"not understood: {part.shown}" for part in parts if isinstance(part, Unknown)]
    most = (*notes[:8], *([f"and {len(notes) - 8} more"] if len(notes) > 8 else []))
    block = TextBlock((), language="shell", notes=most, left_out=len(text) - len(shown))
    whole = {part.argv: said for part in parts if isinstance(part, Command) and (said := _dangers(part))}
    return folded(_lines(shown, whole), block)


def _parts(text: str) -> Sequence[Part]:
    return shell_parts.of_text(text.encode("utf-8", "replace").decode(), Directories.at(""))


def _dangers(part: Part) -> list[str]:
    if not isinstance(part, Command):
        return []
    return list(dict.fromkeys(told for told, pattern in _PATTERNS if pattern.fits(part, allows=False)))


def _notes(parts: Sequence[Part]) -> Iterator[str]:
    """What is dangerous, once for each command; a download that is run is told once for its whole pipeline."""
    told_of: set[Pipeline] = set()
    for part in parts:
        for told in _dangers(part):
            if told == _DOWNLOADS and isinstance(part, Command):
                pipelines = {pipeline for pipeline, _ in part.pipelines}
                if pipelines & told_of:
                    continue
                told_of |= pipelines
            yield f"{told}: {_short(part)}"


def _short(part: Part) -> str:
    return part.shown if len(part.shown) <= 100 else f"{part.shown[:100]}\u2026"


def _lines(text: str, whole: Mapping[Argv, Sequence[str]]) -> Iterator[Line]:
    """The lines; one is marked for a command that destroys by itself, or that does so within the whole text."""
    names = {argv[0].text for argv in whole}
    looked_at = 0
    for number, piece in _pieces(text):
        told: list[str] = []
        if whole:
            looked_at += 1
            if looked_at > _MOST_LINES:
                told = ["not looked at by itself"] if any(name in piece for name in names) else []
            else:
                for part in _parts(piece.lstrip("|& ")):
                    told += _dangers(part)
                    told += whole.get(part.argv, ()) if isinstance(part, Command) else ()
        shown = piece if number is not None else piece.lstrip(" ")
        yield Line(text_runs(shown), "danger" if told else "", number, ", ".join(dict.fromkeys(told)))


def _pieces(text: str) -> Iterator[tuple[int | None, str]]:
    """The text in pieces, each with its line's number if it begins one. Joined, with line breaks, they are the text."""
    number = 1
    begins_line = True
    for piece in _between_operators(text):
        for at, line in enumerate(split_lines(piece)):
            number, begins_line = (number + 1, True) if at else (number, begins_line)
            if not line and not begins_line:  # what an operator at the end of a line leaves of it
                continue
            yield (number if begins_line else None), line
            begins_line = False
        if piece.endswith("\n"):
            number, begins_line = number + 1, True


def _between_operators(text: str) -> Iterator[str]:
    at = 0
    for found in _BREAK.finditer(text):
        operator = found[0]
        if operator[0] in "\\'\"":
            continue
        cut = found.end() if operator[0] == ";" else found.start()
        if text[at:cut].strip():
            yield text[at:cut]
            at = cut
    if text[at:] or not text:
        yield text[at:]
