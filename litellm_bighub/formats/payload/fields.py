"""Reading and writing a field of a payload, whether it is a dict or a model of openai, LiteLLM or pydantic."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import cast

from pydantic import BaseModel

from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload

_PLAIN_MESSAGE = frozenset({"role", "content", "type"})
_OTHER, _MAPPING, _MODEL = range(3)
_PYDANTICS = getattr(BaseModel, "__getattr__", None)


def get(owner: Payload, key: str) -> Payload:
    """The field's value, `None` where there is none. A mapping is asked by key, anything else by attribute."""
    if type(owner) is dict:
        return owner.get(key)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - a payload
    kind = _kind(owner.__class__)
    if kind is _MODEL:
        held = owner.__dict__
        if key in held:
            return held[key]
        # A model that is asked for what it has not takes its time to say so.
        if _answers(owner.__class__, key):
            return getattr(owner, key, None)
        extra: JsonMapping | None = owner.__pydantic_extra__
        return extra.get(key) if extra else None
    return cast("JsonMapping", owner).get(key) if kind is _MAPPING else getattr(owner, key, None)


def is_mapping(value: Payload) -> bool:
    """Whether its fields are asked for by key."""
    return type(value) is dict or _kind(value.__class__) is _MAPPING


def is_object(value: Payload) -> bool:
    """Whether it has fields: a mapping or a model."""
    return type(value) is dict or _kind(value.__class__) is not _OTHER


def members(value: Payload) -> JsonMapping:
    """All fields of a mapping or model, those of a model that it did not declare too; none of anything else."""
    if type(value) is dict:
        return value  # pyright: ignore[reportUnknownVariableType] - a payload
    kind = _kind(value.__class__)
    if kind is _MODEL:
        extra = value.__pydantic_extra__
        held: JsonMapping = value.__dict__
        return {**held, **extra} if extra else held
    return cast("JsonMapping", value) if kind is _MAPPING else {}


def is_plain_message(value: object) -> bool:
    """Whether it is the simplest and most common message: one with a role, one text and nothing else."""
    return (
        type(value) is dict
        and type(value.get("content")) is str  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        and value.keys() <= _PLAIN_MESSAGE
        and value.get("type", "message") == "message"
    )


@lru_cache(maxsize=1024)
def _kind(cls: Payload) -> int:
    """Asked of a class once: abstract classes and pydantic's take longer to ask than all the rest."""
    return _MAPPING if issubclass(cls, Mapping) else _MODEL if issubclass(cls, BaseModel) else _OTHER


@lru_cache(maxsize=4096)
def _answers(cls: Payload, key: str) -> bool:
    """Whether a model's class may know a name that is none of its instance's fields."""
    return hasattr(cls, key) or key in cls.__private_attributes__ or cls.__getattr__ is not _PYDANTICS


@lru_cache(maxsize=1024)
def _sets_plainly(cls: Payload) -> bool:
    """Whether setting a field of a model does nothing else."""
    config: Mapping[str, object] = cls.model_config
    checked = config.get("frozen") or config.get("validate_assignment") or cls.__setattr__ is not BaseModel.__setattr__
    return not checked and not any(field.frozen for field in cls.model_fields.values())


def held(owner: Payload, key: str | int) -> JsonObject | None:
    """The dict to write a field into, where that is all there is to do, as in `put`; `None` where there may be more."""
    if type(owner) is dict:
        return owner  # pyright: ignore[reportUnknownVariableType] - a payload
    cls = owner.__class__
    if _kind(cls) is not _MODEL or not _sets_plainly(cls) or key not in owner.__pydantic_fields_set__:
        return None
    fields: JsonObject = owner.__dict__
    return fields if key in fields else None


def put(owner: Payload, key: str | int, value: object) -> None:
    """Write a field or list element in place. Fields of models are set without validation, as their makers do."""
    if type(owner) is dict or isinstance(key, int):
        owner[key] = value  # pyright: ignore[reportUnknownMemberType] - a payload
        return
    plain = held(owner, key)
    if plain is not None:
        plain[key] = value  # all that pydantic would do, which takes its time about it
    elif isinstance(owner, MutableMapping):
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
