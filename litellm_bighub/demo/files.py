"""The proxy config and the policy that the demo runs."""

from __future__ import annotations

from pathlib import Path

from litellm_bighub.errors import ConfigurationError

_NAME = "proxy_config.yaml"
_PACKAGED = Path(__file__).parent / "config"  # where a wheel carries the repository's files
_REPOSITORY = Path(__file__).parent.parent.parent


def proxy_config() -> Path:
    """The repository's own config; in an installed package its copy. The policy lies beside it."""
    for folder in (_PACKAGED, _REPOSITORY):
        if (folder / _NAME).is_file():
            return folder / _NAME
    raise ConfigurationError("--config", f"{_NAME} was not found, neither packaged nor in the repository")
