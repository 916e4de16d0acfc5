"""The tools that check `deploy/`, in an environment of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


@pytest.fixture(scope="session")
def tools():
    """The folder with the tools' commands."""
    home = ROOT / ".package"
    stamp = home / "installed"
    if not stamp.exists() or stamp.read_text() != REQUIREMENTS.read_text():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, home], check=True)
        needed = ["--python", home / "bin" / "python", "--requirements", REQUIREMENTS]
        subprocess.run([*uv, "pip", "install", "--quiet", *needed], check=True, timeout=300)
        stamp.write_text(REQUIREMENTS.read_text())
    return home / "bin"
