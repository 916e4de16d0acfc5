"""The rules in force in the order in which they are tried, each with where it came from and what it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from litellm_bighub.control_plane.decisions.recorded_decision import PolicySnapshot
from litellm_bighub.control_plane.inbox.policy_page.rule_text import dumped, examples, rule_block
from litellm_bighub.control_plane.inbox.policy_page.rule_use import RuleUse
from litellm_bighub.control_plane.inbox.views.text_block import TextBlock
from litellm_bighub.policy.pack import pack_of
from litellm_bighub.policy.policy_text import ALLOWANCE, RuleText
from litellm_bighub.policy.rule import Effect

Origin: TypeAlias = Literal["file", "pack", "api", "allowance"]


@dataclass(frozen=True, slots=True)
class RuleView:
    """What a template prints of a rule.

    Attributes:
        number: its place, from 1 on.
        effects: what it may answer, the strictest first.
        origin: where it came from.
        source: the file's name, the pack's, or the id of a rule that was added by API.
        is_over: its time is over.
    """

    number: int
    id: str
    text: RuleText
    effects: tuple[Effect, ...]
    origin: Origin
    source: str
    is_over: bool
    block: TextBlock
    examples: tuple[tuple[Effect, str], ...]
    use: RuleUse


def rule_views(snapshot: PolicySnapshot, file: str, use: Mapping[str, RuleUse], now: float) -> Iterator[RuleView]:
    """The rules.

    Args:
        snapshot: what is in force.
        file: the name of the policy's file.
        use: of each rule, by its id.
        now: POSIX seconds.
    """
    added = dict(snapshot.added)
    texts = {rule.name: rule for rule in snapshot.text.rules} | added
    in_order = {rule.id: rule for rule in snapshot.policy.rules}
    for number, (rule_id, rule) in enumerate(in_order.items(), 1):
        text = texts[rule_id]
        origin, source = _added(rule_id) if rule_id in added else _of_file(text, file)
        yield RuleView(
            number,
            rule_id,
            text,
            text.effects,
            origin,
            source,
            rule.expires_at is not None and now >= rule.expires_at,
            rule_block(dumped(text)),
            tuple(examples(text.examples)),
            use.get(rule_id, RuleUse()),
        )


def _added(rule_id: str) -> tuple[Origin, str]:
    return ("allowance" if rule_id.startswith(ALLOWANCE) else "api"), rule_id


def _of_file(text: RuleText, file: str) -> tuple[Origin, str]:
    pack = pack_of(text)
    return ("file", file) if pack is None else ("pack", pack)
