"""Tools and messages of a request as guardrails get them beside its texts: copies, whose changes are put back.

A guardrail may rewrite the same text in `texts`, in `tools` and in `structured_messages`. What it changed in a copy is
looked up at the same place of the request. Only texts can be changed there: another id, name or number would be another
tool or another conversation, so it fails the request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cached_property
from typing import cast

from pydantic import BaseModel

from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.errors import GuardrailAnswerError
from litellm_bighub.formats.payload.copies import plain
from litellm_bighub.formats.payload.slots import Slot


class CopiedField:
    """Elements of a list in a request.

    Args:
        data: the request.
        key: the list's field.
        indices: which of its elements are handed over; `None` for all.
    """

    def __init__(self, data: JsonObject, key: str, indices: Sequence[int] | None = None) -> None:
        value = data.get(key)
        elements = cast("Sequence[Payload]", value) if isinstance(value, (list, tuple)) else ()
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
        for index, before, after in zip(self._indices, self._given, elements, strict=True):
            yield from self._changed(before, after, f"{self._key}[{index}]", places, guardrail)

    def replaced(self, answered: object) -> list[Payload] | None:
        """The whole list, if the guardrail has made another conversation of it; `None` if it is as long as it was."""
        if not self._is_whole or not isinstance(answered, (list, tuple)):
            return None
        elements = list(cast("Sequence[Payload]", answered))
        changed = len(elements) != len(self._elements) and all(isinstance(element, Mapping) for element in elements)
        return elements if changed and elements else None

    def _changed(
        self, before: Payload, after: Payload, path: str, places: Mapping[str, Slot], guardrail: str
    ) -> Iterator[tuple[Slot, str]]:
        if before == after:
            return
        if isinstance(before, str) and isinstance(after, str) and path in places:
            yield places[path], after
        elif isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
            for key, value in cast("JsonObject", before).items():
                yield from self._changed(value, after[key], f"{path}.{key}", places, guardrail)
        elif isinstance(before, list) and isinstance(after, list):
            if len(cast("list[Payload]", before)) != len(cast("list[Payload]", after)):
                raise GuardrailAnswerError(guardrail, f"answered with another {path}, which cannot be written back")
            for index, value in enumerate(cast("list[Payload]", before)):
                yield from self._changed(value, after[index], f"{path}[{index}]", places, guardrail)
        else:
            raise GuardrailAnswerError(guardrail, f"answered with another {path}, which cannot be written back")


def _as_dict(element: Payload) -> Payload:
    return plain(element) if isinstance(element, BaseModel) else deepcopy(element)


def _count(elements: Payload) -> str:
    return str(len(cast("list[Payload]", elements))) if isinstance(elements, list) else f"a {type(elements).__name__}"
