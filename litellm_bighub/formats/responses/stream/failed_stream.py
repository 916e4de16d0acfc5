"""The end of a Responses stream that goes on no further."""

from __future__ import annotations

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.payload.copies import plain, whole
from litellm_bighub.formats.stream.stream_failure import StreamFailure

_FINAL = "invalid_prompt"
"""Of the codes that OpenAI documents for failed responses, the one after which no client asks again."""


def failed_stream(failure: StreamFailure) -> list[JsonObject]:
    """`error` and then `response.failed`, as OpenAI sends them: some clients hear the first, others the second.

    LiteLLM makes an answer with the error's status of the first where it is the first event of the stream.
    """
    number = whole(failure.last, "sequence_number")
    told = {"type": failure.kind, "code": str(failure.status), "message": failure.message, "param": None}
    error: JsonObject = {**told, "type": "error", "error": told, "sequence_number": (number or 0) + 1}
    if failure.begun is None:
        return [error]
    code = "server_error" if failure.is_servers else _FINAL
    ended = {"status": "failed", "error": {"code": code, "message": failure.message}, "output": []}
    response = {**plain(failure.begun), **ended}
    return [error, {"type": "response.failed", "response": response, "sequence_number": (number or 0) + 2}]
