"""What to say of the installed LiteLLM."""

from __future__ import annotations

from litellm_bighub.doctor.findings import Finding, Level
from litellm_bighub.gateway.setup.litellm_release import SUPPORTED, installed_release, is_hijacked, is_supported

_LITELLM = "litellm"


def litellm_release(installed: str | None = None, *, allowed: bool = False) -> Finding:
    """What to say of the release, by default the one that is installed.

    Args:
        installed: in its place.
        allowed: whether all guardrails of ours start on a release that is not supported.
    """
    installed = installed_release() if installed is None else installed
    if is_supported(installed):
        return Finding(Level.FINE, _LITELLM, f"{installed} is supported ({SUPPORTED})")
    says = f"{installed or 'a release without a version'} is not supported ({SUPPORTED})"
    if is_hijacked(installed):
        return Finding(Level.OFF, _LITELLM, f"{installed} was hijacked: remove it ({SUPPORTED} is supported)")
    if allowed:
        return Finding(Level.WARNING, _LITELLM, f"{says}; allow_unsupported_litellm starts it all the same")
    return Finding(Level.OFF, _LITELLM, f"{says}: the proxy would not start")
