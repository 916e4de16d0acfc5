"""Rules out of the metadata of a key and its team: they stand beside the policy's own, and only make answers stricter.

The gateway writes them as one text into the call's context. So they reach whoever decides and are stored with decisions
and approvals, and a stored call is judged again by the rules that its caller had.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Final, get_args

from pydantic import Field, RootModel, ValidationError, model_validator
from typing_extensions import Self

from litellm_bighub.policy.parts.call_parts import PATTERN_FIELDS
from litellm_bighub.policy.policy_text import RuleText
from litellm_bighub.policy.rule import Holder, Rule

FIELD: Final = "bighub"
"""The field of the metadata in which the rules stand."""
MOST_RULES: Final = 100
MOST_CHARACTERS: Final = 20_000
"""Of key and team together: they are stored with every decision."""
_PROBLEM: Final = "problem"
_KEPT: Final = 256

_COUNTING: Final = (
    *("max_per_day", "max_per_hour", "max_per_conversation", "cooldown_seconds"),
    *("max_total_per_hour", "max_total_per_day", "max_total_per_week", "max_total_per_month"),
    *("total_by", "totals_of"),
)
_REFUSED: Final[Mapping[str, str]] = {
    **dict.fromkeys(_COUNTING, "nothing counts for a rule of a key or team; limits and sums stand in the policy file"),
    **dict.fromkeys(("after", "not_after"), "which earlier calls are followed is said in the policy file alone"),
    "require_approval_above": "a rule of a key or team asks about every value or none; say `when`",
    "priority": "all rules of a key or team count, so none comes first",
    "examples": "they stand in the policy file alone",
}


class CallerRuleText(RuleText):
    """A rule of a key or team: as one of the policy file that blocks or asks, without limits, sums and history."""

    @property
    def part_fields(self) -> frozenset[str]:
        """Its fields that hold patterns of parts."""
        return frozenset(name for name in PATTERN_FIELDS if getattr(self, name))

    @model_validator(mode="after")
    def _is_stricter_only(self) -> Self:
        for field in sorted(self.model_fields_set & _REFUSED.keys()):
            raise ValueError(f"`{field}` is not possible here: {_REFUSED[field]}")
        if "allow" in self.effects:
            raise ValueError(
                "a rule of a key or team allows nothing: say `effect: block` or `effect: require_approval`"
            )
        return self


class CallerRulesText(RootModel[Annotated[list[CallerRuleText], Field(max_length=MOST_RULES)]]):
    """The list in the metadata."""

    @model_validator(mode="after")
    def _has_names_once(self) -> Self:
        seen: set[str] = set()
        for rule in self.root:
            if rule.name in seen:
                raise ValueError(f"two rules have the name `{rule.name}`")
            seen.add(rule.name)
        return self


@dataclass(frozen=True, slots=True)
class CallerRules:
    """The rules of a key and its team, ready to be evaluated. Every one that fits counts.

    Attributes:
        texts: as they are written, by the ids that the rules have here.
        has_parts: whether one has patterns of parts.
    """

    rules: tuple[Rule, ...]
    texts: Mapping[str, CallerRuleText]
    has_parts: bool


@dataclass(frozen=True, slots=True)
class UnreadableRules:
    """Why rules of a key or team cannot be read; it names no value of theirs."""

    problem: str


def written(metadata: Mapping[Holder, object]) -> str:
    """The rules of these metadata in one text; empty where there are none.

    Args:
        metadata: of the key and of its team.
    """
    lists = {holder: held[FIELD] for holder, held in metadata.items() if isinstance(held, Mapping) and FIELD in held}
    if not lists:
        return ""
    try:
        text = json.dumps(lists, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return json.dumps({_PROBLEM: "they are no JSON"})
    if len(text) > MOST_CHARACTERS:
        return json.dumps({_PROBLEM: f"they have more than {MOST_CHARACTERS} characters"})
    return text


@lru_cache(maxsize=_KEPT)
def read_rules(text: str, workspace: str = "") -> CallerRules | UnreadableRules:
    """The rules of a context.

    Args:
        text: as `written` has it; not empty.
        workspace: the policy's.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return UnreadableRules("they are no JSON")
    if not isinstance(content, dict) or not content.keys() <= {*_HOLDERS, _PROBLEM}:
        return UnreadableRules("they are of neither key nor team")
    if _PROBLEM in content:
        return UnreadableRules(str(content[_PROBLEM]))
    found: dict[str, tuple[CallerRuleText, tuple[Rule, ...]]] = {}
    for holder in _HOLDERS:
        if holder not in content:
            continue
        try:
            texts = CallerRulesText.model_validate(content[holder]).root
            found |= {f"{holder}/{one.name}": (one, _rules(holder, one, workspace)) for one in texts}
        except ValidationError as error:
            return UnreadableRules(f"{holder}: {problem_of(error)}")
    rules = tuple(rule for _, several in found.values() for rule in several)
    texts_by_id = {rule_id: one for rule_id, (one, _) in found.items()}
    return CallerRules(rules, texts_by_id, any(rule.parts for rule in rules))


def problem_of(error: ValidationError) -> str:
    """The first mistake and its place, in one line."""
    first = error.errors(include_url=False, include_input=False)[0]
    message = first["msg"].removeprefix("Value error, ").partition(" or instance of ")[0]
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
    return f"{FIELD}{place[:200]}: {message}"


_HOLDERS: Final[tuple[Holder, ...]] = get_args(Holder)


def _rules(holder: Holder, text: CallerRuleText, workspace: str) -> tuple[Rule, ...]:
    name = f"{holder}/{text.name}"
    return tuple(replace(rule, name=name, holder=holder) for rule in text.rules(name, workspace=workspace))
