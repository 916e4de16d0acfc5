"""The walk over a plain request or its answer."""

from __future__ import annotations

import base64
from collections.abc import Set as AbstractSet
from io import BytesIO
from typing import Final, cast

from litellm_bighub.domain.payload import Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.field_rules import FieldRule, Rules
from litellm_bighub.formats.payload.request_walk import RequestWalk
from litellm_bighub.formats.payload.slots import Slot, TextKind, Where, render
from litellm_bighub.formats.plain.field_rules import MESSAGE, VOCABULARY

_OFF: Final = frozenset({"", "false", "0", "off", "no", "f", "n"})
_NUMBERS: Final = frozenset({int, float})
_STREAM: Final = "stream"
_NATIVE: Final = "req_format"


class PlainWalk(RequestWalk):
    """One walk; collects into `found`.

    Args:
        request: the rules of a request's fields.
    """

    def __init__(self, request: Rules | None = None) -> None:
        super().__init__(VOCABULARY, request or {}, lambda _: MESSAGE)

    def request(self, data: Payload, where: Where, unsent: AbstractSet[str]) -> None:
        """A request, or what is laid over one.

        Raises:
            PayloadError: it cannot be read, or asks for an answer that no hook would see.
        """
        stream = fields.get(data, _STREAM)
        if str(stream).lower() not in _OFF if isinstance(stream, str) else stream:
            raise PayloadError(render((where, _STREAM)), "asks for a stream that no guardrail could check")
        if fields.get(data, _NATIVE) not in {None, "litellm"}:
            raise PayloadError(render((where, _NATIVE)), "asks for an answer that no guardrail could check")
        super().request(data, where, unsent)

    def ruled(
        self,
        owner: Payload,
        key: str,
        value: object,
        rule: FieldRule | Rules,
        where: Where,
        depth: int = 0,
        untyped: Rules | None = None,
        within: list[Payload] | None = None,
    ) -> None:
        """One field, by its rule. Bytes are media or nothing that is known."""
        if _is_binary(value):
            self._upload(value, rule, (where, key))
        elif (rule is FieldRule.IMAGE or rule is FieldRule.FILE) and isinstance(value, (list, tuple)):
            for index, each in enumerate(cast("list[object]", value)):
                here: Where = ((where, key), index)
                if _is_binary(each):
                    self._upload(each, rule, here)
                else:
                    self._media(value, index, each, rule, here, depth + 1)
        elif rule is FieldRule.HIDDEN and isinstance(value, (list, tuple)):
            if not set(map(type, cast("list[object]", value))) <= _NUMBERS:
                self._nested(owner, key, value, (where, key), depth, untyped=None)
        else:
            super().ruled(owner, key, value, rule, where, depth, untyped, within)

    def _upload(self, value: object, rule: FieldRule | Rules, where: Where) -> None:
        """A file as the gateway has received it: its content is handed over, its name is a text."""
        is_image = rule is FieldRule.IMAGE
        if not (is_image or rule is FieldRule.FILE) or not isinstance(value, BytesIO):
            raise PayloadError(render(where), f"is a {type(value).__name__}, not a text")
        upload = Upload(value)
        slot = Slot(upload, "content", upload.content, TextKind.IMAGE if is_image else TextKind.MEDIA, where)
        (self.found.images if is_image else self.found.files).append(slot.text)
        (self.found.image_slots if is_image else self.found.file_slots).append(slot)
        name = getattr(value, "name", None)
        if isinstance(name, str) and name:
            self.found.slots.append(Slot(value, "name", name, TextKind.TEXT, (where, "filename")))


class Upload:
    """A file as the gateway has received it, told as a data URL.

    Args:
        file: what is told of, and written to.
    """

    __slots__ = ("_file",)

    def __init__(self, file: BytesIO) -> None:
        self._file = file

    @property
    def content(self) -> str:
        """What the file holds."""
        return f"data:application/octet-stream;base64,{base64.b64encode(self._file.getvalue()).decode()}"

    @content.setter
    def content(self, told: str) -> None:
        header, separator, encoded = told.partition(";base64,")
        if not separator or not header.startswith("data:"):
            raise PayloadError("file", "was replaced by a link, which is none")
        try:
            content = base64.b64decode(encoded)
        except ValueError as error:
            raise PayloadError("file", "was replaced by what is no Base64") from error
        self._file.seek(0)
        self._file.truncate()
        self._file.write(content)
        self._file.seek(0)


def _is_binary(value: object) -> bool:
    return isinstance(value, bytes) or hasattr(value, "read")
