"""`/rules`: rules in the database, with versions, patches and dry runs. Those of the policy file are not here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from itertools import zip_longest
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from litellm_bighub.control_plane.decisions.value_extraction import measured
from litellm_bighub.control_plane.http.actions import Action, IdempotencyKey
from litellm_bighub.control_plane.http.auth import Anybody, Plane, Reader, RuleWriter, see_actor
from litellm_bighub.control_plane.http.errors import existing, not_found, problem
from litellm_bighub.control_plane.http.sdk_extras.rule_patch import Operation, PatchRefused, patch
from litellm_bighub.control_plane.http.times import iso
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.chain import AuditEvent, dump
from litellm_bighub.control_plane.store.tables import idempotency, rules
from litellm_bighub.control_plane.store.tables.rules import StoredRule
from litellm_bighub.control_plane.store.tables.stats import rule_numbers
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.decision import Block
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.evaluation import UNUSED, PolicyJudgement, find, judge
from litellm_bighub.policy.policy_text import RuleText
from litellm_bighub.policy.rule import Policy

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


class Patch(BaseModel):
    """A JSON Patch (RFC 6902) over a rule's fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    patch: list[Operation] = Field(min_length=1, max_length=50)
    preview: bool = True
    reason: str | None = Field(default=None, max_length=2000)
    if_match_version: int | None = None


@router.post("")
async def create(
    body: RuleText, plane: Plane, caller: RuleWriter, idempotency_key: IdempotencyKey = None
) -> JsonObject:
    """Add a rule. It is in force with the next decision of every process."""
    rule_id, now = f"rule_{plane.new_id()}", plane.clock()

    def make(transaction: Transaction) -> JsonObject:
        rule = rules.insert(transaction.connection, rule_id, body, by=caller.name, now=now)
        _record(transaction, "rule.created", rule, caller.name, now)
        return shown(rule)

    def job(transaction: Transaction) -> JsonObject:
        if idempotency_key is None:
            return make(transaction)
        name = f"{caller.id} rules {idempotency_key}"
        request = body.model_dump(mode="json")
        return idempotency.once(transaction.connection, name, request, now, lambda: make(transaction))

    return await plane.write(job)


@router.get("")
async def listed(
    plane: Plane,
    _: Reader,
    status: str | None = None,
    domain: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> list[JsonObject]:
    """Rules, the oldest first."""
    stored = await plane.read(rules.everything)
    kept = [
        rule
        for rule in stored
        if (status is None or rule.text.status == status) and (domain is None or rule.text.domain == domain)
    ]
    return [shown(rule) for rule in kept[offset : offset + limit]]


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
    see_actor(caller, body.actor)
    call, context = body.question()
    if body.rule_id is None:
        judgement = (await plane.decide(call, context, dry_run=True)).judgement
    else:
        rule = (await _get(plane, body.rule_id)).text.rule(body.rule_id)
        known = measured((await plane.snapshot()).tools, call)
        if isinstance(known, Block):
            return {"allowed": False, "result": "blocked", "reason": known.reason, "matched": False}
        call = known
        alone = Policy(version="", default="block", rules=(rule,), tools={})
        found = find(alone, call, context, plane.clock())
        if found is None:
            return {"allowed": False, "result": "blocked", "reason": "the rule does not match", "matched": False}
        judgement = found if isinstance(found, PolicyJudgement) else judge(alone, found, call, plane.clock(), UNUSED)
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


@router.get("/{rule_id}")
async def get(rule_id: str, plane: Plane, _: Reader) -> JsonObject:
    """One rule, with how it was used."""
    rule, now = await _get(plane, rule_id), plane.clock()
    numbers = await plane.read(lambda connection: rule_numbers(connection, rule.text.rule(rule_id), now))
    return {**shown(rule), **numbers, "last_used_at": iso(numbers["last_used_at"])}


@router.patch("/{rule_id}")
async def update(rule_id: str, body: JsonObject, plane: Plane, caller: RuleWriter) -> JsonObject:
    """Change some fields."""
    return await _change(plane, caller.name, rule_id, "rule.updated", lambda text: _with(text, body))


@router.delete("/{rule_id}")
async def delete(rule_id: str, plane: Plane, caller: RuleWriter) -> JsonObject:
    """Remove a rule; its versions stay in the audit."""
    now = plane.clock()

    def job(transaction: Transaction) -> bool:
        rule = rules.get(transaction.connection, rule_id)
        if rule is None:
            return False
        rules.remove(transaction.connection, rule_id)
        _record(transaction, "rule.deleted", rule, caller.name, now)
        return True

    if not await plane.write(job):
        raise not_found("rule", rule_id)
    return {"rule_id": rule_id, "deleted": True}


@router.post("/{rule_id}/pause")
async def pause(rule_id: str, plane: Plane, caller: RuleWriter) -> JsonObject:
    """Pass the rule over until it is resumed."""
    return await _change(plane, caller.name, rule_id, "rule.paused", lambda text: _with(text, {"status": "paused"}))


@router.post("/{rule_id}/resume")
async def resume(rule_id: str, plane: Plane, caller: RuleWriter) -> JsonObject:
    """Put the rule in force again."""
    return await _change(plane, caller.name, rule_id, "rule.resumed", lambda text: _with(text, {"status": "active"}))


@router.get("/{rule_id}/versions")
async def versions(
    rule_id: str, plane: Plane, _: Reader, limit: Annotated[int, Query(ge=1, le=1000)] = 50
) -> list[JsonObject]:
    """What the rule has been, the newest first, each with what it changed."""
    found = await plane.read(lambda connection: rules.versions(connection, rule_id, limit + 1))
    if not found:
        raise not_found("rule", rule_id)
    texts = [version.text.model_dump(mode="json") for version in found]
    return [
        {
            **text,
            "version": version.version,
            "changed_by": version.changed_by,
            "changed_at": iso(version.changed_at),
            "changed_fields": [] if before is None else _changed(before, text),
        }
        for version, text, before in zip_longest(found, texts, texts[1:])
    ][:limit]


@router.post("/{rule_id}/apply_patch")
async def apply_patch(
    rule_id: str, body: Patch, plane: Plane, caller: RuleWriter, if_match: Annotated[str | None, Header()] = None
) -> JsonObject:
    """Show what a patch would do, or do it; only to the version that the caller names, if it names one."""
    rule = await _get(plane, rule_id)
    wanted = body.if_match_version if if_match is None else _version(rule_id, if_match)
    if wanted is not None and wanted != rule.version:
        raise problem(409, "version_conflict", f"the rule is at version {rule.version}")
    before = rule.text.model_dump(mode="json")
    try:
        after = patch(before, body.patch)
    except PatchRefused as error:
        raise problem(422, "patch_refused", str(error)) from error
    text = _with(rule.text, after)
    changed = [name for name in before if before[name] != after.get(name)]
    operations = dump([operation.model_dump() for operation in body.patch])
    if body.preview:
        previewed = _entry("rule.patch_previewed", rule, caller.name, plane.clock(), body.reason)
        await plane.write(lambda transaction: transaction.append(previewed))
    else:
        await _change(
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
        "changed_fields": _changed(before, after),
        "patch_hash": f"sha256:{hashlib.sha256(operations.encode()).hexdigest()}",
        "applied_by": None if body.preview else caller.name,
        "before": before,
        "after": after,
    }


def shown(rule: StoredRule) -> JsonObject:
    """A rule as the contract shows it."""
    return {
        **rule.text.model_dump(mode="json"),
        "rule_id": rule.id,
        "version": rule.version,
        "created_at": iso(rule.created_at),
        "updated_at": iso(rule.updated_at),
    }


def _changed(before: JsonObject, after: JsonObject) -> list[JsonObject]:
    return [
        {"field": name, "before": before[name], "after": after.get(name)}
        for name in before
        if before[name] != after.get(name)
    ]


def _with(text: RuleText, fields: JsonObject) -> RuleText:
    try:
        return RuleText.model_validate_json(dump({**text.model_dump(mode="json"), **fields}))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise problem(422, "invalid_rule", f"{where}: {first['msg']}" if where else first["msg"]) from error


def _version(rule_id: str, if_match: str) -> int:
    match = re.fullmatch(rf'W/"rule:{re.escape(rule_id)}:v(\d{{1,9}})"', if_match)
    if match is None:
        raise problem(422, "bad_if_match", 'If-Match has the form W/"rule:<id>:v<n>"')
    return int(match[1])


async def _get(plane: ControlPlane, rule_id: str) -> StoredRule:
    return existing(await plane.read(lambda connection: rules.get(connection, rule_id)), "rule", rule_id)


async def _change(
    plane: ControlPlane,
    by: str,
    rule_id: str,
    event: Literal["rule.updated", "rule.paused", "rule.resumed", "rule.patch_applied"],
    make: Callable[[RuleText], RuleText],
    *,
    version: int | None = None,
    reason: str | None = None,
) -> JsonObject:
    now = plane.clock()

    def job(transaction: Transaction) -> StoredRule | None:
        rule = existing(rules.get(transaction.connection, rule_id), "rule", rule_id)
        if version is not None and rule.version != version:
            return None
        changed = rules.change(transaction.connection, rule, make(rule.text), by=by, now=now)
        if changed is not None:
            _record(transaction, event, changed, by, now, reason)
        return changed

    changed = await plane.write(job)
    if changed is None:
        raise problem(409, "version_conflict", "the rule was changed in the meantime")
    return shown(changed)


def _record(
    transaction: Transaction, event: str, rule: StoredRule, by: str, now: float, reason: str | None = None
) -> None:
    transaction.append(_entry(event, rule, by, now, reason))
    transaction.reconfigure()


def _entry(event: str, rule: StoredRule, by: str, now: float, reason: str | None = None) -> AuditEvent:
    body = {"by": by, "version": rule.version, "rule": rule.text.model_dump(mode="json", exclude_defaults=True)}
    if reason is not None:
        body["reason"] = reason
    return AuditEvent(now, event, rule.id, body, domain=rule.text.domain, tool=rule.text.tool, rule_id=rule.id)
