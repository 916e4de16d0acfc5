"""Reading and writing a field of a payload, whether it is a dict or a model of openai, LiteLLM or pydantic."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from pydantic import BaseModel


def get(owner: object, key: str) -> Any:
    """The field's value, `None` where there is none. A mapping is asked by key, anything else by attribute."""
    if type(owner) is dict:  # by far the most common, and far cheaper to ask than the abstract class
        return owner.get(key)  # pyright: ignore[reportUnknownVariableType] - payloads of others are untyped
    if isinstance(owner, Mapping):
        return owner.get(key)  # pyright: ignore[reportUnknownVariableType] - payloads of others are untyped
    return getattr(owner, key, None)


def put(owner: Any, key: str | int, value: object) -> None:
    """Write a field or list element in place. Fields of models are set without validation, as their makers do."""
    if isinstance(key, int) or isinstance(owner, MutableMapping):
        owner[key] = value
    else:
        setattr(owner, key, value)


def is_writable(owner: object) -> bool:
    """Whether `put` can write into it."""
    if isinstance(owner, BaseModel):
        return not owner.model_config.get("frozen", False)
    return isinstance(owner, MutableMapping) or not isinstance(owner, (Mapping, tuple))
