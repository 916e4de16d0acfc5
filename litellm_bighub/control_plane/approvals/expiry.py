"""When an approval or an allowance expires. No other file decides that.

A person has `ttl` seconds to answer. Once they have approved, the caller has as many seconds to use the approval.
A bound for all approvals, such as the end of the office hours, belongs into `expires_at`.
"""

from __future__ import annotations

from typing import Final

from litellm_bighub.policy.rule import Rule

DEFAULT_TTL: Final = 900
"""Seconds, where no rule but the policy's default asks for a person."""


def ttl_of(rule: Rule | None) -> int:
    """How many seconds a person has to answer what this rule asks."""
    return DEFAULT_TTL if rule is None else rule.approval_ttl_seconds


def expires_at(ttl: int, *, since: float) -> float:
    """When an approval, or an allowance that came with one, expires.

    Args:
        ttl: how many seconds it may last.
        since: when it was asked for, or when it was given. POSIX seconds.
    """
    return since + ttl
