"""Whether the installed LiteLLM is one that this package supports."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from litellm_bighub.doctor.findings import Finding, Level

_OURS, _LITELLM = "litellm-bighub", "litellm"


def litellm_release(installed: str | None = None) -> Finding:
    """What to say of the release, by default the one that is installed."""
    installed = installed or version(_LITELLM)
    try:
        wanted = next(parsed for line in requires(_OURS) or () if (parsed := Requirement(line)).name == _LITELLM)
    except (PackageNotFoundError, StopIteration):
        return Finding(Level.NOTE, _LITELLM, f"{installed}; {_OURS} is not installed as a package")
    if wanted.specifier.contains(installed, prereleases=True):
        return Finding(Level.FINE, _LITELLM, f"{installed} is supported ({wanted.specifier})")
    return Finding(Level.OFF, _LITELLM, f"{installed} is not supported ({wanted.specifier})")
