"""The same rewrites for a stream of which all events are there already."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence

from litellm_bighub.formats.responses.texts.text_gate import Scan, TextGate
from litellm_bighub.formats.stream.gate_protocol import Hold, Release
from litellm_bighub.formats.stream.text_part import WholeText


def rewritten_stream(events: Iterable[object]) -> Generator[Scan, Sequence[str], list[object]]:
    """Yield scans, usually one with every text, take their answers, and return the events with the texts rewritten.

    Raises:
        GateError: another number of answers than texts.
        PayloadError: a rewritten JSON text is no JSON any more.
    """
    gate = TextGate(mode=WholeText())
    first = yield from answered(gate, gate.feed(*events))
    rest = yield from answered(gate, gate.finish())
    return [*first, *rest]


def answered(gate: TextGate, step: Release | Scan | Hold) -> Generator[Scan, Sequence[str], tuple[object, ...]]:
    """Yield scans until the step is settled, and return what may leave."""
    while isinstance(step, Scan):
        step = gate.answer((yield step))
    return step.events if isinstance(step, Release) else ()
