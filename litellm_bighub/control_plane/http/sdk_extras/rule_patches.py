"""`/rules/{id}/apply_patch`: JSON Patch (RFC 6902) over the top-level fields of a rule."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import assert_never

from litellm_bighub.control_plane.http.auth import Plane, RuleWriter
from litellm_bighub.control_plane.http.errors import problem
from litellm_bighub.control_plane.http.rules import change, changed_fields, rule_event, stored_rule, with_fields
from litellm_bighub.control_plane.store.chain import dump
from litellm_bighub.domain.payload import JsonObject

router = APIRouter(prefix="/rules")


class Operation(BaseModel):
    """One operation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    op: Literal["add", "replace", "remove", "test"]
    path: str = Field(min_length=2, max_length=100, pattern=r"^/[a-z_]+$")
    value: Any = None


class Patch(BaseModel):
    """A JSON Patch (RFC 6902) over a rule's fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    patch: list[Operation] = Field(min_length=1, max_length=50)
    preview: bool = True
    reason: str | None = Field(default=None, max_length=2000)
    if_match_version: int | None = None


class PatchRefused(ValueError):  # noqa: N818 - names the state
    """The patch cannot be applied."""


@router.post("/{rule_id}/apply_patch")
async def apply_patch(
    rule_id: str, body: Patch, plane: Plane, caller: RuleWriter, if_match: Annotated[str | None, Header()] = None
) -> JsonObject:
    """Show what a patch would do, or do it; only to the version that the caller names, if it names one."""
    rule = await stored_rule(plane, rule_id)
    wanted = body.if_match_version if if_match is None else _version(rule_id, if_match)
    if wanted is not None and wanted != rule.version:
        raise problem(409, "version_conflict", sentence="api_rule_version", version=rule.version)
    before = rule.text.model_dump(mode="json")
    try:
        after = patch(before, body.patch)
    except PatchRefused as error:
        raise problem(422, "patch_refused", problem=error) from error
    text = with_fields(rule.text, after)
    changed = [name for name in before if before[name] != after.get(name)]
    operations = dump([operation.model_dump() for operation in body.patch])
    if body.preview:
        previewed = rule_event("rule.patch_previewed", rule, caller.name, plane.clock(), body.reason)
        await plane.write(lambda transaction: transaction.append(previewed))
    else:
        await change(
            plane,
            caller.name,
            rule_id,
            "rule.patch_applied",
            lambda _: text,
            version=rule.version,
            reason=body.reason,
        )
    return {
        "rule_id": rule_id,
        "preview": body.preview,
        "applied": not body.preview,
        "patch_valid": True,
        "changed_paths": [f"/{name}" for name in changed],
        "diff_summary": ", ".join(changed) or "nothing changes",
        "changed_fields": changed_fields(before, after),
        "patch_hash": f"sha256:{hashlib.sha256(operations.encode()).hexdigest()}",
        "applied_by": None if body.preview else caller.name,
        "before": before,
        "after": after,
    }


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
            case _:
                assert_never(operation.op)
    return {name: value for name, value in patched.items() if value is not None or fields[name] is None}


def _version(rule_id: str, if_match: str) -> int:
    match = re.fullmatch(rf'W/"rule:{re.escape(rule_id)}:v(\d{{1,9}})"', if_match)
    if match is None:
        raise problem(422, "bad_if_match")
    return int(match[1])
