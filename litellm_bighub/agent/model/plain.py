"""A provider's response or event in plain containers, whichever kind of object a client made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, cast

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import ProviderResponseError


def plain(value: object) -> Any:
    """Dictionaries, lists and scalars of the value; fields that are `None` are left out of objects."""
    if isinstance(value, Enum):  # LiteLLM names the types of its events by one
        return plain(value.value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in cast("Mapping[object, object]", value).items()}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [plain(each) for each in cast("Sequence[object]", value)]
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return plain(dump(exclude_none=True, warnings=False))
    held = getattr(value, "__dict__", None)
    return str(value) if held is None else {k: plain(e) for k, e in held.items() if e is not None and k[0] != "_"}


def plain_response(response: object) -> JsonObject:
    """A response in plain containers, with the text that the client itself read out of it.

    Raises:
        ProviderResponseError: it is something else, a web page for example.
    """
    read: Any = plain(response)
    if not isinstance(read, dict):
        raise ProviderResponseError(f"the provider's answer is no response but a {type(response).__name__}")
    made = cast("JsonObject", read)
    text = getattr(response, "output_text", None)
    if isinstance(text, str) and text:
        made.setdefault("output_text", text)
    return made
