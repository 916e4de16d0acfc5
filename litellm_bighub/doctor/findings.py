"""What the doctor has to say about a setup."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How much it matters."""

    FINE = "ok"
    NOTE = "note"
    WARNING = "warning"
    OFF = "OFF"
    """It looks on and is off, or the proxy would not start: the doctor's exit code tells of it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found.

    Attributes:
        level: how much it matters.
        about: what it is about: a guardrail's name, or `litellm`, `metrics`.
        says: one sentence.
    """

    level: Level
    about: str
    says: str
