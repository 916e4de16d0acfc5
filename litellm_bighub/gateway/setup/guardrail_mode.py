"""The `mode` of a guardrail: LiteLLM's events on which it runs, and modes under which something would be lost."""

from __future__ import annotations

from typing import Final, cast

from litellm.types.guardrails import GuardrailEventHooks, Mode

from litellm_bighub.errors import ConfigurationError, did_you_mean

PRE_CALL: Final = GuardrailEventHooks.pre_call.value
MODEL_MODE: Final = frozenset({PRE_CALL, GuardrailEventHooks.post_call.value})
MCP_MODE: Final = GuardrailEventHooks.pre_mcp_call.value
_MCP_MODES: Final = frozenset({MCP_MODE, GuardrailEventHooks.post_mcp_call.value})
_EVENTS: Final = frozenset(event.value for event in GuardrailEventHooks)
_LOST: Final = {
    GuardrailEventHooks.post_call.value: "no tool call",
    PRE_CALL: "providers' own tools",
}
_UNCHECKED: Final = {
    PRE_CALL: "requests are not checked",
    GuardrailEventHooks.post_call.value: "answers are not checked",
    MCP_MODE: "arguments of MCP calls are not checked",
    GuardrailEventHooks.post_mcp_call.value: "results of MCP calls are not checked",
}


def check_calls_mode(name: str, event_hook: object) -> None:
    """Refuse a mode under which tool calls would pass undecided.

    A mode governs models (`pre_call` and `post_call`), MCP (`pre_mcp_call`), or both.

    Args:
        name: the guardrail's name, for errors.
        event_hook: the `mode`, `None` in code.

    Raises:
        ConfigurationError: such a mode.
    """
    if event_hook is None:
        return
    mode = _events(name, event_hook)
    if not mode & {*MODEL_MODE, MCP_MODE}:
        raise ConfigurationError(f"{name}.mode", "lacks pre_call and post_call, so no tool call would be decided on")
    if mode & MODEL_MODE and not mode >= MODEL_MODE:
        lacking, lost = next((event, lost) for event, lost in _LOST.items() if event not in mode)
        raise ConfigurationError(f"{name}.mode", f"lacks {lacking}, so {lost} would not be decided on")


def check_texts_mode(name: str, event_hook: object) -> None:
    """Refuse a mode under which no text would be checked.

    Args:
        name: the guardrail's name, for errors.
        event_hook: the `mode`, `None` in code.

    Raises:
        ConfigurationError: such a mode.
    """
    if event_hook is not None and not _events(name, event_hook) & _UNCHECKED.keys():
        raise ConfigurationError(f"{name}.mode", "lacks pre_call and post_call, so no text would be checked")


def unchecked_texts(event_hook: object) -> dict[str, str]:
    """What a mode that names half of the events leaves unchecked: a sentence for each event that it lacks."""
    mode = events_of(event_hook)
    halves = [half for half in (MODEL_MODE, _MCP_MODES) if mode & half]
    return {event: f"mode lacks {event}: {_UNCHECKED[event]}" for half in halves for event in sorted(half - mode)}


def events_of(event_hook: object) -> set[str]:
    """The names of the events in a `mode`, whichever way it is written."""
    match event_hook:
        case None:
            return set()
        case list():
            return {event for each in cast("list[object]", event_hook) for event in events_of(each)}
        case GuardrailEventHooks():
            return {event_hook.value}
        case _:
            return {str(event_hook)}


def _events(name: str, event_hook: object) -> set[str]:
    """The events of a mode that has no tags, since a request could choose among those.

    Raises:
        ConfigurationError: it has tags, or names what is no event.
    """
    if isinstance(event_hook, Mode | dict):
        raise ConfigurationError(
            f"{name}.mode", "has tags, by which a request would choose whether it runs; write a list of events"
        )
    mode = events_of(event_hook)
    unknown = next(iter(sorted(mode - _EVENTS)), None)
    if unknown is not None:
        raise ConfigurationError(f"{name}.mode", f"{unknown} is no event{did_you_mean(unknown, _EVENTS)}")
    return mode
