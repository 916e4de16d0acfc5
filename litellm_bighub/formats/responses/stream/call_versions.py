"""Everything a stream said about one call, compared with the complete item that is decided on.

A client may run the call from any of it: from the joined deltas, from a done event or from an item. So all of it must
say the same, or be the beginning of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from litellm_bighub.domain.arguments import UnreadableArguments, read_arguments
from litellm_bighub.formats.payload.copies import plain, text, whole
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.responses.calls import payload_keys
from litellm_bighub.formats.responses.event_kinds import CALL_TEXT, COMMAND_ADDED, COMMAND_TEXT

TWO_VERSIONS = "the stream shows this call in two versions"

_LABELS = ("call_id", "name", "namespace", "server_label")


@dataclass(slots=True)
class StreamedCommand:
    """What was heard of one command of a shell call.

    Attributes:
        beginning: what the event said that announced it.
        deltas: pieces of it.
        said: the whole command, from done events.
    """

    beginning: str = ""
    deltas: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def agrees(self, final: object, *, cut: bool) -> bool:
        """Whether all of it is this command, or the beginning of it."""
        if (
            not isinstance(final, str)
            or not final.startswith(self.beginning)
            or any(said != final for said in self.said)
        ):
            return False
        joined = "".join(self.deltas)
        heard = {joined, self.beginning + joined}
        return not joined or final in heard or (cut and any(map(final.startswith, heard)))


@dataclass(slots=True)
class CallVersions:
    """What was heard so far.

    Attributes:
        early: items from before the call was complete.
        deltas: pieces of its arguments.
        said: whole arguments, from done events.
        names: tool names, from done events.
        commands: by their place in a shell call.
        torn: true when it is already certain that the versions differ.
    """

    early: list[object] = field(default_factory=list)
    deltas: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    commands: dict[int, StreamedCommand] = field(default_factory=dict)
    torn: bool = False

    def hear(self, event: object, event_type: str) -> None:
        """Take in an event that tells arguments or a command."""
        if event_type in COMMAND_TEXT:
            self._hear_command(event, event_type)
            return
        key = CALL_TEXT[event_type]
        value: object = get(event, key)
        if not isinstance(value, str):
            self.torn = self.torn or value is not None
        elif key == "delta":
            self.deltas.append(value)
        else:
            self.said.append(value)
        if name := text(event, "name"):
            self.names.add(name)

    def _hear_command(self, event: object, event_type: str) -> None:
        key = COMMAND_TEXT[event_type]
        index, value = whole(event, "command_index"), get(event, key)
        if index is None or not isinstance(value, str):
            self.torn = True
            return
        command = self.commands.setdefault(index, StreamedCommand())
        if key == "delta":
            command.deltas.append(value)
        elif event_type != COMMAND_ADDED:
            command.said.append(value)
        elif command.beginning in {"", value}:
            command.beginning = value
        else:
            self.torn = True

    def agree(self, item: object, *, cut: bool) -> bool:
        """Whether all that was heard is this complete item, or the beginning of it.

        Args:
            item: the complete item.
            cut: the stream went on to its envelope in the middle of the item, so that deltas may be missing.
        """
        return (
            not self.torn
            and self.names <= {text(item, "name")}
            and all(_begins(early, item) for early in self.early)
            and all(_same(said, item) for said in self.said)
            and self._deltas_agree(item, cut=cut)
            and self._commands_agree(item, cut=cut)
        )

    def _deltas_agree(self, item: object, *, cut: bool) -> bool:
        joined = "".join(self.deltas)
        if not joined or (cut and _call_text(item).startswith(joined)):
            return True
        # LiteLLM's made-up streams tell the whole arguments in the added item and again in deltas.
        return _same(joined, item) or any(_same(_call_text(early) + joined, item) for early in self.early)

    def _commands_agree(self, item: object, *, cut: bool) -> bool:
        final: object = get(get(item, "action"), "commands") if self.commands else None
        commands = cast("list[object]", final) if isinstance(final, list) else []
        return all(
            0 <= index < len(commands) and command.agrees(commands[index], cut=cut)
            for index, command in self.commands.items()
        )


def _call_text(item: object) -> str:
    return text(item, "arguments") or text(item, "input")


def _same(said: str, item: object) -> bool:
    whole: object = get(item, "input" if text(item, "type") == "custom_tool_call" else "arguments")
    if said == whole:
        return True
    try:
        read = read_arguments(said)
        if text(item, "type") == "custom_tool_call":  # LiteLLM tells it as a function's arguments
            return read == {"content": whole}
        return whole is not None and json.dumps(read, sort_keys=True) == json.dumps(_read(whole), sort_keys=True)
    except (UnreadableArguments, RecursionError, TypeError):
        return False


def _read(whole: object) -> object:
    return read_arguments(whole) if isinstance(whole, str) else whole


def _begins(early: object, item: object) -> bool:
    if text(early, "type") != text(item, "type"):
        return False
    if any(text(early, label) not in {"", text(item, label)} for label in _LABELS):
        return False
    try:
        return all(_is_beginning(plain(get(early, key)), plain(get(item, key))) for key in payload_keys(early))
    except RecursionError:
        return False


def _is_beginning(early: object, final: object) -> bool:
    """Whether the value is empty, the same, or what had come of it so far."""
    if early is None or early == final:
        return True
    if isinstance(early, str):
        return isinstance(final, str) and final.startswith(early)
    if isinstance(early, Mapping):
        heard = cast("Mapping[str, object]", early)
        whole = cast("Mapping[str, object]", final) if isinstance(final, Mapping) else {}
        return all(_is_beginning(value, whole.get(key)) for key, value in heard.items())
    if isinstance(early, list):
        pieces = cast("list[object]", early)
        all_of_it = cast("list[object]", final) if isinstance(final, list) else []
        return len(pieces) <= len(all_of_it) and all(map(_is_beginning, pieces, all_of_it))
    return False
