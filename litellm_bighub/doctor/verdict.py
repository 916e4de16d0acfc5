"""What a probe has shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from litellm_bighub.doctor.canary import holds_call, holds_secret
from litellm_bighub.doctor.probes import Probe, Received


class Verdict(Enum):
    """What became of a canary on one road."""

    GOVERNED = "governed"
    REFUSED = "refused"
    LEAKS = "LEAKS"
    UNPROVEN = "unproven"
    NOT_COVERED = "not covered"


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One line of the table.

    Attributes:
        probe: the road.
        call: what became of the tool call.
        secret: what became of the secrets.
        detail: a refusal's status.
    """

    probe: Probe
    call: Verdict
    secret: Verdict
    detail: str = ""

    @property
    def leaks(self) -> bool:
        """Whether one byte came through."""
        return Verdict.LEAKS in (self.call, self.secret)


def of_call(received: Received, *, offered: bool) -> Verdict:
    """What became of the canary call.

    Args:
        received: what the client got.
        offered: whether the model offered the call; nothing is proven by one that never was.
    """
    return _verdict(received, leaked=holds_call(received.content), offered=offered)


def of_secrets(received: Received, secrets: list[str], *, offered: bool) -> Verdict:
    """The same for secrets, each of which some guardrail of this config masks or refuses."""
    leaked = any(holds_secret(received.content, secret) for secret in secrets)
    return _verdict(received, leaked=leaked, offered=offered)


def _verdict(received: Received, *, leaked: bool, offered: bool) -> Verdict:
    if leaked:
        return Verdict.LEAKS
    if received.status == 0 or received.status >= 400:
        return Verdict.REFUSED
    return Verdict.GOVERNED if offered else Verdict.UNPROVEN
