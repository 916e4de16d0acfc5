"""JSON Patch (RFC 6902) over the top-level fields of a rule: what a patch of a rule can mean, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from litellm_bighub.domain.payload import JsonObject


class Operation(BaseModel):
    """One operation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    op: Literal["add", "replace", "remove", "test"]
    path: str = Field(min_length=2, max_length=100, pattern=r"^/[a-z_]+$")
    value: Any = None


class PatchRefused(ValueError):  # noqa: N818 - names the state
    """The patch cannot be applied."""


def patch(fields: JsonObject, operations: Sequence[Operation]) -> JsonObject:
    """The fields after all operations, or nothing at all.

    Raises:
        PatchRefused: a path names no field, or a test fails.
    """
    patched = dict(fields)
    for operation in operations:
        name = operation.path[1:]
        if name not in fields:
            raise PatchRefused(f"{operation.path} names no field of a rule")
        match operation.op:
            case "test":
                if patched[name] != operation.value:
                    raise PatchRefused(f"the test of {operation.path} fails")
            case "remove":
                patched[name] = None
            case "add" | "replace":
                patched[name] = operation.value
    return {name: value for name, value in patched.items() if value is not None or fields[name] is None}
