"""The tables. Times are POSIX seconds; JSON is kept as the text that was digested.

A change here needs a migration in `migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, Table, Text, UniqueConstraint, text

metadata = MetaData()


def _index_of_named(name: str, column: str) -> Index:
    """An index of the rows that name something in a column where most name nothing: each page costs decisions time."""
    is_filled = text(f"{column} <> ''")
    return Index(name, column, sqlite_where=is_filled, postgresql_where=is_filled)


head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    comment="1: the chain's end, and a number that grows with rules and switches. 2: how far webhooks were told.",
)

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("time", Double, nullable=False),
    Column("type", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("domain", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Index("events_time", "time"),
    Index("events_type", "type", "seq"),
    Index("events_subject", "subject"),
    Index("events_rule", "rule_id", "time"),
    comment="Append-only and chained; decisions are the events of type decision_event.created.",
)

event_counts = Table(
    "event_counts",
    metadata,
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("type", Text, primary_key=True),
    Column("severity", Text, primary_key=True),
    Column("tool", Text, primary_key=True),
    Column("verdict", Text, primary_key=True),
    Column("rule_id", Text, primary_key=True),
    Column("blocked_by", Text, primary_key=True),
    Column("enforced", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("value", Double, nullable=False),
    comment="How many events there are, and what they are worth together, up to the one in row 3 of head.",
)

usage = Table(
    "usage",
    metadata,
    Column("rule_id", Text, primary_key=True),
    Column("day", Text, nullable=False),
    Column("today", BigInteger, nullable=False),
    Column("hour", Text, nullable=False),
    Column("this_hour", BigInteger, nullable=False),
    Column("last_at", Double),
    Column("day_before", BigInteger, nullable=False, server_default="0"),
    Column("hour_before", BigInteger, nullable=False, server_default="0"),
    comment="What each limited rule has allowed.",
)

totals = Table(
    "totals",
    metadata,
    Column("rule_id", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("window", Text, nullable=False),
    Column("used", Text, nullable=False),
    Column("reserved", Text, nullable=False),
    Column("window_before", Text, nullable=False),
    Column("used_before", Text, nullable=False),
    Column("reserved_before", Text, nullable=False),
    comment="What the values of a rule's calls sum up to, exactly.",
)

reservations = Table(
    "reservations",
    metadata,
    Column("decision_id", Text, primary_key=True),
    Column("rule_id", Text, primary_key=True),
    Column("approval_id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("amount", Text, nullable=False),
    Column("windows", Text, nullable=False),
    Column("reserved", Integer, nullable=False),
    Column("time", Double, nullable=False),
    _index_of_named("reservations_approval", "approval_id"),
    comment="What each call has added to totals, until it is taken back.",
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("decision_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("domain", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("value", Double),
    Column("arguments", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("edited", Text),
    Column("four_eyes", Integer, nullable=False),
    Column("ttl", Integer, nullable=False),
    Column("first_by", Text),
    Column("resolved_by", Text),
    Column("comment", Text),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("resolved_at", Double),
    Column("consumed_at", Double),
    Column("edited_digest", Text),
    Column("first_person", Text),
    Column("told", Text, nullable=False, server_default=""),
    Column("background", Text, nullable=False, server_default=""),
    Column("requirements", Text, nullable=False, server_default=""),
    Column("votes", Text, nullable=False, server_default=""),
    Column("escalates_at", Double),
    Column("asked_by", Text, nullable=False, server_default=""),
    Column("edited_value", Double),
    Column("edited_currency", Text, nullable=False, server_default=""),
    Column("edited_target", Text, nullable=False, server_default=""),
    Index("approvals_state", "state", "created_at"),
    Index("approvals_digest", "digest"),
    Index("approvals_edited", "edited_digest"),
)

told_messages = Table(
    "told_messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("approval_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("shown", Text, nullable=False),
    Column("escalates_at", Double),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("is_over", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("approval_id", "channel", "place", name="told_messages_place"),
    Index("told_messages_due", "channel", "is_over", "due_at"),
    comment="What channels were told of calls that wait, and how each message is found there.",
)

sealed_values = Table(
    "sealed_values",
    metadata,
    Column("approval_id", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("visible_to", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    comment="What is hidden in calls that wait, sealed with a key of the environment; gone once they no longer wait.",
)

rules = Table(
    "rules",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    comment="Rules that were added by API; the file's are not here.",
)

rule_versions = Table(
    "rule_versions",
    metadata,
    Column("rule_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", Double, nullable=False),
)

policies = Table(
    "policies",
    metadata,
    Column("version", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("first_seen_at", Double, nullable=False),
)

switches = Table(
    "switches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("domain", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("activated_by", Text, nullable=False),
    Column("activated_at", Double, nullable=False),
    Column("deactivated_by", Text),
    Column("deactivated_at", Double),
)

memory = Table(
    "memory",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("time", Double, nullable=False),
    Column("source", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("domain", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("memory_time", "time"),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("request_id", Text, nullable=False),
    Column("validation_id", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("reported_at", Double, nullable=False),
    Column("actor", Text, nullable=False, server_default=""),
    Column("domain", Text, nullable=False, server_default=""),
    Column("tool", Text, nullable=False, server_default=""),
    Column("verdict", Text, nullable=False, server_default=""),
    Column("decided_at", Double),
    Index("outcomes_domain", "domain", "reported_at"),
    Index("outcomes_request", "request_id"),
    Index("outcomes_time", "reported_at"),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("active", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Double, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("webhook_id", Integer, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("status_code", Integer),
    Column("error", Text),
    Column("created_at", Double, nullable=False),
    Column("delivered_at", Double),
    Index("deliveries_due", "state", "due_at"),
    Index("deliveries_webhook", "webhook_id", "id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Column("lineage", Text, nullable=False, server_default=""),
    Column("actor", Text),
    Column("ip_whitelist", Text, nullable=False, server_default=""),
    Column("rate_limit_per_minute", Integer),
    Column("holder", Text, nullable=False, server_default=""),
)

api_key_minutes = Table(
    "api_key_minutes",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("minute", BigInteger, nullable=False),
    Column("requests", Integer, nullable=False),
    comment="How often keys with a limit were used in their last minute.",
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("password", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("groups", Text, nullable=False),
    Column("litellm_user", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("disabled_at", Double),
    Column("totp_secret", Text, nullable=False, server_default=""),
    Column("totp_step", Integer, nullable=False, server_default="0"),
    Column("recovery", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False, server_default=""),
    Column("slack", Text, nullable=False, server_default=""),
    Column("login_at", Double),
    comment="People with a login of their own; of a password, its argon2 hash.",
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("user_id", Text, nullable=False, server_default=""),
    Column("address", Text, nullable=False, server_default=""),
    Column("client", Text, nullable=False, server_default=""),
    comment="Logins of the inbox; the cookie's value is not here, only its digest.",
)

live_sessions = Table(
    "live_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("connected_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Index("live_sessions_key", "key_id", "expires_at"),
    comment="Programs that said that they are there, until they stop saying so.",
)

decided_calls = Table(
    "decided_calls",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("response_id", Text, nullable=False),
    Column("conversation", Text, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("notice_id", Text, nullable=False),
    Column("notice", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("released", Integer, nullable=False),
    Column("edited", Integer, nullable=False),
    Column("answered", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("time", Double, nullable=False),
    Column("continued_by", Text, nullable=False, server_default=""),
    Column("key", Text, nullable=False, server_default=""),
    Column("user", Text, nullable=False, server_default=""),
    Column("reasoning_id", Text, nullable=False, server_default=""),
    Column("reasoning_digest", Text, nullable=False, server_default=""),
    Column("turn", Text, nullable=False, server_default=""),
    Column("request", Text, nullable=False, server_default=""),
    Column("path", Text, nullable=False, server_default=""),
    Column("told", Text, nullable=False, server_default=""),
    Column("caller_rules", Text, nullable=False, server_default=""),
    Index("decided_calls_response", "response_id"),
    _index_of_named("decided_calls_conversation", "conversation"),
    Index("decided_calls_call", "call_id", "actor"),
    _index_of_named("decided_calls_notice", "notice_id"),
    _index_of_named("decided_calls_reasoning_id", "reasoning_id"),
    _index_of_named("decided_calls_reasoning_digest", "reasoning_digest"),
    _index_of_named("decided_calls_turn", "turn"),
    comment="What became of the calls of answers, for the requests that follow. Arguments are redacted.",
)

histories = Table(
    "histories",
    metadata,
    Column("mark", Text, primary_key=True),
    Column("returned", Text, nullable=False),
    Column("time", Double, nullable=False),
    Index("histories_time", "time"),
    comment="The tools whose results had come back, by the marks of answers, conversations, calls and callers.",
)

conversation_uses = Table(
    "conversation_uses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("rule_id", Text, nullable=False),
    Column("mark", Text, nullable=False),
    Column("decision_id", Text, nullable=False),
    Column("time", Double, nullable=False),
    Index("conversation_uses_mark", "rule_id", "mark", "time"),
    Index("conversation_uses_time", "time"),
    comment="The calls that rules have allowed, by the marks of their conversations and of their callers.",
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

retention = Table(
    "retention",
    metadata,
    Column("what", Text, primary_key=True),
    Column("looked_at", Double, nullable=False),
    Column("doubted_at", Double),
    Column("sure_at", Double),
    comment="Looks at the clock before what is too old is removed.",
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("key", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("response", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Index("idempotency_time", "created_at"),
    comment="Answers to requests with an Idempotency-Key, by the digest of caller, path and key.",
)
