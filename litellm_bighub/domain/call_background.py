"""`CallBackground`: why a model may have made a call, as far as its request and its answer tell.

It is what others have written: people read it, and nothing is decided by it. It is stored with an approval alone.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Final, Literal, TypeAlias

from litellm_bighub.domain.arguments import UnreadableArguments, read_arguments
from litellm_bighub.domain.call import JSON, Arguments
from litellm_bighub.domain.payload import JsonMapping
from litellm_bighub.domain.redaction import Redact, hidden_texts
from litellm_bighub.domain.secret_patterns import REDACTED

BackgroundExtent: TypeAlias = Literal["none", "last_turn", "conversation"]
"""How much is kept: nothing, what came since the user's last words, or the conversation."""
Speaker: TypeAlias = Literal["user", "model", "call", "result"]

HEAD: Final = 3000
TAIL: Final = 1000
"""So many characters of the beginning and of the end of a text are kept."""
_READ: Final = 3
"""So many times as much is redacted, so that no secret is cut before it is found."""
_LONGEST_JSON: Final = 100_000
_LONGEST_DESCRIPTION: Final = 2000
_LONGEST_SCHEMA: Final = 20_000
_TELLING_LENGTH: Final = 4


@dataclass(frozen=True, slots=True)
class Utterance:
    """One step of a conversation.

    Attributes:
        speaker: the user, the model, a call that the model made, or what came of it.
        text: what was said; the beginning of it if it is long. A call's arguments are JSON.
        tool: of a call or result.
        end: the end of a long text.
        left_out: how many characters between the two are left out.
        skipped: how many steps before this one are left out.
    """

    speaker: Speaker
    text: str
    tool: str = ""
    end: str = ""
    left_out: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class CallBackground:
    """What stands behind a call.

    Attributes:
        said: in its order, the newest last.
        description: of the tool, by whoever listed it.
        schema: of the tool's arguments.
    """

    said: tuple[Utterance, ...] = ()
    description: str = ""
    schema: JsonMapping = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.said or self.description or self.schema)


def cleaned(background: CallBackground, redact: Redact, hidden: Collection[str] = ()) -> CallBackground:
    """The background without secrets, and short enough to be stored.

    Args:
        background: as it was read.
        redact: hides secrets.
        hidden: texts that are hidden in the call itself; they are hidden here, too.
    """
    hiding = {text for text in hidden if len(text) >= _TELLING_LENGTH}
    parsed = [_parsed(each) for each in background.said]
    for arguments in parsed:
        if arguments is not None:
            found = hidden_texts(arguments, redact(arguments))
            hiding.update(text for text in found if len(text) >= _TELLING_LENGTH)
    clean = _Cleaner(redact, sorted(hiding, key=len, reverse=True))
    schema: Mapping[str, object] = redact(_as_arguments(background.schema))
    if len(json.dumps(schema)) > _LONGEST_SCHEMA:
        schema = {}
    return CallBackground(
        tuple(map(clean.utterance, background.said, parsed)),
        clean.text(background.description[: _READ * _LONGEST_DESCRIPTION])[:_LONGEST_DESCRIPTION],
        schema,
    )


def as_text(background: CallBackground) -> str:
    """The background as it is stored; empty for none."""
    return json.dumps(asdict(background)) if background else ""


def from_text(stored: str) -> CallBackground:
    """The background as it was stored."""
    if not stored:
        return CallBackground()
    known = json.loads(stored)
    return CallBackground(tuple(Utterance(**each) for each in known["said"]), known["description"], known["schema"])


NOT_TAKEN: Final = json.dumps(asdict(CallBackground()))
"""Stored in place of a background that may not be told: it reads as none, and another one is not taken after it."""


class _Cleaner:
    """Takes out of texts what looks like a secret, and what was hidden elsewhere."""

    def __init__(self, redact: Redact, hiding: list[str]) -> None:
        self._redact = redact
        self._hiding = hiding

    def text(self, text: str) -> str:
        clean = self._redact({"text": text}).get("text", REDACTED)
        shown = clean if isinstance(clean, str) else REDACTED
        for hidden in self._hiding:
            shown = shown.replace(hidden, REDACTED)
        return shown

    def utterance(self, said: Utterance, parsed: Arguments | None) -> Utterance:
        text = said.text if parsed is None else json.dumps(_unwrapped(self._redact(parsed)), ensure_ascii=False)
        tool = self.text(said.tool[:200])
        if len(text) <= HEAD + TAIL and not said.end:
            return _cut(replace(said, text=self.text(text), tool=tool, end=""))
        head = self.text(text[: _READ * HEAD])
        tail = self.text((said.end or text)[-_READ * TAIL :])
        left_out = max(0, said.left_out + len(text) + len(said.end) - HEAD - TAIL)
        return replace(said, text=head[:HEAD], tool=tool, end=tail[-TAIL:], left_out=left_out)


def _cut(said: Utterance) -> Utterance:
    """A text that redaction has made longer is cut as well."""
    text = said.text
    if len(text) <= HEAD + TAIL:
        return said
    return replace(said, text=text[:HEAD], end=text[-TAIL:], left_out=len(text) - HEAD - TAIL)


_WHOLE: Final = "value"


def _parsed(said: Utterance) -> Arguments | None:
    """The text of a call or a result as an object, so that keys tell of secrets; `None` if it is none."""
    text = said.text.lstrip()
    if said.speaker not in {"call", "result"} or text[:1] not in {"{", "["} or len(text) > _LONGEST_JSON or said.end:
        return None
    try:
        return read_arguments(f'{{"{_WHOLE}": {text}}}')
    except UnreadableArguments:
        return None


def _unwrapped(arguments: Arguments) -> JSON:
    return arguments.get(_WHOLE) if len(arguments) == 1 else dict(arguments)


def _as_arguments(schema: JsonMapping) -> Arguments:
    try:
        return read_arguments(json.dumps(schema))
    except (UnreadableArguments, TypeError, ValueError, RecursionError):
        return {}
