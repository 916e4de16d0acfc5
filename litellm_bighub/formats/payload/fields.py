"""Reading and writing a field of a payload, whether it is a dict or a model of openai, LiteLLM or pydantic."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import cast

from pydantic import BaseModel

from litellm_bighub.domain.payload import JsonMapping, Payload

_PLAIN_MESSAGE = frozenset({"role", "content", "type"})


def get(owner: Payload, key: str) -> Payload:
    """The field's value, `None` where there is none. A mapping is asked by key, anything else by attribute."""
    if type(owner) is dict or _is_mapping(owner.__class__):
        return cast("JsonMapping", owner).get(key)
    return getattr(owner, key, None)


def is_mapping(value: Payload) -> bool:
    """Whether its fields are asked for by key."""
    return type(value) is dict or _is_mapping(value.__class__)


def is_object(value: Payload) -> bool:
    """Whether it has fields: a mapping or a model."""
    return type(value) is dict or _is_mapping(value.__class__) or _is_model(value.__class__)


def members(value: Payload) -> JsonMapping:
    """All fields of a mapping or model, those of a model that it did not declare too; none of anything else."""
    if type(value) is dict or _is_mapping(value.__class__):
        return cast("JsonMapping", value)
    if _is_model(value.__class__):
        extra = cast("BaseModel", value).__pydantic_extra__
        return {**vars(value), **extra} if extra else vars(value)
    return {}


def is_plain_message(value: object) -> bool:
    """Whether it is the simplest and most common message: one with a role, one text and nothing else."""
    return (
        type(value) is dict
        and type(value.get("content")) is str  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        and value.keys() <= _PLAIN_MESSAGE
        and value.get("type", "message") == "message"
    )


@lru_cache(maxsize=1024)
def _is_mapping(cls: Payload) -> bool:
    """Asked of a class once: abstract classes and pydantic's take longer to ask than all the rest."""
    return issubclass(cls, Mapping)


@lru_cache(maxsize=1024)
def _is_model(cls: Payload) -> bool:
    return issubclass(cls, BaseModel)


def put(owner: Payload, key: str | int, value: object) -> None:
    """Write a field or list element in place. Fields of models are set without validation, as their makers do."""
    if isinstance(key, int) or isinstance(owner, MutableMapping):
        owner[key] = value
    else:
        setattr(owner, key, value)


def is_writable(owner: object) -> bool:
    """Whether `put` can write into it."""
    if type(owner) is dict:
        return True
    if isinstance(owner, BaseModel):
        return not owner.model_config.get("frozen", False)
    return isinstance(owner, MutableMapping) or not isinstance(owner, (Mapping, tuple))
