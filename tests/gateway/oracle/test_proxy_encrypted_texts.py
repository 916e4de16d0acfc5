"""Through the real proxy: `encrypted_content` that LiteLLM writes and reads as JSON is checked at both sockets."""

from __future__ import annotations

import base64
import json

import pytest

from litellm_bighub.testing import Verbatim
from tests.gateway.masking_gateway import ANSWERED, ASKED

pytestmark = pytest.mark.proxy

FORMS = {
    "json": str,
    "spaced": lambda told: f"\n {told}",
    "base64": lambda told: base64.b64encode(told.encode()).decode(),
    "escaped": lambda told: told.replace("@", "\\u0040"),
}
SPELLINGS = [f"{cut}{at}example.com" for cut in ("anna", "bob") for at in ("@", "\\u0040", "\\\\u0040")]
THINKING = {"type": "thinking", "thinking": f"I write to {ANSWERED}", "signature": "c2lnbmVk"}
USAGE = {"input_tokens": 1, "output_tokens": 1}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5"}
MESSAGE = {**MESSAGE, "stop_reason": "end_turn", "stop_sequence": None, "usage": USAGE}
TEXT = {"type": "text", "text": f"mail {ANSWERED}"}


def told_in(received):
    """Addresses in what a socket got, also in what is Base64 there."""
    pieces = [received, *(_decoded(piece) for piece in received.replace("\\", "").split('"') if len(piece) > 20)]
    return [each for each in SPELLINGS for piece in pieces if each in piece]


def _decoded(piece):
    try:
        return base64.b64decode(piece, validate=True).decode(errors="replace")
    except ValueError:
        return ""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("model", ["claude", "gpt"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_what_a_caller_replays_as_encrypted_reaches_no_model_unchecked(masking, upstream, model, form, stream):
    blocks = json.dumps([{"type": "thinking", "thinking": f"I write to {ASKED}", "signature": "c2lnbmVk"}])
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": FORMS[form](blocks)}
    said = [{"role": "user", "content": "go on"}, thought, {"role": "assistant", "content": "Well"}]
    answered = masking.ask("/v1/responses", model, [*said, {"role": "user", "content": "and?"}], stream=stream)
    assert (answered.status_code == 200) == bool(upstream.requests)
    assert [told_in(request.raw) for request in upstream.requests] == [[] for _ in upstream.requests]


def whole():
    return Verbatim(body={**MESSAGE, "content": [THINKING, TEXT]})


def streamed():
    events = [{"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}}]
    for index, (block, key, pieces) in enumerate(
        [
            ({"type": "thinking", "thinking": "", "signature": ""}, "thinking", ["I write to bo", "b@exam", "ple.com"]),
            ({"type": "text", "text": ""}, "text", ["mail b", "ob@example.c", "om"]),
        ]
    ):
        deltas = [{"type": f"{key}_delta", key: piece} for piece in pieces]
        deltas += [{"type": "signature_delta", "signature": "c2lnbmVk"}] if key == "thinking" else []
        events += [{"type": "content_block_start", "index": index, "content_block": block}]
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events += [{"type": "content_block_stop", "index": index}]
    ended = {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": USAGE}
    return Verbatim([*events, ended, {"type": "message_stop"}])


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_what_a_model_thinks_reaches_no_client_as_encrypted(masking, upstream, path, stream):
    upstream.script(lambda _: True, streamed() if stream else whole())
    answered = masking.ask(path, "claude", stream=stream)
    assert len(upstream.requests) == 1
    assert answered.status_code == 200
    assert "mail [EMAIL" in answered.text or stream
    assert told_in(answered.text) == []
