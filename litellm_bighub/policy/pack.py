"""Packs: rules and tools that ship with the package, for `include:` of a policy file."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, get_args

import yaml

from litellm_bighub.policy.parts.call_parts import ToolParts
from litellm_bighub.policy.policy_text import PackName, PolicyText, RuleText
from litellm_bighub.policy.rule_pattern import Pattern

FOLDER: Final = Path(__file__).parent / "packs"


def read_pack(name: PackName) -> PolicyText:
    """A pack as it ships, with its examples."""
    return PolicyText.model_validate(yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")))


def pack_of(rule: RuleText) -> PackName | None:
    """The pack that a rule came from as it stands; `None` for one of the file, also if it has a name as of a pack."""
    packs: tuple[PackName, ...] = get_args(PackName)
    for pack in packs:
        if rule.name.startswith(f"{pack}/") and rule in _named_rules(pack):
            return pack
    return None


@cache
def _named_rules(name: PackName) -> list[RuleText]:
    """Reading a large pack takes a while."""
    return [_named(rule, name) for rule in read_pack(name).rules]


def with_packs(text: PolicyText) -> PolicyText:
    """The policy with its packs written out: their rules behind the file's own, named `pack/rule`, and their tools.

    What the file says of a tool wins over what a pack says, field by field.

    Raises:
        ValueError: two packs say the same of a tool.
    """
    rules = list(text.rules)
    tools: dict[str, ToolParts] = {}
    for name in text.include:
        pack = read_pack(name)
        rules += [_named(rule, name) for rule in pack.rules]
        for tool, settings in pack.tools.items():
            if tool in tools and tools[tool].model_fields_set & settings.model_fields_set:
                raise ValueError(f"`{name}` and a pack before it both say of {tool} where its parts stand")
            tools[tool] = _merged(settings, tools.get(tool))
    described = {tool: _merged(settings, _first(text, tool)) for tool, settings in tools.items()}
    described |= {tool: settings for tool, settings in text.tools.items() if tool not in described}
    return text.model_copy(update={"rules": rules, "tools": described, "include": []})


def _named(rule: RuleText, pack: str) -> RuleText:
    """A pack's examples are checked where the package is tested: the file may well decide otherwise."""
    return rule.model_copy(update={"name": f"{pack}/{rule.name}", "examples": None})


def _first(text: PolicyText, tool: str) -> ToolParts | None:
    """What the file says of a tool of a pack: the first pattern that fits counts, as always."""
    return next((settings for pattern, settings in text.tools.items() if Pattern(pattern).matches(tool)), None)


def _merged(under: ToolParts, over: ToolParts | None) -> ToolParts:
    if over is None:
        return under
    return ToolParts(**{**under.model_dump(exclude_unset=True), **over.model_dump(exclude_unset=True)})
