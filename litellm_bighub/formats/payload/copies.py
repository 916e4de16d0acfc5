"""Changed copies of payloads, and plain readings of their fields. Nobody else's object is written to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from typing import cast

from pydantic import BaseModel

from litellm_bighub.domain.payload import Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload.fields import get


def with_fields(owner: object, /, **fields: object) -> object:
    """A shallow copy of a dict or model in which these fields are different.

    LiteLLM writes some fields straight into a model's `__dict__`; they are changed where they are.
    """
    if isinstance(owner, Mapping):
        return {**cast("Mapping[str, object]", owner), **fields}
    if not isinstance(owner, BaseModel):
        raise TypeError(f"a {type(owner).__name__} is neither a mapping nor a model")
    copied = owner.model_copy()
    for name, value in fields.items():
        if name in vars(copied):
            vars(copied)[name] = value
        else:
            setattr(copied, name, value)
    copied.__pydantic_fields_set__.update(fields.keys() & type(copied).model_fields.keys())
    return copied


def plain(value: object) -> Payload:
    """The value in plain containers. What a model or dict says is null is left out, so that both read the same."""
    if isinstance(value, BaseModel):
        return plain(value.model_dump(mode="json", exclude_none=True, warnings=False))
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value)
        return {key: plain(member) for key, member in members.items() if member is not None}
    if isinstance(value, list | tuple):
        return [plain(member) for member in cast("list[object]", value)]
    return value


def json_text(arguments: object) -> str:
    """Arguments as a model writes them."""
    return json.dumps(arguments, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def members(owner: object) -> dict[str, object]:
    """Every field that a dict or model has."""
    if isinstance(owner, Mapping):
        return dict(cast("Mapping[str, object]", owner))
    if isinstance(owner, BaseModel):
        return {**vars(owner), **(owner.__pydantic_extra__ or {})}
    return {}


def without(owner: object, *keys: str) -> object:
    """A shallow copy in which these fields are absent from a dict and null in a model."""
    if isinstance(owner, Mapping):
        return {key: value for key, value in cast("Mapping[str, object]", owner).items() if key not in keys}
    return with_fields(owner, **{key: None for key in keys if get(owner, key) is not None})


def text(owner: object, key: str) -> str:
    """A field's text, empty where there is none. LiteLLM's enum members are their values."""
    value = get(owner, key)
    if type(value) is str:
        return value
    if isinstance(value, Enum):
        value = value._value_  # what `value` says takes much longer to say it
    return value if isinstance(value, str) else ""


def listed(value: object, path: str) -> list[Payload]:
    """A field's list itself, an empty one where there is none.

    Raises:
        PayloadError: it is no list, so that nothing could be withheld in it.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise PayloadError(path, f"is a {type(value).__name__}, not a list")
    return cast("list[Payload]", value)


def whole(owner: object, key: str) -> int | None:
    """A field's integer, `None` where there is none."""
    value = get(owner, key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
