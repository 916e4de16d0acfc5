"""Reading and writing a field of a payload, whether it is a dict or a model of openai, LiteLLM or pydantic."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from functools import lru_cache
from itertools import repeat
from operator import attrgetter, contains, itemgetter
from typing import cast

from pydantic import BaseModel

from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload

_PLAIN_MESSAGE = frozenset({"role", "content", "type"})
_TEXTS = {str}
_FIELDS, _EXTRA, _SET = attrgetter("__dict__"), attrgetter("__pydantic_extra__"), attrgetter("__pydantic_fields_set__")
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


def elements(value: object) -> Sequence[Payload]:
    """The elements of a list or tuple; none of anything else."""
    return cast("Sequence[Payload]", value) if isinstance(value, (list, tuple)) else ()


def is_plain_message(value: object) -> bool:
    """Whether it is the simplest and most common message: one with a role, one text and nothing else."""
    return (
        type(value) is dict
        and type(value.get("content")) is str  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        and value.keys() <= _PLAIN_MESSAGE
        and value.get("type", "message") == "message"
    )


def columns(elements: Sequence[Payload]) -> Mapping[str, Sequence[Payload]] | None:
    """The fields of objects that are all alike, each with its values; `None` says only that they are not.

    Asked of a long list, it takes a tenth of the time that it takes to ask each object.
    """
    classes = set(map(type, elements))
    if len(classes) != 1:
        return None
    cls = classes.pop()
    rows: Sequence[JsonObject] = elements
    if cls is not dict:
        if _kind(cls) is not _MODEL or any(map(_EXTRA, elements)):
            return None
        rows = [*map(_FIELDS, elements)]
    if len(set(map(len, rows))) != 1:
        return None
    try:
        return {key: [*map(itemgetter(key), rows)] for key in rows[0]}
    except KeyError:
        return None


def plain_texts(elements: Sequence[Payload], key: str, beside: str) -> tuple[list[str], Sequence[Payload]] | None:
    """The texts of dicts of two fields, and what stands beside each; `None` says only that they are not so simple."""
    if type(elements[0] if elements else None) is not dict or len(elements[0]) != len((key, beside)):
        return None
    told = columns(elements)
    if told is None or key not in told or beside not in told:
        return None
    texts = cast("list[str]", told[key])
    return (texts, told[beside]) if are_texts(texts) else None


def are_texts(values: Sequence[Payload]) -> bool:
    """Whether all of these are texts, and none of them is empty."""
    return set(map(type, values)) == _TEXTS and all(values)


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


def held_by_all(owners: Sequence[Payload], key: str) -> Sequence[JsonObject] | None:
    """The same of many owners of one class, `None` where it is `None` for one of them."""
    classes = set(map(type, owners))
    if len(classes) != 1:
        return None
    cls = classes.pop()
    if cls is dict:
        return owners
    if _kind(cls) is not _MODEL or not _sets_plainly(cls) or not all(map(contains, map(_SET, owners), repeat(key))):
        return None
    held = [*map(_FIELDS, owners)]
    return held if all(map(contains, held, repeat(key))) else None


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
