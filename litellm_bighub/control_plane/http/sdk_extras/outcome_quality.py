"""What reported outcomes say: how calls went, and whether it was good to follow what was recommended."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final, Literal, TypeAlias

from litellm_bighub.domain.call import JSON
from litellm_bighub.domain.payload import JsonObject

Category: TypeAlias = Literal["positive", "neutral", "negative", "unknown"]

TAXONOMY: Final[dict[str, tuple[Category, float]]] = {
    "SUCCESS": ("positive", 0.0),
    "COMPLETED": ("positive", 0.0),
    "BLOCKED": ("neutral", 0.2),
    "ESCALATION": ("negative", 0.4),
    "CORRECTION": ("negative", 0.5),
    "CHURN": ("negative", 0.6),
    "FAILURE": ("negative", 0.7),
    "FRAUD": ("negative", 1.0),
}
"""Statuses, in upper case, with what they mean and how bad that is."""
_EXAMPLES: Final = 5
_ENOUGH: Final = 20


@dataclass(frozen=True, slots=True)
class Reported:
    """One report with what had been decided."""

    outcome_id: str
    request_id: str
    status: str
    reported_at: float
    domain: str
    actor: str
    tool: str
    verdict: str
    body: JsonObject

    @property
    def category(self) -> Category:
        """What the status means."""
        return meaning(self.status)[0]

    @property
    def followed(self) -> bool | None:
        """Whether the recommendation was followed, if the report says so."""
        stated = self.body.get("recommendation_followed")
        return stated if isinstance(stated, bool) else None


def meaning(status: str) -> tuple[Category, float | None]:
    """Category and severity of a status."""
    return TAXONOMY.get(status.upper(), ("unknown", None))


def summary(reports: Sequence[Reported]) -> JsonObject:
    """How calls went."""
    categories = Counter(report.category for report in reports)
    rated = categories["positive"] + categories["negative"]
    return {
        "total": len(reports),
        "by_status": dict(Counter(report.status for report in reports)),
        "by_category": dict(categories),
        "by_domain": dict(Counter(report.domain or "unknown" for report in reports)),
        "by_verdict": dict(Counter(report.verdict or "unknown" for report in reports)),
        "success_rate": _rate(categories["positive"], rated),
        "corrections": sum(report.body.get("correction_needed") is True for report in reports),
        "rollbacks": sum(report.body.get("rollback_performed") is True for report in reports),
        "correction_cost": _sum(reports, "correction_cost"),
        "revenue_impact": _sum(reports, "revenue_impact"),
        "customer_impact_count": _sum(reports, "customer_impact_count"),
        "support_tickets_created": _sum(reports, "support_tickets_created"),
    }


def quality(reports: Sequence[Reported]) -> JsonObject:
    """Whether it was good to follow what was recommended. Reports that do not say whether it was are left out."""
    answered = [report for report in reports if report.followed is not None]
    helped = [report for report in answered if report.followed and report.category == "positive"]
    missed = [report for report in answered if not report.followed and report.category == "negative"]
    return {
        "total_with_outcome": len(reports),
        **_followed(answered),
        "by_domain": _grouped("domain", answered, lambda report: report.domain),
        "by_actor": _grouped("actor_type", answered, lambda report: report.actor),
        "trend": _trend(answered),
        "examples": {
            "helped": [example(report) for report in helped[:_EXAMPLES]],
            "missed": [example(report) for report in missed[:_EXAMPLES]],
        },
    }


def partner_view(domain: str, reports: Sequence[Reported]) -> JsonObject:
    """One domain in itself, with a word on how much there is to go by."""
    return {
        "domain": domain,
        "kpis": summary(reports),
        "recommendation_quality": _followed([report for report in reports if report.followed is not None]),
        "trend": _trend(reports),
        "examples": [example(report) for report in reports[:_EXAMPLES]],
        "sparse_evidence": len(reports) < _ENOUGH,
    }


def example(report: Reported) -> JsonObject:
    """One report in short."""
    return {
        "outcome_id": report.outcome_id,
        "request_id": report.request_id or None,
        "domain": report.domain or None,
        "action": report.tool or None,
        "tool": report.tool or None,
        "status": report.status,
        "verdict_was": report.verdict or None,
        "risk_score_was": None,
        "reported_at": _iso(report.reported_at),
        "description": report.body.get("description", ""),
        "recommendation_followed": report.followed,
        "category": report.category,
    }


def _followed(answered: Sequence[Reported]) -> JsonObject:
    quadrants = _quadrants(answered)
    followed = sum(report.followed is True for report in answered)
    return {
        "total": len(answered),
        "followed": followed,
        "ignored": len(answered) - followed,
        "follow_rate": _rate(followed, len(answered)),
        "positive_after_following": _rate(
            quadrants["followed_positive"], quadrants["followed_positive"] + quadrants["followed_negative"]
        ),
        "quadrants": quadrants,
    }


def _quadrants(answered: Iterable[Reported]) -> dict[str, int]:
    counts = Counter(f"{'followed' if report.followed else 'ignored'}_{report.category}" for report in answered)
    return {
        name: counts[name]
        for name in ("followed_positive", "followed_negative", "ignored_positive", "ignored_negative")
    }


def _grouped(name: str, answered: Sequence[Reported], key: Callable[[Reported], str]) -> list[JsonObject]:
    groups: defaultdict[str, list[Reported]] = defaultdict(list)
    for report in answered:
        groups[key(report) or "unknown"].append(report)
    rows: list[JsonObject] = []
    for value, group in sorted(groups.items()):
        followed = _followed(group)
        quadrants = followed.pop("quadrants")
        rows.append({name: value, **followed, **quadrants})
    return rows


def _trend(reports: Sequence[Reported]) -> list[JsonObject]:
    """By ISO week, the oldest first."""
    weeks: defaultdict[str, list[Reported]] = defaultdict(list)
    for report in reports:
        weeks[datetime.fromtimestamp(report.reported_at, timezone.utc).strftime("%G-W%V")].append(report)
    return [{"week": week, **_followed(weeks[week])} for week in sorted(weeks)]


def _sum(reports: Iterable[Reported], name: str) -> float:
    values: Iterable[JSON] = (report.body.get(name) for report in reports)
    return sum(value for value in values if isinstance(value, int | float) and not isinstance(value, bool))


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, timezone.utc).isoformat().replace("+00:00", "Z")
