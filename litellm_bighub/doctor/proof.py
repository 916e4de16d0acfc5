"""The proof: canaries are sent through the real proxy on every road, and each road gets a verdict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum

import httpx

from litellm_bighub.doctor.canary import (
    ARGUMENTS,
    HOSTED_TOOL,
    PROMPT,
    SECRETS,
    TOOL,
    holds_call,
    holds_secret,
    spellings,
)
from litellm_bighub.doctor.probes import NO_CALLS, PROBES, Mode, Probe, ProbedGateway, Received
from litellm_bighub.doctor.proxy_config import ProxyConfig
from litellm_bighub.doctor.stage import MODEL, SOCKET_MODEL, staged_config
from litellm_bighub.doctor.text_coverage import text_formats
from litellm_bighub.formats.registry import PLAIN_FORMATS
from litellm_bighub.testing import Item, Output, Pace, Request, ScriptedUpstream, function_call, running_proxy, text
from litellm_bighub.testing.hosted_answers import block
from litellm_bighub.testing.hosted_bighub import HostedBighub

_SECONDS = 60.0
_CALL = (text("Here it comes."), function_call(TOOL, ARGUMENTS, call_id="call_canary"))
_PLAIN = frozenset(known.name for known in PLAIN_FORMATS)
_PACES = (Pace(delta_size=12), Pace(delta_size=200))
"""How streams are cut: a secret over several deltas, and a secret in one."""


class Verdict(Enum):
    """What became of a canary on one road."""

    GOVERNED = "governed"
    REFUSED = "refused"
    LEAKS = "LEAKS"
    UNPROVEN = "unproven"
    NOT_COVERED = "not covered"
    NO_CALLS = "carries none"


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


@dataclass(frozen=True, slots=True)
class Proof:
    """What was shown.

    Attributes:
        rows: one a road.
        caught: the kinds of secrets that this config masks or refuses; only those are canaries.
        missed: the texts of the operator's own that no guardrail catches, by their names.
    """

    rows: Sequence[ProbeRow]
    caught: Sequence[str]
    missed: Sequence[str] = ()

    @property
    def leaks(self) -> int:
        """On how many roads a byte came through."""
        return sum(row.leaks for row in self.rows)

    @property
    def governs(self) -> bool:
        """Whether calls were seen to be governed."""
        return any(row.call is Verdict.GOVERNED for row in self.rows)

    @property
    def holds(self) -> bool:
        """Whether no byte came through, calls were seen to be governed, and the operator's own texts to be caught."""
        return not self.leaks and self.governs and not self.missed


@contextmanager
def prepared_proof(
    config: ProxyConfig, on_progress: Callable[[float], None], own: Sequence[str] = ()
) -> Generator[Callable[[], Proof]]:
    """Start upstream and proxy; what is yielded carries the proof out.

    Args:
        config: the proxy's.
        on_progress: called with the seconds that the start has taken.
        own: texts of the operator's own that must be caught.
    """
    with (
        ScriptedUpstream() as upstream,
        HostedBighub(block()) as hosted,
        staged_config(config, upstream.base_url, hosted) as path,
        running_proxy(path, env=_environment(upstream), on_progress=on_progress) as proxy,
        httpx.Client(
            base_url=proxy.base_url,
            headers={"Authorization": f"Bearer {proxy.master_key}"},
            trust_env=False,
            timeout=_SECONDS,
        ) as http,
    ):
        gate = ProbedGateway(http, proxy.master_key, MODEL, SOCKET_MODEL)
        yield lambda: prove(gate, upstream, text_formats(config), own=own)


def _environment(upstream: ScriptedUpstream) -> dict[str, str]:
    """Pass-through routes take their target out of the environment: it is the scripted model too."""
    return {"OPENAI_API_BASE": upstream.base_url.removesuffix("/v1"), "OPENAI_API_KEY": "sk-no-key-is-needed"}


def prove(
    gate: ProbedGateway,
    upstream: ScriptedUpstream,
    covered: Collection[tuple[str, Mode]],
    probes: Sequence[Probe] = PROBES,
    *,
    own: Sequence[str] = (),
) -> Proof:
    """Send the canaries.

    Args:
        gate: the gateway.
        upstream: the model behind it.
        covered: the formats and modes in which a text guardrail is on.
        probes: the roads.
        own: texts of the operator's own that must be caught.
    """
    named = {f"the text of --canary{f' ({number})' if number > 1 else ''}": each for number, each in enumerate(own, 1)}
    known: Mapping[str, str] = {**SECRETS, **named}
    gate = replace(gate, secrets=tuple(known.values())) if own else gate
    checked = next((probe for probe in probes if probe.mode == "whole" and (probe.format, "whole") in covered), None)
    caught: list[str] = []
    if checked is not None:
        caught = [name for name, secret in known.items() if _is_caught(gate, upstream, checked, secret)]
    secrets = [known[name] for name in caught]
    rows = [_row(gate, upstream, probe, secrets, covered) for probe in probes]
    return Proof(rows, caught, [name for name in named if name not in caught])


def _is_caught(gate: ProbedGateway, upstream: ScriptedUpstream, checked: Probe, secret: str) -> bool:
    """Whether a whole answer whose texts are checked loses it: then it is one that the operator wants to be caught."""
    _script(upstream, [text(f"Here it comes: {secret}.")], _PACES[0])
    received = checked.send(gate)
    return bool(received.content) and not holds_secret(received.content, secret)


def _row(
    gate: ProbedGateway,
    upstream: ScriptedUpstream,
    probe: Probe,
    secrets: list[str],
    covered: Collection[tuple[str, Mode]],
) -> ProbeRow:
    received, offered = _send(gate, upstream, probe, _CALL, _PACES[0])
    listed = any(HOSTED_TOOL in request.raw for request in upstream.requests)
    detail = str(received.status) if received.status >= 400 else "connection refused" if received.status == 0 else ""
    call = Verdict.LEAKS if listed else of_call(received, offered=offered)
    if (call is Verdict.GOVERNED and probe.format in _PLAIN) or (
        call in {Verdict.GOVERNED, Verdict.UNPROVEN} and probe.format == NO_CALLS
    ):
        call = Verdict.NO_CALLS
    secret = Verdict.UNPROVEN
    if secrets:
        secret = _worst([_secrets(gate, upstream, probe, secrets, pace) for pace in _PACES])
    elif call is Verdict.REFUSED:  # of the call alone, or of every text?
        secret = _secrets(gate, upstream, probe, [], _PACES[0])
        secret = secret if secret is Verdict.REFUSED else Verdict.UNPROVEN
    if (probe.format, probe.mode) not in covered and secret in {Verdict.LEAKS, Verdict.UNPROVEN}:
        secret = Verdict.NOT_COVERED
    return ProbeRow(probe, call, secret, detail)


def _secrets(gate: ProbedGateway, upstream: ScriptedUpstream, probe: Probe, secrets: list[str], pace: Pace) -> Verdict:
    said = [text(f"Here it comes: {'; '.join(secrets)}.")]
    received, offered = _send(gate, upstream, probe, said, pace)
    reached = any(
        each in request.raw for request in upstream.requests for secret in secrets for each in spellings(secret)
    )
    return Verdict.LEAKS if reached else of_secrets(received, secrets, offered=offered)


def _worst(verdicts: Sequence[Verdict]) -> Verdict:
    order = (Verdict.LEAKS, Verdict.UNPROVEN, Verdict.GOVERNED, Verdict.REFUSED)
    return min(verdicts, key=order.index)


def _send(
    gate: ProbedGateway, upstream: ScriptedUpstream, probe: Probe, items: Sequence[Item], pace: Pace
) -> tuple[Received, bool]:
    _script(upstream, items, pace)
    received = probe.send(gate)
    return received, any(_asked(request) for request in upstream.requests)


def _script(upstream: ScriptedUpstream, items: Sequence[Item], pace: Pace) -> None:
    upstream.reset()
    upstream.script(_asked, Output(items, pace=pace))


def _asked(request: Request) -> bool:
    return PROMPT in request.raw
