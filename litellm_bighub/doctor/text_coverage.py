"""In which formats and modes a config has its texts checked."""

from __future__ import annotations

from dataclasses import dataclass

from litellm_bighub.doctor.probes import PROBES, Mode
from litellm_bighub.doctor.proxy_config import GuardrailEntry, GuardrailKind, ProxyConfig, kind_of
from litellm_bighub.formats.format import TextFormat
from litellm_bighub.formats.registry import FORMATS, PLAIN_FORMATS

_MODES: tuple[Mode, ...] = ("whole", "streamed")


@dataclass(frozen=True, slots=True)
class TextCoverage:
    """Who looks at the answers of a route, without being asked to.

    Attributes:
        route: as the table names it.
        calls: the guardrails that decide on tool calls; `None` where there can be none.
        texts: the guardrails that are handed the texts.
    """

    route: str
    calls: tuple[str, ...] | None
    texts: tuple[str, ...]


def covers(config: ProxyConfig) -> list[TextCoverage]:
    """Who looks at the answers of the governed formats, and of plain requests."""
    home = config.path.resolve().parent
    on = [(entry.name, kind_of(entry, home)) for entry in config.guardrails if is_on(entry)]
    calls = tuple(name for name, kind in on if kind is GuardrailKind.CALLS)
    others = tuple(name for name, kind in on if kind is GuardrailKind.OTHER)
    texts = tuple(name for name, kind in on if kind is GuardrailKind.TEXTS)
    return [
        *(
            TextCoverage(_route(known), calls, others if known.texts is None else (*texts, *others))
            for known in FORMATS
        ),
        *(TextCoverage(_route(known), None, texts) for known in PLAIN_FORMATS),
    ]


def opened(config: ProxyConfig) -> list[tuple[str, str]]:
    """The routes that the config opens, on which nobody decides on tool calls, and by whose setting."""
    home = config.path.resolve().parent
    return [
        (str(route), entry.name)
        for entry in config.guardrails
        if entry.default_on and kind_of(entry, home) is GuardrailKind.CALLS
        for route in _list(entry.params.get("open_routes"))
    ]


def other_roads() -> list[str]:
    """Roads that speak none of the governed formats as they stand."""
    return list(dict.fromkeys(probe.route for probe in PROBES if probe.format == "other"))


def _route(wire_format: TextFormat) -> str:
    """Its first route as clients write it."""
    return wire_format.routes[0].partition(" ")[2].replace("~", "/v1")


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def is_on(entry: GuardrailEntry) -> bool:
    """Whether it looks at every answer."""
    return entry.default_on and "post_call" in entry.events


def text_formats(config: ProxyConfig) -> frozenset[tuple[str, Mode]]:
    """Where an answer's text is meant to be checked: a guardrail is on for it, without being asked for.

    A guardrail of LiteLLM's, or the operator's own, is on for every format; whether it holds in streams is shown by the
    proof alone. `TextGuardrail` is on for those whose
    texts are found.
    """
    formats: set[str] = set()
    for entry in config.guardrails:
        if is_on(entry):
            match kind_of(entry, config.path.resolve().parent):
                case GuardrailKind.TEXTS:
                    formats.update(known.name for known in (*FORMATS, *PLAIN_FORMATS) if known.texts is not None)
                case GuardrailKind.OTHER:
                    formats.update(known.name for known in FORMATS)
                case _:
                    pass
    return frozenset((form, mode) for form in formats for mode in _MODES)
