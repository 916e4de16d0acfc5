"""The whole completion that the chunks of a stream tell."""

from __future__ import annotations

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.chat.calls import CUT_OFF, PAYLOADS
from litellm_bighub.formats.chat.chunks import pieces
from litellm_bighub.formats.payload.copies import plain, text, whole
from litellm_bighub.formats.payload.fields import get

_TEXTS = ("content", "reasoning_content")


def completion(chunks: list[object]) -> JsonObject | None:
    """The completion with what a request that replays its message needs.

    Returns:
        `None` if the chunks tell of several choices, or the end of the only one is missing or came too early.
    """
    choices = [choice for chunk in chunks for choice in get(chunk, "choices") or ()]
    reason = next((text(choice, "finish_reason") for choice in choices if get(choice, "finish_reason")), "")
    if not reason or reason in CUT_OFF or any(whole(choice, "index") for choice in choices):
        return None
    message: JsonObject = {"role": "assistant", "content": None}
    calls: dict[int | None, JsonObject] = {}
    for choice in choices:
        delta: object = get(choice, "delta")
        for key in _TEXTS:
            if told := text(delta, key):
                message[key] = (message.get(key) or "") + told
        for block in get(delta, "thinking_blocks") or ():
            _think(message.setdefault("thinking_blocks", []), plain(block))
        told_calls, legacy = pieces(choice)
        for piece in told_calls:
            _join(calls.setdefault(whole(piece, "index"), {}), plain(piece))
        if legacy is not None:
            _join_payload(message.setdefault("function_call", {}), plain(legacy))
    if calls:
        message["tool_calls"] = list(calls.values())
    return {"choices": [{"index": 0, "message": message, "finish_reason": reason}]}


def _join(call: JsonObject, piece: JsonObject) -> None:
    for label in ("id", "type"):
        if piece.get(label):
            call[label] = piece[label]
    for kind in PAYLOADS:
        if kind in piece:
            _join_payload(call.setdefault(kind, {}), piece[kind])


def _join_payload(payload: JsonObject, piece: JsonObject) -> None:
    if piece.get("name"):
        payload["name"] = piece["name"]
    for key in PAYLOADS.values():
        if key in piece:
            payload[key] = payload.get(key, "") + piece[key]


def _think(blocks: list[JsonObject], piece: JsonObject) -> None:
    """A thought comes in pieces, the last of which is signed."""
    thought = piece.get("type") == "thinking" and blocks and blocks[-1].get("type") == "thinking"
    if not thought or blocks[-1].get("signature"):
        blocks.append(piece)
        return
    blocks[-1]["thinking"] = blocks[-1].get("thinking", "") + piece.get("thinking", "")
    if piece.get("signature"):
        blocks[-1]["signature"] = piece["signature"]
