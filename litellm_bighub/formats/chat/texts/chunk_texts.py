"""What a chunk of a chat stream tells of texts, and the gate through which they leave.

A chunk may tell of several texts at once: of choices, content, reasoning and calls. It is taken apart into chunks that
tell of one each, which leave as soon as their own text may; clients join each text apart from all others. The names and
arguments of a call keep their order.

No text ends before the stream does: a piece that comes late is joined to what came before by every client. So the
`finish_reason`, and what comes behind it, leaves last. What cannot be rewritten piece by piece (thinking blocks, which
are signed, annotations, the tokens of `logprobs`, a provider's own fields) is held until then as well, and leaves as it
is or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, cast

from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.chat.calls import PAYLOADS
from litellm_bighub.formats.chat.texts.field_rules import ANSWER, CHOICE, MESSAGE, TOOL_CALL, VOCABULARY
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.copies import members, with_fields, without
from litellm_bighub.formats.payload.field_rules import FieldRule, Rules
from litellm_bighub.formats.payload.fields import get, is_object
from litellm_bighub.formats.payload.file_texts import is_data_url
from litellm_bighub.formats.payload.opaque_texts import tokens_apart
from litellm_bighub.formats.payload.slots import Slot, TextKind
from litellm_bighub.formats.payload.text_walk import TextWalk
from litellm_bighub.formats.stream.event_texts import (
    CarriedText,
    EventTexts,
    GroupedTexts,
    Place,
    StreamedText,
    ToldTexts,
    keys_of,
)
from litellm_bighub.formats.stream.gate_protocol import Hold, Release
from litellm_bighub.formats.stream.text_gate import Scan, TextGate
from litellm_bighub.formats.stream.text_items import Item
from litellm_bighub.formats.stream.text_part import Mode

_CONTENT: Final = "content"
_CALLS: Final = "tool_calls"
_LEGACY: Final = "function_call"
_AUDIO: Final = "audio"
_IMAGES: Final = "images"
_TRANSCRIPT: Final = "transcript"
_OPAQUE: Final = FieldRule.OPAQUE
_KINDS: Final = {"name": TextKind.NAME, "arguments": TextKind.JSON, "input": TextKind.TEXT}
_END: Final = "[DONE]"
_USAGE: Final = "usage"
_BESIDE: Final[Rules] = {**ANSWER, _USAGE: _OPAQUE}
"""Of a chunk; its usage stays with it as long as it holds no text."""


class ChatTextGate:
    """One stream's gate for texts.

    Args:
        mode: how texts are scanned that arrive in pieces.
    """

    def __init__(self, mode: Mode | None = None) -> None:
        self._gate = TextGate(
            read, may_stream=lambda _: False, mode=mode, independent=True, call_of=_call_of, message_of=_message_of
        )

    def feed(self, *events: object) -> Release | Scan | Hold:
        """Take the upstream's next events."""
        return self._gate.feed(*(single for event in events for single in apart(event)))

    def answer(self, texts: Sequence[str]) -> Release | Scan:
        """Take the answers to the outstanding scan."""
        return self._gate.answer(texts)

    def finish(self) -> Release | Scan:
        """The upstream has no more events."""
        return self._gate.finish()


def _message_of(item: Item, place: Place, kind: TextKind) -> Hashable | None:
    """The content of a choice may come as parts and as a text, which clients join."""
    del kind
    is_part = place[0] == _CONTENT and (place[-1] == "text" or isinstance(place[-1], int))
    return item.id if is_part or place == ("delta", _CONTENT) else None


def _call_of(_: object, texts: Mapping[Place, str]) -> JsonObject | None:
    """The message of a call whose name and arguments were told, as guardrails are handed it."""
    of_calls = {(_CALLS,), (_LEGACY,)}
    told = {place[1:]: text for place, text in texts.items() if place[1:2] in of_calls and place[-1] in _KINDS}
    call: JsonObject = {}
    for place, text in told.items():
        payload = call if place[0] == _LEGACY else call.setdefault(str(place[1]), {})
        payload[str(place[-1])] = text
    if not call:
        return None
    return {_LEGACY: call} if any(place[0] == _LEGACY for place in told) else {_CALLS: [call]}


def apart(chunk: object) -> Sequence[object]:
    """The chunk as chunks that tell of one text each; itself if it tells of no more."""
    if _lone(chunk) is not None:
        return (chunk,)
    made: list[object] = []
    for choice in _choices(chunk):
        pieces = list(_pieces(choice))
        made += (piece.choice for piece in pieces)
        if not pieces or get(choice, "finish_reason") is not None:
            made.append(_emptied(choice, keeps=("finish_reason",)) if pieces else choice)
    beside = [key for key in _told(fields.members(chunk), _BESIDE) if key != "choices"]
    usage: object = get(chunk, _USAGE)
    if usage is not None and _carried({_USAGE: usage}, ANSWER):
        beside.append(_USAGE)
    if not made or len(made) + bool(beside) == 1:
        return (chunk,)
    bare = without(chunk, _USAGE, *beside)
    chunks = [with_fields(bare, choices=[choice]) for choice in made]
    if usage is not None and _USAGE not in beside:
        chunks[-1] = with_fields(chunks[-1], usage=usage)
    rest = chunk if _USAGE in beside else without(chunk, _USAGE)
    return [with_fields(rest, choices=[]), *chunks] if beside else chunks


def read(event: object) -> EventTexts:
    """What a chunk tells of texts. One that tells of several, which `apart` leaves none of, tells them whole."""
    lone = _lone(event)
    if lone is not None:
        return lone
    choices = _choices(event)
    if not is_object(event) or not choices:
        return _read_rest(event)
    pieces = [piece for choice in choices for piece in _pieces(choice)]
    if len(choices) > 1 or len(pieces) > 1:
        return ToldTexts(_carried(event, ANSWER))
    index = get(choices[0], "index") or 0
    if not pieces:
        ends = get(choices[0], "finish_reason") is not None or get(event, _USAGE) is not None
        return ToldTexts([], item_id="" if ends else f"{index} silent")
    if pieces[0].is_whole:
        return ToldTexts(_carried(event, ANSWER), item_id=f"{index} {pieces[0].lane}")
    return pieces[0].told(str(index))


def _lone(chunk: object) -> StreamedText | None:
    """What most chunks of a stream tell: a piece of one text of one choice, and nothing else."""
    answer = fields.members(chunk)
    choices: object = answer.get("choices")
    if type(choices) is not list or len(choices) != 1:  # pyright: ignore[reportUnknownArgumentType] - a payload
        return None
    choice = fields.members(choices[0])  # pyright: ignore[reportUnknownArgumentType] - a payload
    if _told(choice, CHOICE) != ["delta"] or _told(answer, ANSWER) != ["choices"]:
        return None
    delta = fields.members(choice["delta"])
    told = _told(delta, MESSAGE)
    if len(told) != 1 or choice.get("finish_reason") is not None:
        return None
    key = told[0]
    text: object = delta[key]
    if type(text) is not str or _is_file(key, text):
        return None
    lane = f"{choice.get('index') or 0} {key}"
    return StreamedText(("delta", key), TextKind.TEXT, ("choices", 0, "delta", key), text, is_done=False, item_id=lane)


def _told(given: JsonMapping, rules: Rules) -> list[str]:
    """The fields that may hold a text, and hold something."""
    return [key for key, value in given.items() if value and rules.get(key) is not _OPAQUE]


def _read_rest(event: object) -> EventTexts:
    """A chunk without choices, which tells of usage or of filters; or a text on its way to the client."""
    if is_object(event):
        return ToldTexts(_carried(event, ANSWER), item_id="" if get(event, _USAGE) is not None else "beside")
    said = event.decode(errors="replace") if isinstance(event, bytes) else str(event)
    if said.strip().removeprefix("data:").strip() == _END:
        return ToldTexts([])
    return ToldTexts([CarriedText((), Slot(None, "", said, TextKind.NAME, (None, "event")))])


@dataclass(frozen=True, slots=True)
class _Piece:
    """A choice that tells of one text, or of some that have to stay together.

    Attributes:
        choice: with nothing else in it.
        lane: pieces of the same one keep their order.
        keys: the way from the choice to the text, if it is one.
        kind: of the text.
        text: what the piece adds to it.
        group: the texts that stay together, each with its place.
        beside: the text that a group tells of.
        end: how far, `None` if all of it counts.
        is_whole: whether no later piece adds to it, as to a picture.
    """

    choice: object
    lane: str
    keys: Place = ()
    kind: TextKind = TextKind.TEXT
    text: str = ""
    group: tuple[tuple[Place, str], ...] = ()
    beside: str = ""
    end: int | None = None
    is_whole: bool = False

    def told(self, index: str) -> EventTexts:
        """What the gate is told."""
        lane = f"{index} {self.lane}"
        if self.keys:
            keys = ("choices", 0, *self.keys)
            return StreamedText(_place(self.keys), self.kind, keys, self.text, is_done=False, item_id=lane)
        beside = (f"{index} {self.beside}", ("delta", self.beside)) if self.beside else None
        return GroupedTexts(self.group, lane, beside, self.end)


def _place(keys: Place) -> Place:
    """Where a text stands in its lane: elements of lists are told apart by the lane."""
    return tuple(key for key in keys if isinstance(key, str))


def _pieces(choice: object) -> Iterator[_Piece]:
    """What a choice tells, piece by piece. Its role and what else is no text stays with the first piece of a text."""
    delta: object = get(choice, "delta")
    found: list[_Piece] = []
    for key, value in members(delta).items():
        if value and MESSAGE.get(key) is not _OPAQUE:
            found += _pieces_of_field(choice, key, value)
    for key, value in members(choice).items():
        if value and key != "delta" and CHOICE.get(key) is not _OPAQUE:
            single = with_fields(_emptied(choice), **{key: value})
            if isinstance(value, str):
                found.append(_Piece(single, key, (key,), text=value))
            elif CHOICE.get(key) is FieldRule.TOKENS:
                found.append(_tokens(single, key, value))
            else:
                found.append(_grouped(single, key, value, CHOICE, ()))
    said = {key: value for key, value in members(delta).items() if value and MESSAGE.get(key) is _OPAQUE}
    first = next((n for n, piece in enumerate(found) if piece.keys), 0)
    for n, piece in enumerate(found):
        if n == first and said and get(piece.choice, "delta") is not None:
            single = with_fields(piece.choice, delta=with_fields(get(piece.choice, "delta"), **said))
            yield replace(piece, choice=single)
        else:
            yield piece


def _pieces_of_field(choice: object, key: str, value: object) -> Iterator[_Piece]:
    empty = _emptied(choice)

    def holding(held: object) -> object:
        return with_fields(empty, delta=with_fields(get(empty, "delta"), **{key: held}))

    if isinstance(value, str):
        yield _Piece(holding(value), key, ("delta", key), text=value, is_whole=_is_file(key, value))
    elif key == _CALLS and isinstance(value, (list, tuple)):
        yield from _pieces_of_calls(cast("Sequence[object]", value), holding)
    elif key in {_LEGACY, _AUDIO} and is_object(value):
        split = _payload_pieces(value, "arguments") if key == _LEGACY else _audio_pieces(value)
        for part, keys, text in split:
            if keys:
                kind = _KINDS.get(str(keys[-1]), TextKind.TEXT)
                yield _Piece(holding(part), key, ("delta", key, *keys), kind, text)
            else:
                yield _grouped(holding(part), key, part, MESSAGE, ("delta",))
    elif key == _IMAGES:
        yield _Piece(holding(value), key, is_whole=True)
    elif key == _CONTENT and isinstance(value, list):
        yield from _pieces_of_parts(cast("list[object]", value), holding)
    else:
        yield _grouped(holding(value), key, value, MESSAGE, ("delta",))


def _is_file(key: str, value: str) -> bool:
    """Whether a field that nobody knows is nothing but a file, in one piece."""
    return value.lstrip()[4:5] == ":" and key not in MESSAGE and is_data_url(value)


def _pieces_of_parts(parts: Sequence[object], holding: Callable[[object], object]) -> Iterator[_Piece]:
    """The images and files of a content apart from its texts, to which later chunks add."""
    for is_media, run in groupby(parts, _shows_media):
        held = [*run]
        if is_media:
            yield _Piece(holding(held), f"{_CONTENT} {_IMAGES}", is_whole=True)
        else:
            yield _grouped(holding(held), _CONTENT, held, MESSAGE, ("delta",))


def _shows_media(part: object) -> bool:
    """Whether a part of the content is an image or a file."""
    walk = TextWalk(VOCABULARY)
    walk.ruled({_CONTENT: [part]}, _CONTENT, [part], FieldRule.OUTPUT_TEXT, None)
    found = walk.finish()
    return bool(found.images or found.files or any(slot.kind is TextKind.FILE for slot in found.slots))


def _pieces_of_calls(calls: Sequence[object], holding: Callable[[object], object]) -> Iterator[_Piece]:
    for number, call in enumerate(calls):
        if not is_object(call):
            raise PayloadError(f"choices[].delta.{_CALLS}[{number}]", f"is a {type(call).__name__}, not a call")
        index = get(call, "index")
        lane = f"{_CALLS} {number if index is None else index}"
        for part, keys, text in _call_pieces(call, TOOL_CALL):
            held, way = holding([part]), ("delta", _CALLS, 0, *keys)
            if keys:
                yield _Piece(held, lane, way, _KINDS[str(keys[-1])], text)
            else:
                yield _grouped(held, lane, part, TOOL_CALL, ("delta", _CALLS, 0))


def _call_pieces(call: object, rules: Rules) -> Iterator[tuple[object, Place, str]]:
    """A piece of a call for its name, one for its arguments, and first one for all the rest if that is more."""
    kinds = [kind for kind in PAYLOADS if is_object(get(call, kind))]
    told = [(kind, each) for kind in kinds for each in _payload_pieces(get(call, kind), PAYLOADS[kind])]
    rest = without(call, *kinds)
    others = [key for key, value in members(rest).items() if value and rules.get(key) is not _OPAQUE]
    if others or not told or len(kinds) > 1:
        yield rest if told else call, (), ""
        rest = without(rest, "id", "type", *others)
    for kind, (payload, keys, text) in told:
        yield with_fields(rest, **{kind: payload}), (kind, *keys) if keys else (), text
        rest = without(rest, "id", "type")


def _payload_pieces(payload: object, key: str) -> list[tuple[object, Place, str]]:
    """The name of a call alone, what it is called with alone, and first all the rest if that is more."""
    texts = {name for name in ("name", key) if isinstance(get(payload, name), str)}
    others = _others(payload, texts)
    told: list[tuple[object, Place, str]] = []
    if others:
        told.append((without(payload, *texts), (), ""))
        payload = without(payload, *others)
    name, said = (get(payload, each) if each in texts else "" for each in ("name", key))
    if name:
        told.append((with_fields(payload, **{key: ""}) if said else payload, ("name",), name))
    if said:
        told.append((without(payload, "name") if name else payload, (key,), said))
    return told


def _audio_pieces(audio: object) -> list[tuple[object, Place, str]]:
    """What is said in a piece of audio alone, and first all the rest if that may hold a text."""
    said = get(audio, _TRANSCRIPT)
    if not isinstance(said, str):
        return [(audio, (), "")]
    others = _others(audio, {_TRANSCRIPT, "id", "data"})
    if not others:
        return [(audio, (_TRANSCRIPT,), said)]
    return [(without(audio, _TRANSCRIPT), (), ""), (without(audio, "data", *others), (_TRANSCRIPT,), said)]


def _others(owner: object, known: AbstractSet[str]) -> list[str]:
    """The other fields that may hold a text."""
    told = {key: value for key, value in members(owner).items() if value and key not in known}
    return [key for key, value in told.items() if not isinstance(value, (int, float))]


def _grouped(choice: object, lane: str, value: object, rules: Rules, where: Place) -> _Piece:
    """Texts that stay together."""
    walk = TextWalk(VOCABULARY)
    key = lane.partition(" ")[0]
    if where[-1:] == (0,):
        walk.item(value, None, placed=rules)
    else:
        walk.ruled({key: value}, key, value, rules.get(key, FieldRule.FREE), None)
    group = tuple((keys_of(slot.where), slot.text) for slot in walk.finish().slots)
    ends = [_end_of(each) for each in cast("list[object]", value)] if isinstance(value, list) else []
    end = max((end for end in ends if end is not None), default=None)
    if key != "annotations":
        return _Piece(choice, lane, group=group)
    return _Piece(choice, lane, group=group, beside=_CONTENT, end=end)


def _tokens(choice: object, key: str, value: object) -> _Piece:
    """The tokens of the content or of a refusal. Those of several chunks are one text, all else there another."""
    own = [name for name, member in members(value).items() if member]
    told = {name: tokens_apart({name: get(value, name)}) for name in own} if own else {key: tokens_apart(value)}
    group: list[tuple[Place, str]] = [((key, name), chosen) for name, (chosen, _) in told.items()]
    group += [((key, name, "others"), f"{others}\n") for name, (_, others) in told.items() if others]
    return _Piece(choice, key, group=tuple(group), beside=own[0] if own else _CONTENT)


def _end_of(annotation: object) -> int | None:
    end = get(annotation, "end_index")
    end = get(get(annotation, "url_citation"), "end_index") if end is None else end
    return end if isinstance(end, int) else None


def _emptied(choice: object, keeps: Sequence[str] = ()) -> object:
    """The choice telling nothing."""
    kept = {"index", "delta", "finish_reason"}
    bare = without(choice, *(key for key in members(choice) if key not in kept))
    if "finish_reason" not in keeps:
        bare = with_fields(bare, finish_reason=None)
    delta: object = get(choice, "delta")
    return bare if delta is None else with_fields(bare, delta=without(delta, *members(delta)))


def _carried(event: object, rules: Rules) -> list[CarriedText]:
    walk = TextWalk(VOCABULARY)
    walk.item(event, None, placed=rules)
    return [CarriedText(keys_of(slot.where), slot) for slot in walk.finish().everything]


def _choices(event: object) -> Sequence[object]:
    """The choices of a chunk.

    Raises:
        PayloadError: one has no fields, or its delta has none.
    """
    choices: object = get(event, "choices") if is_object(event) else None
    if not isinstance(choices, (list, tuple)):
        return ()
    for number, choice in enumerate(cast("Sequence[object]", choices)):
        if not is_object(choice):
            raise PayloadError(f"choices[{number}]", f"is a {type(choice).__name__}, not a choice")
        delta: object = get(choice, "delta")
        if delta is not None and not is_object(delta):
            raise PayloadError(f"choices[{number}].delta", f"is a {type(delta).__name__}, not a delta")
    return cast("Sequence[object]", choices)
