"""Rules that were added by API, with every version they had."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from sqlalchemy import Connection, RowMapping, delete, func, select, update

from litellm_bighub.control_plane.store.chain import DECISION
from litellm_bighub.control_plane.store.schema import events, rule_versions, rules
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.policy_text import AS_STORED, RuleText
from litellm_bighub.policy.rule import Rule


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule with its place in the database."""

    id: str
    version: int
    text: RuleText
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """A rule as it once was."""

    version: int
    text: RuleText
    changed_by: str
    changed_at: float


def everything(connection: Connection) -> list[StoredRule]:
    """All rules in the order of their making."""
    return [
        _stored(row) for row in connection.execute(select(rules).order_by(rules.c.created_at, rules.c.id)).mappings()
    ]


def get(connection: Connection, rule_id: str) -> StoredRule | None:
    """One rule."""
    row = connection.execute(select(rules).where(rules.c.id == rule_id)).mappings().one_or_none()
    return None if row is None else _stored(row)


def insert(connection: Connection, rule_id: str, text: RuleText, *, by: str, now: float) -> StoredRule:
    """Add a rule."""
    body = text.model_dump_json(exclude_defaults=True)
    connection.execute(
        rules.insert(), {"id": rule_id, "version": 1, "body": body, "created_at": now, "updated_at": now}
    )
    _remember(connection, (rule_id, 1, body), by, now)
    return StoredRule(rule_id, 1, text, now, now)


def change(connection: Connection, rule: StoredRule, text: RuleText, *, by: str, now: float) -> StoredRule | None:
    """Replace a rule's content; `None` if it was changed since `rule` was read."""
    body = text.model_dump_json(exclude_defaults=True)
    statement = (
        update(rules)
        .where(rules.c.id == rule.id, rules.c.version == rule.version)
        .values(version=rule.version + 1, body=body, updated_at=now)
    )
    if connection.execute(statement).rowcount != 1:
        return None
    _remember(connection, (rule.id, rule.version + 1, body), by, now)
    return StoredRule(rule.id, rule.version + 1, text, rule.created_at, now)


def remove(connection: Connection, rule_id: str) -> bool:
    """Delete a rule; its versions stay."""
    return connection.execute(delete(rules).where(rules.c.id == rule_id)).rowcount == 1


def versions(connection: Connection, rule_id: str, limit: int) -> list[RuleVersion]:
    """What a rule has been, the newest first."""
    query = select(rule_versions).where(rule_versions.c.rule_id == rule_id)
    rows = connection.execute(query.order_by(rule_versions.c.version.desc()).limit(limit)).mappings()
    return [
        RuleVersion(
            row["version"],
            RuleText.model_validate_json(row["body"], context=AS_STORED),
            row["changed_by"],
            row["changed_at"],
        )
        for row in rows
    ]


def usage_numbers(connection: Connection, rule: Rule, now: float) -> JsonObject:
    """How often a rule has allowed and blocked. The days are those of its time zone."""
    moment = datetime.fromtimestamp(now, rule.zone or timezone.utc)
    today = moment.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()

    def counted(verdict: str, since: float) -> int:
        query = select(func.count()).where(
            events.c.rule_id == rule.id, events.c.type == DECISION, events.c.verdict == verdict, events.c.time >= since
        )
        return connection.execute(query).scalar_one()

    used = counted("allowed", today)
    last = select(func.max(events.c.time)).where(events.c.rule_id == rule.id, events.c.type == DECISION)
    return {
        "usage_today": used,
        "usage_total": counted("allowed", 0),
        "blocked_today": counted("blocked", today),
        "blocked_total": counted("blocked", 0),
        "remaining_today": None if rule.max_per_day is None else max(0, rule.max_per_day - used),
        "last_used_at": connection.execute(last).scalar(),
    }


def _remember(connection: Connection, rule: tuple[str, int, str], by: str, now: float) -> None:
    rule_id, version, body = rule
    row = {"rule_id": rule_id, "version": version, "body": body, "changed_by": by, "changed_at": now}
    connection.execute(rule_versions.insert(), row)


def _stored(row: RowMapping) -> StoredRule:
    text = RuleText.model_validate_json(row["body"], context=AS_STORED)
    return StoredRule(row["id"], row["version"], text, row["created_at"], row["updated_at"])
