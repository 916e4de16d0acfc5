"""Tools and messages of a request as guardrails get them with its texts: copies, whose changes are written back.

A guardrail may rewrite the same text in `texts`, in `tools` and in `structured_messages`. Only texts can be changed in
a copy: another id, name or number would be another tool or another conversation, so it fails the request.

What changed in a copy in the request's own form is looked up at the same place of the request. Of a copy that had to be
converted to the form of chat completions there is no way back: what changed in it is looked for among the texts of the
request, and a change that stands in no text fails the request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cached_property
from typing import cast

from pydantic import BaseModel

from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.errors import GuardrailAnswerError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.copies import plain
from litellm_bighub.formats.payload.slots import Slot


class CopiedField:
    """Elements of a list in a request.

    Args:
        data: the request.
        key: the list's field.
        indices: which of its elements the guardrail gets; `None` for all.
    """

    def __init__(self, data: JsonObject, key: str, indices: Sequence[int] | None = None) -> None:
        value = data.get(key)
        elements = fields.elements(value)
        self._key = key
        self._indices = range(len(elements)) if indices is None else indices
        self._is_whole = len(self._indices) == len(elements)
        self._elements = [*elements] if indices is None else [elements[index] for index in indices]

    @cached_property
    def _given(self) -> list[Payload]:
        """What a guardrail's answer is held against; most answer nothing here."""
        return [plain(element) for element in self._elements]

    def handed_over(self) -> list[Payload]:
        """A copy for a guardrail, which may write into it."""
        return [_as_dict(element) for element in self._elements]

    def rewrites(
        self, answered: object, slots: Sequence[Slot], texts: Sequence[str], guardrail: str
    ) -> Iterator[tuple[Slot, str]]:
        """The texts that a guardrail changed in its copy, where they stand in the request.

        Args:
            answered: its copy; `None` if it left that out.
            slots: the texts of the request.
            texts: what it made of each of them; makes no difference.
            guardrail: its name.

        Raises:
            GuardrailAnswerError: something else than a text is different.
        """
        del texts
        if answered is None:
            return
        elements = plain(answered)
        if elements == self._given:
            return
        if not isinstance(elements, list) or len(elements) != len(self._given):
            raise GuardrailAnswerError(guardrail, f"answered {len(self._given)} {self._key} with {_count(elements)}")
        places = {slot.path: slot for slot in slots}

        def refused(path: str) -> GuardrailAnswerError:
            return GuardrailAnswerError(guardrail, f"answered with another {path}, which cannot be written back")

        for index, before, after in zip(self._indices, self._given, elements, strict=True):
            for path, _, text in _changes(before, after, f"{self._key}[{index}]", refused):
                if path not in places:
                    raise refused(path)
                yield places[path], text

    def replaced(self, answered: object) -> list[Payload] | None:
        """The whole list, if the guardrail has made another conversation of it; `None` if it is as long as it was."""
        if not self._is_whole or not isinstance(answered, (list, tuple)):
            return None
        elements = list(cast("Sequence[Payload]", answered))
        changed = len(elements) != len(self._elements) and all(isinstance(element, Mapping) for element in elements)
        return elements if changed and elements else None


class ConvertedField:
    """A list of a request, in the form of chat completions.

    Args:
        key: what errors call it.
        make: makes the list; its elements may be written into.
    """

    def __init__(self, key: str, make: Callable[[], list[Payload]]) -> None:
        self._key = key
        self._make = make
        self._given: list[Payload] = []

    def handed_over(self) -> list[Payload]:
        """The list, for a guardrail, which may write into it."""
        made = [plain(element) for element in self._make()]
        self._given = deepcopy(made)
        return made

    def rewrites(
        self, answered: object, slots: Sequence[Slot], texts: Sequence[str], guardrail: str
    ) -> Iterator[tuple[Slot, str]]:
        """The texts that a guardrail changed, as `CopiedField.rewrites` has it.

        Raises:
            GuardrailAnswerError: something is different that is no text of the request.
        """

        def refused(_path: str = "") -> GuardrailAnswerError:
            return GuardrailAnswerError(guardrail, f"answered with other {self._key}, which cannot be written back")

        elements = None if answered is None else plain(answered)
        if elements is None or elements == self._given:
            return
        changes = {slot.text: text for slot, text in zip(slots, texts, strict=False) if text != slot.text}
        for _, before, after in _changes(self._given, elements, self._key, refused):
            standing = [slot for slot in slots if slot.text == before]
            if not standing and _made(before, changes) != after:
                raise refused()
            yield from ((slot, after) for slot in standing)

    def replaced(self, answered: object) -> list[Payload] | None:
        """Another conversation cannot take the place of this one."""
        del answered
        return None


def chat_tools(tools: object) -> list[Payload]:
    """Tools of Messages as chat tools; those that the provider runs have no such form."""
    made: list[Payload] = []
    for tool in fields.elements(tools):
        if fields.get(tool, "function") is not None:
            made.append(deepcopy(tool))
        elif fields.get(tool, "type") in {None, "custom"} and fields.get(tool, "name") is not None:
            function = {
                "name": fields.get(tool, "name"),
                "parameters": deepcopy(fields.get(tool, "input_schema") or {}),
            }
            description = fields.get(tool, "description")
            made.append(
                {"type": "function", "function": function | ({"description": description} if description else {})}
            )
    return made


def _changes(
    before: Payload, after: Payload, path: str, refused: Callable[[str], GuardrailAnswerError]
) -> Iterator[tuple[str, str, str]]:
    """Each text that became another: its path, what it was and what it is. Anything else that changed is refused."""
    if before == after:
        return
    if isinstance(before, str) and isinstance(after, str):
        yield path, before, after
    elif isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        for key, value in cast("JsonObject", before).items():
            yield from _changes(value, after[key], f"{path}.{key}", refused)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):  # pyright: ignore[reportUnknownArgumentType]
        for index, value in enumerate(cast("list[Payload]", before)):
            yield from _changes(value, after[index], f"{path}[{index}]", refused)
    else:
        raise refused(path)


def _made(text: str, changes: Mapping[str, str]) -> str:
    """What the changes of texts make of a text that holds them, as they are or as JSON."""
    for before, after in changes.items():
        text = text.replace(before, after).replace(json.dumps(before)[1:-1], json.dumps(after)[1:-1])
    return text


def _as_dict(element: Payload) -> Payload:
    return plain(element) if isinstance(element, BaseModel) else deepcopy(element)


def _count(elements: Payload) -> str:
    return str(len(cast("list[Payload]", elements))) if isinstance(elements, list) else f"a {type(elements).__name__}"
