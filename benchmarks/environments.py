"""Python environments of their own for what is compared with us, made once and kept in `.bench`."""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent.parent / ".bench"
READY = "ready"
OURS = "litellm-bighub"


def python_with(*requirements):
    """The path of a Python that has these packages installed."""
    name = requirements[0].partition("=")[0] + "-" + hashlib.sha256(repr(requirements).encode()).hexdigest()[:8]
    environment = FOLDER / name
    python = environment / "bin" / "python"
    if not (environment / READY).exists():
        print(f"installing {requirements[0]} into {environment}", flush=True)
        shutil.rmtree(environment, ignore_errors=True)  # as a run that was ended left it
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
        install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", python]
        subprocess.run([*install, *requirements], check=True)
        (environment / READY).touch()
    return str(python)


def python_like_ours_with(requirement):
    """One that has our packages too, without this one: what is missing makes LiteLLM search for it in each request."""
    ours = {f"{each.name}=={each.version}" for each in importlib.metadata.distributions() if each.name != OURS}
    return python_with(requirement, *sorted(ours))
