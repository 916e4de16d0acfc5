"""`/policy`: every version of the policy, for people and programs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from litellm_bighub.control_plane.decisions.policy_versions import PolicyVersion, version as find, versions as listing
from litellm_bighub.control_plane.http.auth import Plane, Reader
from litellm_bighub.control_plane.http.errors import existing
from litellm_bighub.control_plane.http.json_values import iso
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.difference import Difference

router = APIRouter(prefix="/policy")


@router.get("/versions")
async def versions(plane: Plane, _: Reader, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> list[JsonObject]:
    """Versions with what each changed, the newest first."""
    found = await plane.read(lambda connection: listing(connection, limit))
    return [shown(one) for one in found]


@router.get("/versions/{version}")
async def version(version: str, plane: Plane, _: Reader) -> JsonObject:
    """One version with its whole text."""
    found = existing(await plane.read(lambda connection: find(connection, version)), "policy version", version)
    return {**shown(found), "file": found.file, "added": dict(found.added_rules)}


def shown(one: PolicyVersion) -> JsonObject:
    """A version in short."""
    return {
        "version": one.version,
        "first_used_at": iso(one.first_used_at),
        "rules": len(one.text.rules) + len(one.added),
        "changes": None if one.changes is None else [_change(difference) for difference in one.changes],
    }


def _change(difference: Difference) -> JsonObject:
    fields = {name: {"before": was, "after": now} for name, (was, now) in difference.fields.items()}
    return {"kind": difference.kind, "what": difference.what, "fields": fields}
