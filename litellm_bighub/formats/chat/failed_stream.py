"""The end of a chat stream that goes on no further."""

from __future__ import annotations

import json

from litellm_bighub.formats.stream.stream_failure import StreamFailure


def failed_stream(failure: StreamFailure) -> list[bytes]:
    """An error in the place of a chunk, which OpenAI's clients raise without asking again.

    LiteLLM makes an answer with the error's status of it where it is the first.
    """
    told = {"message": failure.message, "type": failure.kind, "param": None, "code": str(failure.status)}
    return [f"data: {json.dumps({'error': told})}\n\n".encode()]
