"""In which formats and modes a config has its texts checked."""

from __future__ import annotations

from litellm_bighub.doctor.kinds import Kind, kind_of
from litellm_bighub.doctor.probes import Format, Mode
from litellm_bighub.doctor.proxy_config import ProxyConfig

_FORMATS: tuple[Format, ...] = ("responses", "chat", "messages")
_MODES: tuple[Mode, ...] = ("whole", "streamed")


def text_formats(config: ProxyConfig) -> frozenset[tuple[Format, Mode]]:
    """Where an answer's text is meant to be checked: a guardrail is on for it, without being asked for.

    A guardrail of LiteLLM's, or the operator's own, is on for every format; whether it holds in streams is shown by the
    proof alone. `ResponsesTextGuardrail` is on for Responses.
    """
    formats: set[Format] = set()
    for entry in config.guardrails:
        if entry.default_on and "post_call" in entry.events:
            match kind_of(entry, config.path.resolve().parent):
                case Kind.TEXTS:
                    formats.add("responses")
                case Kind.OTHER:
                    formats.update(_FORMATS)
                case _:
                    pass
    return frozenset((form, mode) for form in formats for mode in _MODES)
