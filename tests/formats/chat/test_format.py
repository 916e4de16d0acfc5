"""A chat stream that goes on no further ends with an error in the place of a chunk."""

from __future__ import annotations

import json

from litellm_bighub.formats.chat.format import failed_stream
from litellm_bighub.formats.stream.stream_failure import StreamFailure


def test_the_error_has_the_fields_that_clients_read():
    [event] = failed_stream(StreamFailure("guardrail", "blocked", 400))
    data = event.decode().removeprefix("data: ")

    assert data.endswith("\n\n")
    assert json.loads(data) == {"error": {"message": "blocked", "type": "guardrail", "param": None, "code": "400"}}
