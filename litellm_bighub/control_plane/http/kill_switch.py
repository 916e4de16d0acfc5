"""`/kill-switch`: block everything, a domain, or what a rule decides."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator
from typing_extensions import Self

from litellm_bighub.control_plane.http.auth import Anybody, Plane, SwitchWriter
from litellm_bighub.control_plane.http.errors import not_found
from litellm_bighub.control_plane.http.json_values import iso
from litellm_bighub.control_plane.store.tables import switches
from litellm_bighub.control_plane.store.tables.switches import Switch
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.payload import JsonObject

router = APIRouter(prefix="/kill-switch")


class Activation(BaseModel):
    """What to block."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: str = Field(default="", max_length=2000)
    scope: Literal["global", "domain", "rule"] = "global"
    domain: str | None = Field(default=None, max_length=200)
    rule_id: str | None = Field(default=None, max_length=200)

    @model_validator(mode="after")
    def _names_its_scope(self) -> Self:
        if self.scope == "domain" and not self.domain:
            raise ValueError("scope `domain` needs a domain")
        if self.scope == "rule" and not self.rule_id:
            raise ValueError("scope `rule` needs a rule_id")
        return self


class Deactivation(BaseModel):
    """Why a switch goes off."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: str = Field(default="", max_length=2000)


@router.get("/status")
async def status(plane: Plane, _: Anybody) -> JsonObject:
    """Which switches are on."""
    active = await plane.read(switches.active)
    return {
        "is_active": bool(active),
        "active_switches": [
            {**asdict(switch), "switch_id": switch.id, "activated_at": iso(switch.activated_at)} for switch in active
        ],
    }


@router.post("/activate")
async def activate(body: Activation, plane: Plane, caller: SwitchWriter) -> JsonObject:
    """Switch on; it holds for the next decision of every process."""
    now = plane.clock()
    switch = Switch(
        id=f"sw_{plane.new_id()}",
        scope=body.scope,
        domain=body.domain or "",
        rule_id=body.rule_id or "",
        reason=body.reason,
        activated_by=caller.name,
        activated_at=now,
    )

    await plane.write(lambda transaction: switches.turn_on(transaction, switch, person=caller.lineage))
    return {"switch_id": switch.id, "is_active": True, "scope": switch.scope}


@router.post("/deactivate/{switch_id}")
async def deactivate(
    switch_id: str, plane: Plane, caller: SwitchWriter, body: Deactivation | None = None
) -> JsonObject:
    """Switch off."""
    now = plane.clock()

    reason = body.reason if body else ""

    def job(transaction: Transaction) -> bool:
        return switches.turn_off(transaction, switch_id, by=caller.name, person=caller.lineage, reason=reason, now=now)

    if not await plane.write(job):
        raise not_found("active kill switch", switch_id)
    return {"success": True, "switch_id": switch_id}
