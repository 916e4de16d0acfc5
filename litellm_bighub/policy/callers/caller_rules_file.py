"""Reading rules of a key or team out of a file, to check and to try them before they are given to LiteLLM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import yaml

from litellm_bighub.domain.call import CallType, ToolCall
from litellm_bighub.errors import ConfigurationError, did_you_mean
from litellm_bighub.policy.callers.caller_rules import (
    FIELD,
    CallerRules,
    CallerRulesText,
    CallerRuleText,
    UnreadableRules,
    read_rules,
    written,
)
from litellm_bighub.policy.policy_file import line_of, read_file, read_yaml, validated
from litellm_bighub.policy.rule import Policy
from litellm_bighub.policy.rule_pattern import Pattern


def load_caller_rules(path: Path, policy: Policy) -> tuple[str, CallerRules]:
    """Read a list of rules, the metadata that hold it, or the body of a request to LiteLLM that holds these.

    Args:
        path: of JSON or YAML.
        policy: beside which the rules are meant to stand.

    Returns:
        The rules as a call's context has them, and ready to be evaluated.

    Raises:
        ConfigurationError: no call of this key would pass. The message names file and line.
    """
    root, rules = _listed(path)
    for index, rule in enumerate(rules.root):
        for label in rule.taints:
            if label not in policy.labels.all:
                problem = f"no tool has `output: {label}`{did_you_mean(label, policy.labels.all)}"
                raise ConfigurationError(
                    f"{path.name}:{line_of(root, (index, 'taint'))}", f"[{index}].taint: {problem}"
                )
    text = written({"key": {FIELD: rules.model_dump(mode="json", exclude_unset=True)}})
    read = read_rules(text, policy.parts.workspace)
    if isinstance(read, UnreadableRules):
        raise ConfigurationError(path.name, read.problem)
    return text, read


def undescribed_tools(path: Path, policy: Policy) -> list[str]:
    """A line for each field of patterns that sees nothing of a tool's calls, so that its rule fits them all.

    Args:
        path: of valid rules.
        policy: beside which the rules are meant to stand.
    """
    root, rules = _listed(path)
    return [
        f"{path.name}:{line_of(root, (index, field))}: rule `{rule.name}`: `tools` of the policy do not say where"
        f" `{field}` stands in `{tool}`: it fits every such call that its other fields fit"
        for index, rule in enumerate(rules.root)
        for field in sorted(rule.part_fields)
        for tool in rule.tools
        if any(field in policy.parts.undescribed(call) for call in _calls_of(rule, tool))
    ]


def _calls_of(rule: CallerRuleText, tool: str) -> list[ToolCall]:
    """A call of each kind that the rule is for. A pattern of tools is fitted only by what `tools` say of it whole."""
    kinds: Sequence[CallType] = get_args(CallType)
    return [ToolCall("", kind, tool) for kind in kinds if Pattern(rule.type).matches(kind)]


def _listed(path: Path) -> tuple[yaml.Node, CallerRulesText]:
    """The list in a file, and where it stands."""
    root, content = read_yaml(read_file(path), path.name)
    for name in ("metadata", FIELD):
        if isinstance(content, Mapping) and name in content:
            root, content = {key.value: value for key, value in root.value}[name], content[name]
    return root, validated(CallerRulesText, content, root, path.name)
