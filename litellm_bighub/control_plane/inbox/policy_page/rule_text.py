"""A rule as people wrote it: YAML, and its examples a line each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import yaml

from litellm_bighub.control_plane.inbox.views.text_block import TextBlock, text_block
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.example_text import CallText, ExamplesText
from litellm_bighub.policy.policy_text import RuleText
from litellm_bighub.policy.rule import Effect

_SAID_ELSEWHERE: Final = ("name", "description", "examples")


def rule_block(content: JsonObject) -> TextBlock:
    """A rule's fields as a file has them, without its name, description and examples.

    Args:
        content: the rule as it is stored or dumped, without defaults.
    """
    shown = {name: _as_written(value) for name, value in content.items() if name not in _SAID_ELSEWHERE}
    shown.setdefault("effect", "allow")
    commands = shown.get("command")
    if isinstance(commands, dict):
        if patterns := commands.get("patterns"):  # the plain form
            shown["command"] = patterns
        else:
            del shown["effect"]  # `command` says it
    return text_block(yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=110).rstrip("\n"))


def _as_written(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def dumped(rule: RuleText) -> JsonObject:
    """A rule as `rule_block` takes it."""
    return rule.model_dump(mode="json", exclude_defaults=True, exclude={"examples"})


def examples(texts: ExamplesText | None) -> Iterator[tuple[Effect, str]]:
    """Each example with the answer that it has to get."""
    if texts is not None:
        lists: tuple[tuple[Effect, list[CallText]], ...] = (
            ("block", texts.block),
            ("require_approval", texts.require_approval),
            ("allow", texts.allow),
        )
        for effect, calls in lists:
            for call in calls:
                yield effect, _line(call)


def _line(call: CallText) -> str:
    rest = call.model_dump(mode="json", exclude_defaults=True, exclude={"command"})
    told = json.dumps(rest, ensure_ascii=False) if rest else ""
    return " ".join(filter(None, (call.command, told)))
