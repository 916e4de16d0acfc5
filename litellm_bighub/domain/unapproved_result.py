"""Somebody sent the result of a call that was withheld, or that nobody made."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from litellm_bighub.domain.payload import JsonObject

Kind: TypeAlias = Literal["withheld_call_result", "unknown_call_result"]
"""`withheld_call_result`: the call was withheld, and yet it has a result: it was run, or somebody made that up.
`unknown_call_result`: no model made this call, as far as request and ledger can tell."""


@dataclass(frozen=True, slots=True)
class UnapprovedResult:
    """One such result. Holds nothing of the result itself, so that it may be logged as it is.

    Attributes:
        event_id: unique; the key by which consumers drop repeats.
        kind: what is wrong with it.
        time: POSIX seconds.
        path: where the result stands in the request, as in `input[3]`.
        call_id: the call that it is for; redacted, since the caller wrote it.
        tool: the tool's name, empty if nobody knows.
        digest: of the arguments of the withheld call.
        response_id: the upstream's id of the response that held the call, empty if nobody knows.
        decided_at: when the call was withheld, POSIX seconds.
        refused: whether the request was refused for it.
        key: the hash of the key that sent it.
    """

    event_id: str
    kind: Kind
    time: float
    path: str
    call_id: str
    tool: str
    digest: str
    response_id: str
    decided_at: float | None
    actor: str
    domain: str
    surface: str
    model: str
    trace_id: str
    user: str
    team: str
    refused: bool
    key: str = ""

    def as_dict(self) -> JsonObject:
        """A copy in plain containers."""
        return asdict(self)
