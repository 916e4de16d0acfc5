"""Where the policy file's content comes from: read once, and replaced as a whole when the file changes."""

from __future__ import annotations

from pathlib import Path

from litellm_bighub.control_plane.policy.file import load_text
from litellm_bighub.control_plane.policy.text import PolicyText


class PolicySource:
    """Holds the content of a policy file.

    Attributes:
        path: the file; `None` for a policy that comes from elsewhere.
        text: the last valid content.
    """

    def __init__(self, text: PolicyText, path: Path | None = None) -> None:
        self.text = text
        self.path = path

    @classmethod
    def from_file(cls, path: Path) -> PolicySource:
        """Read a file.

        Raises:
            ConfigurationError: it is no policy.
        """
        return cls(load_text(path), path)
