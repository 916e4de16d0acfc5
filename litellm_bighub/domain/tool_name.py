"""Which names of tools can be read.

Rules match names by pattern, and whoever runs a call looks its tool up by name. A name that two of them may read
differently (a control character, a step of a path, a letter that looks like another) fits patterns that nobody meant
for it: `lookup_../danger` fits `lookup_*`. Only ASCII letters count, since no pattern tells a look-alike apart.
"""

from __future__ import annotations

import re
from typing import Final

MAX_CHARACTERS: Final = 256
UNREADABLE_NAME: Final = "the tool's name cannot be read"

_SHOWN: Final = 64
_READABLE: Final = re.compile(r"[A-Za-z0-9_:-]+(?:[./][A-Za-z0-9_:-]+)*")
_STRANGE: Final = re.compile(r"[^A-Za-z0-9_:./-]")


def is_readable(name: str) -> bool:
    """Whether it consists of ASCII letters, digits and `_ - . : /`, without `..` or an empty segment.

    `.` and `/` part segments, as in `server.tool`. It has at most 256 characters.
    """
    return len(name) <= MAX_CHARACTERS and _READABLE.fullmatch(name) is not None


def shown(name: str) -> str:
    """The name for people and models. `?` takes the place of strange characters, so the name stays unreadable."""
    if is_readable(name):
        return name
    cut = name if len(name) <= MAX_CHARACTERS else f"{name[:_SHOWN]}?"
    return _STRANGE.sub("?", cut)
