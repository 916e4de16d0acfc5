"""The whole completion that the chunks of a stream tell."""

from __future__ import annotations

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.chat.call_assembly import CallAssembly
from litellm_bighub.formats.chat.calls import CUT_OFF, made_up_id
from litellm_bighub.formats.chat.chunks import pieces
from litellm_bighub.formats.chat.streamed_call import StreamedCall, read_legacy_piece
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
    assembly = CallAssembly()
    legacy = StreamedCall(legacy=True)
    for choice in choices:
        delta: object = get(choice, "delta")
        for key in _TEXTS:
            if added := text(delta, key):
                message[key] = (message.get(key) or "") + added
        for block in get(delta, "thinking_blocks") or ():
            _think(message.setdefault("thinking_blocks", []), plain(block))
        told_calls, told_legacy = pieces(choice)
        for piece in told_calls:
            assembly.take(piece)
        if told_legacy is not None:
            legacy.hear(read_legacy_piece(told_legacy))
            message["function_call"] = legacy.whole()
    if assembly.calls:
        answer_id = next((text(chunk, "id") for chunk in chunks if get(chunk, "choices")), "")
        ids = [made_up_id(answer_id, f"choices[0].message.tool_calls[{at}]") for at in range(len(assembly.calls))]
        message["tool_calls"] = [{"id": made, **call.whole()} for made, call in zip(ids, assembly.calls, strict=True)]
    return {"choices": [{"index": 0, "message": message, "finish_reason": reason}]}


def _think(blocks: list[JsonObject], piece: JsonObject) -> None:
    """A thought comes in pieces, the last of which is signed."""
    thought = piece.get("type") == "thinking" and blocks and blocks[-1].get("type") == "thinking"
    if not thought or blocks[-1].get("signature"):
        blocks.append(piece)
        return
    blocks[-1]["thinking"] = blocks[-1].get("thinking", "") + piece.get("thinking", "")
    if piece.get("signature"):
        blocks[-1]["signature"] = piece["signature"]
