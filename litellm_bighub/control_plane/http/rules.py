"""`/rules`: rules in the database, with their versions. Those of the policy file are not here."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import ValidationError

from litellm_bighub.control_plane.http.actions import IdempotencyKey
from litellm_bighub.control_plane.http.auth import Plane, Reader, RuleWriter
from litellm_bighub.control_plane.http.errors import existing, not_found, problem
from litellm_bighub.control_plane.http.json_values import iso
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.chain import AuditEvent, dump
from litellm_bighub.control_plane.store.tables import idempotency, rules
from litellm_bighub.control_plane.store.tables.rules import StoredRule
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.policy_file import CLAIM_ALLOWS
from litellm_bighub.policy.policy_text import RuleText

router = APIRouter(prefix="/rules")


@router.post("")
async def create(
    body: RuleText, plane: Plane, caller: RuleWriter, idempotency_key: IdempotencyKey = None
) -> JsonObject:
    """Add a rule. It is in force with the next decision of every process."""
    rule_id, now = f"rule_{plane.new_id()}", plane.clock()
    _refuse_claim(plane, body)

    def make(transaction: Transaction) -> JsonObject:
        return shown(add(transaction, rule_id, body, by=caller.name, now=now))

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


@router.get("/{rule_id}")
async def get(rule_id: str, plane: Plane, _: Reader) -> JsonObject:
    """One rule, with how it was used."""
    rule, now = await stored_rule(plane, rule_id), plane.clock()
    numbers = await plane.read(lambda connection: rules.usage_numbers(connection, rule.text.rules(rule_id)[0], now))
    return {**shown(rule), **numbers, "last_used_at": iso(numbers["last_used_at"])}


@router.patch("/{rule_id}")
async def update(rule_id: str, body: JsonObject, plane: Plane, caller: RuleWriter) -> JsonObject:
    """Change some fields."""
    return await change(plane, caller.name, rule_id, "rule.updated", lambda text: with_fields(text, body))


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
    return await change(
        plane, caller.name, rule_id, "rule.paused", lambda text: with_fields(text, {"status": "paused"})
    )


@router.post("/{rule_id}/resume")
async def resume(rule_id: str, plane: Plane, caller: RuleWriter) -> JsonObject:
    """Put the rule in force again."""
    return await change(
        plane, caller.name, rule_id, "rule.resumed", lambda text: with_fields(text, {"status": "active"})
    )


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
            "changed_fields": [] if before is None else changed_fields(before, text),
        }
        for version, text, before in zip_longest(found, texts, texts[1:])
    ][:limit]


def add(
    transaction: Transaction, rule_id: str, text: RuleText, *, by: str, now: float, reason: str | None = None
) -> StoredRule:
    """Put a new rule in force, and record who did it and why."""
    rule = rules.insert(transaction.connection, rule_id, text, by=by, now=now)
    _record(transaction, "rule.created", rule, by, now, reason)
    return rule


def shown(rule: StoredRule) -> JsonObject:
    """A rule as the contract shows it."""
    return {
        **rule.text.model_dump(mode="json"),
        "rule_id": rule.id,
        "version": rule.version,
        "created_at": iso(rule.created_at),
        "updated_at": iso(rule.updated_at),
    }


def changed_fields(before: JsonObject, after: JsonObject) -> list[JsonObject]:
    """The fields of a rule that differ."""
    return [
        {"field": name, "before": before[name], "after": after.get(name)}
        for name in before
        if before[name] != after.get(name)
    ]


def with_fields(text: RuleText, fields: JsonObject) -> RuleText:
    """The rule with some fields replaced.

    Raises:
        HTTPException: 422, the result is no rule.
    """
    try:
        return RuleText.model_validate_json(dump({**text.model_dump(mode="json"), **fields}))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise problem(422, "invalid_rule", problem=f"{where}: {first['msg']}" if where else first["msg"]) from error


async def stored_rule(plane: ControlPlane, rule_id: str) -> StoredRule:
    """The rule of this id.

    Raises:
        HTTPException: 404, there is none.
    """
    return existing(await plane.read(lambda connection: rules.get(connection, rule_id)), "rule", rule_id)


async def change(
    plane: ControlPlane,
    by: str,
    rule_id: str,
    event: Literal["rule.updated", "rule.paused", "rule.resumed", "rule.patch_applied"],
    make: Callable[[RuleText], RuleText],
    *,
    version: int | None = None,
    reason: str | None = None,
) -> JsonObject:
    """Replace a rule's content, and record who did it.

    Args:
        plane: holds the rule.
        by: who changes it.
        rule_id: of the rule.
        event: the type of the audit event.
        make: makes the new content of the old.
        version: the version that the caller has read; another one is a conflict.
        reason: why, for the audit.

    Raises:
        HTTPException: 404, there is no such rule; 409, it was changed in the meantime.
    """
    now = plane.clock()

    def job(transaction: Transaction) -> StoredRule | None:
        rule = existing(rules.get(transaction.connection, rule_id), "rule", rule_id)
        if version is not None and rule.version != version:
            return None
        text = make(rule.text)
        _refuse_claim(plane, text)
        changed = rules.change(transaction.connection, rule, text, by=by, now=now)
        if changed is not None:
            _record(transaction, event, changed, by, now, reason)
        return changed

    changed = await plane.write(job)
    if changed is None:
        raise problem(409, "version_conflict")
    return shown(changed)


def _refuse_claim(plane: ControlPlane, text: RuleText) -> None:
    if text.status == "active" and text.allows_by_claim and not plane.source.text.trusted_end_user:
        raise problem(422, "invalid_rule", problem=CLAIM_ALLOWS)


def _record(
    transaction: Transaction, event: str, rule: StoredRule, by: str, now: float, reason: str | None = None
) -> None:
    transaction.append(rule_event(event, rule, by, now, reason))
    transaction.reconfigure()


def rule_event(event: str, rule: StoredRule, by: str, now: float, reason: str | None = None) -> AuditEvent:
    """An event in the life of a rule."""
    body = {"by": by, "version": rule.version, "rule": rule.text.model_dump(mode="json", exclude_defaults=True)}
    if reason is not None:
        body["reason"] = reason
    return AuditEvent(
        now, event, rule.id, body, domain=rule.text.domain, tool=", ".join(rule.text.tools), rule_id=rule.id
    )
