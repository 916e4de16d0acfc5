"""What a call is taken apart into, and what rules have to match it.

A new kind of part is a frozen class with these fields, a pattern, a field of `ToolParts` that says in which argument it
stands, and a reader in `call_parts.READERS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol


class Part(Protocol):
    """One thing that a call would do."""

    @property
    def kind(self) -> str:
        """The word for it, as in `command`."""
        ...

    @property
    def shown(self) -> str:
        """The part in one line, for people who look into a call's arguments anyway."""
        ...

    @property
    def restricts_only(self) -> bool:
        """Whether only a rule with a pattern for it decides, and none can allow more by it."""
        ...


class PartPattern(Protocol):
    """One of a rule's patterns for parts."""

    def fits(self, part: Part, *, allows: bool) -> bool:
        """Whether the rule applies to the part. A rule that allows must be sure, all others fit as soon as they may."""
        ...


@dataclass(frozen=True, slots=True)
class WholeCall:
    """A call that is not taken apart."""

    kind: str = "call"
    shown: str = "the call"
    restricts_only: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """A part that cannot be read. No pattern fits it; a rule without patterns does.

    Attributes:
        shown: why, without anything of the call.
    """

    shown: str
    kind: str = "unknown"
    restricts_only: bool = False


WHOLE_CALL: Final = WholeCall()
