"""Reading rules of a key or team out of a file, to check and to try them before they are given to LiteLLM."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from litellm_bighub.errors import ConfigurationError, did_you_mean
from litellm_bighub.policy.callers.caller_rules import (
    FIELD,
    CallerRules,
    CallerRulesText,
    UnreadableRules,
    read_rules,
    written,
)
from litellm_bighub.policy.policy_file import line_of, read_file, read_yaml, validated
from litellm_bighub.policy.rule import Policy


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
    root, content = read_yaml(read_file(path), path.name)
    for name in ("metadata", FIELD):
        if isinstance(content, Mapping) and name in content:
            root, content = {key.value: value for key, value in root.value}[name], content[name]
    rules = validated(CallerRulesText, content, root, path.name)
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
