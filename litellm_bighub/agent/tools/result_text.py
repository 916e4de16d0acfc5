"""The result of a tool, of any type, as JSON for the model. Never raises: the tool has run by then."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, cast

from pydantic_core import PydanticSerializationError, to_jsonable_python

from litellm_bighub.domain.payload import JsonObject


def jsonable(result: object) -> Any:
    """The result in plain JSON containers; bytes and what has no JSON form become a note."""
    try:
        plain = to_jsonable_python(_without_bytes(result), bytes_mode="base64", fallback=_note, by_alias=True)
        return _sendable(plain)
    except (PydanticSerializationError, ValueError, TypeError, RecursionError, AttributeError):
        return _note(result)


def result_text(value: object) -> str:
    """JSON text of any value, always valid UTF-8."""
    return json.dumps(_sendable(value), ensure_ascii=False, default=_note)


def _without_bytes(value: object) -> object:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    if type(value) is dict:
        return {key: _without_bytes(each) for key, each in cast("Mapping[Any, object]", value).items()}
    if type(value) is list or type(value) is tuple:
        return [_without_bytes(each) for each in cast("list[object]", value)]
    return value


def _sendable(plain: Any) -> Any:
    """The same containers without what JSON or UTF-8 cannot hold."""
    if isinstance(plain, float) and not math.isfinite(plain):
        return str(plain)
    if isinstance(plain, str):
        return plain.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(plain, dict):
        return {_sendable(key): _sendable(each) for key, each in cast("JsonObject", plain).items()}
    if isinstance(plain, list):
        return [_sendable(each) for each in cast("list[Any]", plain)]
    return plain


def _note(value: object) -> str:
    return f"<{type(value).__name__} without a JSON form>"
