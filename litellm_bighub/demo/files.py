"""The proxy config and the policy that the demo runs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from litellm_bighub.errors import ConfigurationError

_NAME = "proxy_config.yaml"
_POLICY = "bighub_policy.yaml"
_PACKAGED = Path(__file__).parent / "config"  # where a wheel carries the repository's files
_REPOSITORY = Path(__file__).parent.parent.parent


def proxy_config() -> Path:
    """The repository's own config; in an installed package its copy. The policy lies beside it."""
    for folder in (_PACKAGED, _REPOSITORY):
        if (folder / _NAME).is_file():
            return folder / _NAME
    raise ConfigurationError("--config", f"{_NAME} was not found, neither packaged nor in the repository")


@contextmanager
def in_own_folder(config: Path) -> Generator[tuple[Path, Path], None, None]:
    """Copies of the config and of the policy beside it, in a folder that is gone in the end, with all state."""
    with tempfile.TemporaryDirectory(prefix="litellm-bighub-") as name:
        folder = Path(name)
        copy = Path(shutil.copy(config, folder / _NAME))
        policy = config.parent / _POLICY
        yield copy, Path(shutil.copy(policy, folder / _POLICY)) if policy.is_file() else folder / _POLICY
