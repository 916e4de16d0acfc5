"""Whatever a tool returns, as JSON that a model can read. Never raises: the tool has run by then."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from pydantic_core import PydanticSerializationError, to_jsonable_python


def jsonable(result: object) -> Any:
    """The result in plain JSON containers; bytes and what has no JSON form become a note."""
    try:
        return to_jsonable_python(
            _without_bytes(result), bytes_mode="base64", inf_nan_mode="strings", fallback=_note, by_alias=True
        )
    except (PydanticSerializationError, ValueError, TypeError, RecursionError, AttributeError):
        return _note(result)


def result_text(value: object) -> str:
    """JSON text that is valid UTF-8 whatever the value holds."""
    text = json.dumps(value, ensure_ascii=False, default=_note)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _without_bytes(value: object) -> object:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    if type(value) is dict:
        return {key: _without_bytes(each) for key, each in cast("Mapping[Any, object]", value).items()}
    if type(value) is list or type(value) is tuple:
        return [_without_bytes(each) for each in cast("list[object]", value)]
    return value


def _note(value: object) -> str:
    return f"<{type(value).__name__} without a JSON form>"
