"""Tools and messages of a request that guardrails get in the form of chat completions, which is not their own.

There is no way back from a rewritten conversation in another form: what a guardrail changed in it is looked for among
the texts of the request. A change that stands in no text fails the request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import cast

from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.errors import GuardrailAnswerError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.copies import plain
from litellm_bighub.formats.payload.slots import Slot


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
        """The texts that a guardrail changed in its copy, where they stand in the request.

        Args:
            answered: its copy; `None` if it left that out.
            slots: the texts of the request.
            texts: what it made of each of them.
            guardrail: its name.

        Raises:
            GuardrailAnswerError: something is different that is no text of the request.
        """
        elements = None if answered is None else plain(answered)
        if elements is None or elements == self._given:
            return
        changes = {slot.text: text for slot, text in zip(slots, texts, strict=False) if text != slot.text}
        for before, after in self._changed(self._given, elements, guardrail):
            standing = [slot for slot in slots if slot.text == before]
            if not standing and _made(before, changes) != after:
                raise GuardrailAnswerError(guardrail, f"answered with other {self._key}, which cannot be written back")
            yield from ((slot, after) for slot in standing)

    def replaced(self, answered: object) -> list[Payload] | None:
        """Another conversation cannot take the place of this one."""
        del answered
        return None

    def _changed(self, before: Payload, after: Payload, guardrail: str) -> Iterator[tuple[str, str]]:
        if before == after:
            return
        if isinstance(before, str) and isinstance(after, str):
            yield before, after
        elif isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
            for key, value in cast("JsonObject", before).items():
                yield from self._changed(value, after[key], guardrail)
        elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):  # pyright: ignore[reportUnknownArgumentType]
            for one, other in zip(cast("list[Payload]", before), cast("list[Payload]", after), strict=True):
                yield from self._changed(one, other, guardrail)
        else:
            raise GuardrailAnswerError(guardrail, f"answered with other {self._key}, which cannot be written back")


def chat_tools(tools: object) -> list[Payload]:
    """Tools of Messages as chat tools; those that the provider runs have no such form."""
    made: list[Payload] = []
    for tool in cast("Sequence[Payload]", tools) if isinstance(tools, (list, tuple)) else ():
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


def _made(text: str, changes: Mapping[str, str]) -> str:
    """What the changes of texts make of a text that holds them, as they are or as JSON."""
    for before, after in changes.items():
        text = text.replace(before, after).replace(json.dumps(before)[1:-1], json.dumps(after)[1:-1])
    return text
