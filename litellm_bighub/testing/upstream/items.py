"""The items a model answers with, built by name. They carry no ids until the upstream sends them.

Whatever has no builder here can be written as a dict in the wire's own shape; `Output` takes both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from litellm_bighub.domain.payload import JsonObject

Item: TypeAlias = JsonObject  # one output item in the wire's own shape, which is OpenAI's to change


def text(answer: str, *, annotations: Sequence[Item] = ()) -> Item:
    """A message of the assistant with one part of text."""
    return message({"type": "output_text", "text": answer, "annotations": list(annotations)})


def refusal(reason: str) -> Item:
    """A message in which the model declines."""
    return message({"type": "refusal", "refusal": reason})


def message(*parts: Item) -> Item:
    """A message of the assistant with any parts."""
    return {"type": "message", "role": "assistant", "content": list(parts)}


def reasoning(*summary: str, content: Sequence[str] = (), encrypted: str | None = None) -> Item:
    """What the model thought: its summary in parts, and the raw thought of models that show it."""
    item: Item = {"type": "reasoning", "summary": [{"type": "summary_text", "text": part} for part in summary]}
    if content:
        item["content"] = [{"type": "reasoning_text", "text": part} for part in content]
    if encrypted is not None:
        item["encrypted_content"] = encrypted
    return item


def function_call(name: str, arguments: Mapping[str, object] | str, *, call_id: str | None = None) -> Item:
    """A call of a function. Arguments given as a string go out exactly as they are, valid JSON or not."""
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return _call({"type": "function_call", "name": name, "arguments": written}, call_id)


def custom_call(name: str, text: str, *, call_id: str | None = None) -> Item:
    """A call of a custom tool, whose input is free text."""
    return _call({"type": "custom_tool_call", "name": name, "input": text}, call_id)


def shell_call(*commands: str, call_id: str | None = None) -> Item:
    """Commands for the shell on the caller's machine."""
    return _call({"type": "shell_call", "action": {"commands": list(commands)}}, call_id)


def local_shell_call(*command: str, call_id: str | None = None) -> Item:
    """One command, word by word, for the older shell tool."""
    return _call({"type": "local_shell_call", "action": {"type": "exec", "command": list(command), "env": {}}}, call_id)


def apply_patch_call(operation: Mapping[str, object], *, call_id: str | None = None) -> Item:
    """A change to a file on the caller's machine: `{"type": "delete_file", "path": "a.py"}`."""
    return _call({"type": "apply_patch_call", "operation": dict(operation)}, call_id)


def computer_call(action: Mapping[str, object], *, call_id: str | None = None) -> Item:
    """A step on the caller's screen: `{"type": "click", "button": "left", "x": 1, "y": 2}`."""
    return _call({"type": "computer_call", "action": dict(action), "pending_safety_checks": []}, call_id)


def _call(item: Item, call_id: str | None) -> Item:
    return item if call_id is None else {**item, "call_id": call_id}
