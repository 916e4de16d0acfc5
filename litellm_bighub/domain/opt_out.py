"""A key or its team has opted out of a guardrail, with the operator's leave."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from litellm_bighub.domain.payload import JsonObject

KIND: Final = "guardrail_opted_out"


@dataclass(frozen=True, slots=True)
class OptOut:
    """One request that a guardrail has left alone.

    Attributes:
        event_id: unique; the key by which consumers drop repeats.
        time: POSIX seconds.
        guardrail: as the config calls it.
        key: the hashed key.
    """

    event_id: str
    time: float
    guardrail: str
    actor: str
    domain: str
    surface: str
    model: str
    trace_id: str
    user: str
    team: str
    key: str

    def as_dict(self) -> JsonObject:
        """A copy in plain containers."""
        return {"kind": KIND, **asdict(self)}
