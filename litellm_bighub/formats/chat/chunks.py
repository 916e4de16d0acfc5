"""The parts of a streamed choice: its text, which flows, and its calls, which are held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from litellm_bighub.formats.chat.answer_fields import MESSAGE
from litellm_bighub.formats.payload.copies import members, text, with_fields, without
from litellm_bighub.formats.payload.fields import get

_CALLS = ("tool_calls", "function_call")
_TEXTS = ("content", "refusal", "reasoning_content", "reasoning")


def pieces(choice: object) -> tuple[Sequence[object], object]:
    """The pieces of tool calls and of a legacy call that the choice carries."""
    delta: object = get(choice, "delta")
    calls: object = get(delta, "tool_calls")
    if not isinstance(calls, list | tuple):
        calls = () if calls is None else (calls,)
    return cast("Sequence[object]", calls), get(delta, "function_call")


def has_message(choice: object) -> bool:
    """Whether the choice tells a call in a whole message, where no client of a stream looks for it."""
    message: object = get(choice, "message")
    return any(get(message, key) for key in _CALLS)


def without_message(choice: object) -> object:
    """The choice without its message."""
    return without(choice, "message")


def without_calls(choice: object) -> object:
    """The choice without the pieces of calls."""
    delta: object = get(choice, "delta")  # Azure tells of filters in a choice without one
    return choice if delta is None else with_fields(choice, delta=without(delta, *_CALLS))


def says_anything(choice: object) -> bool:
    """Whether the choice tells anything but calls and its end."""
    return any(value and key not in _CALLS for key, value in members(get(choice, "delta")).items())


def speaks(choice: object) -> bool:
    """Whether the choice tells anything, in a field that is known, but calls and its end."""
    delta = members(get(choice, "delta"))
    return any(value and key not in _CALLS and key in MESSAGE.fields for key, value in delta.items())


def has_text(choice: object) -> bool:
    """Whether the choice adds to its message's content."""
    return bool(text(get(choice, "delta"), "content"))


def text_of(choice: object) -> object:
    """What flows at once. The probabilities stay behind: they name the tokens of the calls too."""
    bare = without_probabilities(without_calls(choice))
    return bare if get(choice, "finish_reason") is None else with_fields(bare, finish_reason=None)


def rest_of(choice: object) -> object:
    """What is held when the text has gone."""
    delta: object = get(choice, "delta")
    if delta is None:
        return choice
    said = [key for key, value in members(delta).items() if value and key not in _CALLS]
    return with_fields(choice, delta=without(delta, *said))


def without_probabilities(choice: object) -> object:
    """The choice without the tokens that its `logprobs` name."""
    return without(choice, "logprobs") if get(choice, "logprobs") is not None else choice


def flowing(choice: object) -> object:
    """The choice as it may flow: some upstreams tell the tokens of a call before the call, beside no text."""
    delta: object = get(choice, "delta")
    return choice if any(get(delta, key) for key in _TEXTS) else without_probabilities(choice)


def with_calls(choice: object, calls: Sequence[object], legacy: object) -> object:
    """The choice with other pieces in place of its own."""
    bare = without_calls(choice)
    kept: dict[str, object] = {"tool_calls": list(calls)} if calls else {}
    if legacy is not None:
        kept["function_call"] = legacy
    return with_fields(bare, delta=with_fields(get(bare, "delta"), **kept)) if kept else bare


def with_content(choice: object, content: str) -> object:
    """The choice telling nothing but a text."""
    said = with_fields(rest_of(text_of(choice)), finish_reason=None)
    return with_fields(said, delta=with_fields(get(said, "delta"), content=content))


def silent(chunk: object, index: int) -> object:
    """A chunk like this one in which one choice says nothing: an empty text, as LiteLLM drops a chunk without any."""
    choice = with_content(get(chunk, "choices")[0], "")
    return with_fields(without(chunk, "usage"), choices=[with_fields(choice, index=index)])
