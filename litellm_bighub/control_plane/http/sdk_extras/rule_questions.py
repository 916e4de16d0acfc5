"""`/rules/validate`, `/rules/dry-run`, `/rules/domains` and `/rules/admin/idempotency/purge`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query

from litellm_bighub.control_plane.decisions.value_extraction import measured
from litellm_bighub.control_plane.http.actions import Action
from litellm_bighub.control_plane.http.auth import Anybody, Plane, RuleWriter, require_actor
from litellm_bighub.control_plane.http.rules import stored_rule
from litellm_bighub.control_plane.store.tables import idempotency
from litellm_bighub.domain.decision import Block
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.evaluation import UNUSED, PolicyJudgement, find, judge_all
from litellm_bighub.policy.policy_text import RuleText

router = APIRouter(prefix="/rules")

DOMAINS = (
    ("financial_actions", "Financial actions"),
    ("operational_systems", "Operational systems"),
    ("infrastructure_devops", "Infrastructure and DevOps"),
    ("customer_transactions", "Customer transactions"),
    ("data_modifications", "Data modifications"),
    ("custom", "Custom"),
)


class Validate(Action):
    """A question to one rule, or to the policy."""

    rule_id: str | None = None


@router.get("/domains")
async def domains(_: Anybody) -> list[dict[str, str]]:
    """The business domains that BIGHUB knows; others work too."""
    return [{"id": name, "name": label} for name, label in DOMAINS]


@router.post("/dry-run")
async def dry_run(body: RuleText, _: RuleWriter) -> JsonObject:
    """Say whether a rule could be added; a body that is no rule is a 422."""
    return {"valid": True, "dry_run": True, "rule": body.model_dump(mode="json")}


@router.post("/validate")
@router.post("/validate/dry-run")
async def validate(body: Validate, plane: Plane, caller: Anybody) -> JsonObject:
    """Ask one rule, or the whole policy, about an action. Nothing is counted or recorded."""
    require_actor(caller, body.actor)
    call, context = body.question()
    if body.rule_id is None:
        judgement = (await plane.decide(call, context, dry_run=True)).judgement
    else:
        snapshot = await plane.snapshot()
        workspace = snapshot.text.workspace or ""
        rules = (await stored_rule(plane, body.rule_id)).text.rules(body.rule_id, workspace=workspace)
        known = measured(snapshot.tools, call)
        if isinstance(known, Block):
            return {"allowed": False, "result": "blocked", "reason": known.reason, "matched": False}
        call = known
        alone = replace(snapshot.policy, version="", default="block", rules=rules, has_parts=True)
        found = find(alone, call, context, plane.clock())
        if found == (None,):
            return {"allowed": False, "result": "blocked", "reason": "the rule does not match", "matched": False}
        judgement = (
            found
            if isinstance(found, PolicyJudgement)
            else judge_all(alone, found, call, context, plane.clock(), lambda *_: UNUSED)
        )
    return {
        "allowed": judgement.verdict == "allowed",
        "result": judgement.verdict,
        "reason": judgement.reason,
        "blocked_by": judgement.blocked_by or None,
        "rule_id": judgement.rule.id if judgement.rule else None,
        "matched": judgement.rule is not None,
    }


@router.post("/admin/idempotency/purge")
async def purge(
    plane: Plane,
    _: RuleWriter,
    only_expired: bool = True,  # noqa: FBT001, FBT002 - a query parameter
    older_than_hours: Annotated[float | None, Query(ge=0, le=10**6)] = None,
    limit: Annotated[int | None, Query(ge=1, le=10**6)] = None,
) -> JsonObject:
    """Forget stored answers: those that no longer count, or all that are older."""
    kept = idempotency.KEPT_SECONDS if only_expired else 0.0
    before = plane.clock() - (kept if older_than_hours is None else older_than_hours * 3600)
    return {
        "purged": await plane.write(
            lambda transaction: idempotency.purge(transaction.connection, before=before, limit=limit)
        )
    }
