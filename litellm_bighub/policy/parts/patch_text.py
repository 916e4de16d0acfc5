r"""Which files a text for `apply_patch` writes.

Programs that apply such texts differ: some trim lines, some end lines at more than `\n`. So every file counts that one
of them would write. A text that is not clearly one patch of known sections is not understood.
"""

from __future__ import annotations

import re
from typing import Final

_SECTION: Final = re.compile(r"\*\*\* (?:Add File|Update File|Delete File|Move to): ?(.*)")
_HEREDOC: Final = re.compile(r"<<\s*(['\"]?)EOF\1\n(.*)\nEOF", re.DOTALL)
_BEGIN: Final = "*** Begin Patch"
_END: Final = "*** End Patch"
_OTHER: Final = frozenset({"*** End of File"})
MAX_LENGTH: Final = 2_000_000


def written_paths(text: str) -> list[str] | None:
    """The paths as they stand in the text; `None` if it is not understood."""
    text = text.strip()
    if (heredoc := _HEREDOC.fullmatch(text)) is not None:
        text = heredoc[2].strip()
    lines = text.split("\n")
    if len(text) > MAX_LENGTH or lines[0].strip() != _BEGIN or lines[-1].strip() != _END or len(lines) < 3:
        return None
    found: dict[str, None] = {}
    for line in dict.fromkeys([*lines[1:-1], *text.splitlines()[1:-1]]):
        section = line.strip()
        if not section.startswith("***") or section in _OTHER:
            continue
        match = _SECTION.match(section)
        if match is None or not match[1].strip() or "\0" in section:
            return None
        found[match[1].strip()] = None
        found[_SECTION.sub(r"\1", line.rstrip("\r\n").lstrip())] = None
    return list(found) or None
