"""A real bash in a folder of its own, where every command is a stub that records its words.

The folder is the root of its processes (`chroot`): no absolute path leads to a real program or a real file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

REAL = ("bash", "sh", "env", "timeout", "nohup", "nice", "xargs", "setsid", "find", "stdbuf")
"""Shells and wrappers, which have to do what they do."""
STUBS = (
    *("ls", "cat", "echo2", "git", "rm", "dd", "curl", "wget", "uv", "npm", "grep", "head", "tail", "mv", "cp", "tee"),
    *("chmod", "touch", "python3", "node", "sudo", "ssh", "docker", "make", "sed", "awk", "sleep", "a", "b", "wc"),
)
_STUB = """#!/bin/sh
n="$COMMAND_NUMBER"
[ -n "$n" ] || read -r n </current
out="${0##*/}"
for word; do out="$out\037$word"; done
printf '%s\036' "$out" >>"/logs/$n"
"""
_DRIVER = """
ulimit -t 2 -f 2000 -u 400 2>/dev/null
for file in /commands/*; do
  name="${file##*/}"
  echo "$name" >/current
  IFS= read -r -d '' text <"$file"
  (cd /repo && COMMAND_NUMBER="$name" exec /bin/bash --norc --noprofile -c "$text") </dev/null >/dev/null 2>&1
done
exit 0
"""


def is_possible() -> bool:
    """Whether this machine has what a sandbox needs."""
    if shutil.which("bash") is None or shutil.which("chroot") is None:
        return False
    return subprocess.run([*_prefix(), "true"], capture_output=True, check=False).returncode == 0


def _prefix() -> list[str]:
    return ["unshare", "--map-root-user", "--pid", "--fork", "--net"]


class Sandbox:
    """A root with a bash, stubs and a workspace `/repo`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("bin", "stubs", "logs", "commands", "repo/src", "etc", "home/u", "tmp", "dev"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "etc/passwd").write_text("root\n")
        (root / "dev/null").write_text("")
        for name in ("a", "src/b", "-rf", ".env"):
            (root / "repo" / name).write_text("")
        for name in REAL:
            self._copy(name, "stubs")
        self._copy("bash", "bin")
        self._copy("sh", "bin")
        for name in STUBS:
            stub = root / "stubs" / name
            stub.write_text(_STUB)
            stub.chmod(0o755)

    def _copy(self, name: str, folder: str) -> None:
        source = shutil.which(name)
        if source is None:
            return
        shutil.copy(os.path.realpath(source), self.root / folder / name)
        listed = subprocess.run(["ldd", source], capture_output=True, text=True, check=False).stdout
        for word in listed.split():
            if word.startswith("/"):
                library = self.root / word.lstrip("/")
                library.parent.mkdir(parents=True, exist_ok=True)
                if not library.exists():
                    shutil.copy(os.path.realpath(word), library)

    def run(self, commands: Iterable[str]) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
        """Run each command, and give the words of everything that ran."""
        named = {f"{number:06}": command for number, command in enumerate(commands)}
        for folder in ("logs", "commands"):
            shutil.rmtree(self.root / folder)
            (self.root / folder).mkdir()
        for name, command in named.items():
            (self.root / "commands" / name).write_text(command)
        (self.root / "driver").write_text(_DRIVER)
        subprocess.run(
            [*_prefix(), "env", "-i", "PATH=/stubs", "HOME=/home/u", "LC_ALL=C.UTF-8",
             shutil.which("chroot") or "chroot", str(self.root), "/bin/bash", "--norc", "--noprofile", "/driver"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=600, check=True,
        )  # fmt: skip
        for name, command in named.items():
            log = self.root / "logs" / name
            records = log.read_text(errors="surrogateescape").split("\036")[:-1] if log.exists() else []
            yield command, [tuple(record.split("\037")) for record in records]

    def files(self) -> dict[str, int]:
        """What is outside of the workspace, with sizes."""
        return {
            str(path.relative_to(self.root)): path.stat().st_size
            for path in self.root.rglob("*")
            if path.is_file() and not path.is_symlink() and path.relative_to(self.root).parts[0] not in _OWN
        }


_OWN = {"repo", "logs", "commands", "current", "driver", "dev"}
