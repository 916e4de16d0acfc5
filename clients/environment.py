"""Where the clients are installed: `.clients/`, made anew when what it was made of has changed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
HOME = HERE.parent / ".clients"
PYTHON = HOME / "python" / "bin" / "python"
MODULES = HOME / "node_modules"
_MADE_OF = ("requirements.txt", "package.json", "package-lock.json")


def install() -> None:
    """Install Python's and Node's clients, unless these very versions are there.

    Raises:
        RuntimeError: something to install with is missing.
        subprocess.CalledProcessError: an installation failed; it printed why.
    """
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in _MADE_OF)).hexdigest()
    stamp = HOME / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise RuntimeError("node and npm are needed to drive the clients that are written in JavaScript")
    HOME.mkdir(exist_ok=True)
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(HOME / "python")], check=True)
    needed = ["--python", str(PYTHON), "--requirements", str(HERE / "requirements.txt")]
    subprocess.run([*uv, "pip", "install", "--quiet", *needed], check=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, HOME / name)
    quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"]
    subprocess.run([npm, "ci", *quiet], check=True, cwd=HOME)
    # The only script that is needed: it puts the program for this machine into its place.
    subprocess.run(["node", "install.cjs"], check=True, cwd=MODULES / "@anthropic-ai" / "claude-code")
    stamp.write_text(wanted)


def without_proxies() -> dict[str, str]:
    """This process's environment, without what would lead a client past the gateway."""
    hidden = ("ANTHROPIC_", "OPENAI_", "CLAUDE", "CODEX_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {key: value for key, value in os.environ.items() if not key.upper().startswith(hidden)}
