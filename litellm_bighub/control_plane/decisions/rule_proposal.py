"""The rule that would always allow a recorded call, and where it has to stand so that it does just that.

It is the one that `policy_suggestion` makes of the call and of those like it that people approved. A rule that is added
by API is placed by its priority alone: it comes before all rules of a lower one, and behind the file's of the same. So
it can take its place only if no rule before the one that asks, with the same priority, may have to do with it. The file
has a place for it everywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, TypeAlias

import yaml
from pydantic import ValidationError
from sqlalchemy import Connection

from litellm_bighub.control_plane.decisions.policy_suggestion import (
    Answers,
    CallFamily,
    JudgedRecord,
    LeftOut,
    asking_rules,
    families_of,
    is_refused,
    key_of,
    rules_for,
)
from litellm_bighub.control_plane.decisions.recorded_decision import PolicySnapshot
from litellm_bighub.control_plane.decisions.replay import recorded_call
from litellm_bighub.control_plane.store.chain import DECISION
from litellm_bighub.control_plane.store.schema import events as table
from litellm_bighub.control_plane.store.tables import events
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.approvers import ANYONE
from litellm_bighub.policy.pack import pack_of
from litellm_bighub.policy.policy_text import ALLOWANCE, PolicyText, RuleText, build
from litellm_bighub.policy.rule import Policy, Rule
from litellm_bighub.policy.rule_pattern import ANY, ANYBODY

MOST_RECORDED: Final = 2000
"""So many recorded calls of the same tool, actor and domain are looked at, the newest."""
_MOST_ANSWERS: Final = 10 * MOST_RECORDED
"""Several people may answer each, and more than once."""
_MOST_EXAMPLES: Final = 5
_HIGHEST: Final = 1000
_OTHER: Final = frozenset({"type", "tool", "actor", "domain", "user", "team", "key", "when", "min_value", "max_value"})
"""The fields of a suggested rule that are no patterns of parts."""


class Unproposed(Enum):
    """Why no rule is proposed, beside what is never suggested. The inbox has a sentence for each name."""

    ALLOWED = "the policy allows it"
    UNASKED = "no person was asked"
    PEOPLE = "the rule that asks wants several or certain people"
    HISTORY = "the rule that asks depends on what came before"


Reason: TypeAlias = LeftOut | Unproposed


@dataclass(frozen=True, slots=True)
class RuleProposal:
    """A rule that somebody may accept.

    Attributes:
        text: the rule, with the priority that gives it its place.
        yaml: the same as an entry of `rules` in a file.
        before: the name of the rule that it stands before; empty if it stands behind all.
        in_place: whether a rule that is added by API takes that place; otherwise only one of the file does.
        calls: how many different recorded calls it allows.
        examples: some of them.
        looked_at: how many recorded calls it was tried on.
        policy_version: of the policy that it was made for.
    """

    text: RuleText
    yaml: str
    before: str
    in_place: bool
    calls: int
    examples: tuple[str, ...]
    looked_at: int
    policy_version: str

    @property
    def digest(self) -> str:
        """Names what a person has seen: this rule, in this place, for this policy."""
        return hashlib.sha256(f"{self.policy_version} {self.in_place} {self.yaml}".encode()).hexdigest()


def propose(connection: Connection, snapshot: PolicySnapshot, event: JsonObject) -> RuleProposal | Reason:
    """A rule that always allows the call of a recorded decision. Temporary allowances are passed over.

    Args:
        connection: of a reader.
        snapshot: what is in force.
        event: the recorded decision.
    """
    lasting = tuple(one for one in snapshot.added if not one[0].startswith(ALLOWANCE))
    snapshot = replace(snapshot, policy=build(snapshot.text, lasting), added=lasting)
    of_caller = [table.c[name] == event[name] for name in ("tool", "actor", "domain")]
    recorded = events.page(connection, table.c.type == DECISION, *of_caller, limit=MOST_RECORDED)[::-1]
    if all(one["seq"] != event["seq"] for one in recorded):
        recorded = [event, *recorded]
    asked = [one["body"]["approval_id"] for one in recorded if one["body"]["approval_id"]]
    resolved = events.page(
        connection, table.c.type == "approval.resolved", table.c.subject.in_(asked), limit=_MOST_ANSWERS
    )
    return _proposal(snapshot, recorded, Answers.of(resolved), event)


def _proposal(
    snapshot: PolicySnapshot, recorded: Sequence[JsonObject], answers: Answers, event: JsonObject
) -> RuleProposal | Reason:
    policy, key, approval_id = snapshot.policy, key_of(event), event["body"]["approval_id"]
    record = JudgedRecord(policy, recorded)
    if any(allowed for one, allowed in zip(recorded, record.allowed, strict=True) if one["seq"] == event["seq"]):
        return Unproposed.ALLOWED
    if any(of == key and is_refused(one, answers) for one, of in zip(recorded, record.keys, strict=True)):
        return LeftOut.REFUSED
    asking = asking_rules(policy, recorded_call(policy, event), event)
    if any(rule.requirements != (ANYONE,) or rule.four_eyes for rule in asking):
        return Unproposed.PEOPLE
    if any(rule.taint or rule.follows for rule in asking):
        return Unproposed.HISTORY
    if approval_id:  # whoever accepts the rule wants this call to run
        answers = replace(answers, approved=answers.approved | {approval_id})
    families, left_out = families_of(record, recorded, answers)
    family = next((one for one in families if key in one.calls), None)
    if family is None:
        return left_out.get(key, Unproposed.UNASKED)
    alike = {
        of
        for one, of in zip(recorded, record.keys, strict=True)
        if of in family.calls and asking_rules(policy, recorded_call(policy, one), one) == asking
    }  # what another rule asks about, perhaps other people, is not allowed along with it
    calls = {of: call for of, call in family.calls.items() if of in alike}
    return _first_that_fits(snapshot, record, asking, replace(family, calls=calls), event)


def _first_that_fits(
    snapshot: PolicySnapshot, record: JudgedRecord, asking: Sequence[Rule], family: CallFamily, event: JsonObject
) -> RuleProposal | Reason:
    """The widest rule that can be added by API; otherwise the widest of the file. For the call alone, if need be."""
    key, policy = key_of(event), snapshot.policy
    only_in_file: RuleProposal | None = None
    for allowed in (family, replace(family, calls={key: family.calls[key]})):
        for fields, is_exact in _fields(allowed, policy):
            for proposal, text in _placed(snapshot, asking, allowed, fields, event, is_exact=is_exact):
                if record.allows_only(build(*text), [allowed]):
                    found = replace(proposal, looked_at=len(record.keys))
                    if found.in_place:
                        return found
                    only_in_file = only_in_file or found
    return only_in_file or LeftOut.INEXACT


def _fields(family: CallFamily, policy: Policy) -> Iterator[tuple[JsonObject, bool]]:
    """The fields of rules, each with whether it allows only parts that a recorded call has."""
    found = list(rules_for(family, policy))
    for fields in found:
        yield fields, fields is found[-1] and bool(fields.keys() - _OTHER)


def _placed(
    snapshot: PolicySnapshot,
    asking: Sequence[Rule],
    family: CallFamily,
    fields: JsonObject,
    event: JsonObject,
    *,
    is_exact: bool,
) -> Iterator[tuple[RuleProposal, tuple[PolicyText, tuple[tuple[str, RuleText], ...]]]]:
    """The rule in its place, added by API if that can be and in the file, each with the policy that has it."""
    rules, file = snapshot.policy.rules, snapshot.text
    first = min((rules.index(rule) for rule in asking), default=None)
    before = "" if first is None else rules[first].name
    own = 0 if first is None else rules[first].priority

    def proposal(priority: int, *, in_place: bool) -> RuleProposal | None:
        content = {"name": _name(snapshot, event), **fields, "effect": "allow"}
        content |= {"priority": priority} if priority else {}
        try:
            text = RuleText.model_validate(content)
        except ValidationError:
            return None
        written = yaml.safe_dump([content], sort_keys=False, width=10_000, default_flow_style=False)
        examples = tuple(family.examples)
        return RuleProposal(
            *(text, written.rstrip("\n"), before, in_place, len(examples), examples[:_MOST_EXAMPLES], 0),
            snapshot.policy.version,
        )

    if first is None:
        last = proposal(min((rule.priority for rule in rules), default=0), in_place=True)
        if last is not None:
            yield last, (file, (*snapshot.added, ("", last.text)))
        return
    passed = [rule for rule in rules[:first] if rule.priority == own and _concerns(rule, event)]
    if own < _HIGHEST and all(is_exact and _is_plain(rule) for rule in passed):
        added = proposal(own + 1, in_place=True)
        if added is not None:
            yield added, (file, (*snapshot.added, ("", added.text)))
    listed = proposal(own, in_place=False)
    if listed is not None:
        names = [one.name for one in file.rules]
        packs = (at for at, one in enumerate(file.rules) if pack_of(one) is not None)
        behind = next(packs, len(names))
        at = min(names.index(before), behind) if before in names else behind
        text = file.model_copy(update={"rules": [*file.rules[:at], listed.text, *file.rules[at:]]})
        yield listed, (text, snapshot.added)


def _concerns(rule: Rule, event: JsonObject) -> bool:
    """Whether the rule may be for a call of this tool, actor and domain, which a proposed rule names."""
    named = ((rule.tool, event["tool"]), (rule.type, event["body"]["type"]), (rule.domain, event["domain"]))
    return all(pattern.matches(name) for pattern, name in named) and bool(rule.actor.matches(event["actor"]))


def _is_plain(rule: Rule) -> bool:
    """Whether nothing but the parts of such a call says what the rule makes of it: then it passes the exact ones on."""
    rest = replace(rule, id="", name="", tool=ANY, type=ANY, actor=ANYBODY, domain=ANY, parts=(), effect="allow")
    rest = replace(rest, approval_ttl_seconds=900, four_eyes=False, requirements=(ANYONE,), priority=0, zone=None)
    return bool(rule.parts) and rest == Rule("", "")


def _name(snapshot: PolicySnapshot, event: JsonObject) -> str:
    """A name that no rule has."""
    taken = {one.name for one in snapshot.text.rules} | {one.name for _, one in snapshot.added}
    name = f"always {event['tool']} for {event['actor']}"[:180]
    return next(one for at in range(1, len(taken) + 2) if (one := name if at == 1 else f"{name} {at}") not in taken)
