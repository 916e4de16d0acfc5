"""Checks the format of an answer: an answer in no format of its route is refused.

LiteLLM's batch completion (`model: "a,b"` on the chat routes) answers with a list of completions, or with a list of
lists if the request holds several conversations. A completion that failed is its exception in that list.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.registry import format_of_answer
from litellm_bighub.wording import ENGLISH, Wording

_NO_STATUS = 500


def check_whole_answer(
    response: object, formats: Collection[Format], request: JsonMapping, where: str, wording: Wording = ENGLISH
) -> None:
    """Refuse an answer in which calls could not be found. In a batch, replace exceptions by errors without details.

    Args:
        response: changed in place if it is a batch.
        formats: those of the route; if empty, any answer passes.
        request: the request that is answered.
        where: the route or function.
        wording: in which the errors of a batch are told.

    Raises:
        UnreadableAnswerError: the answer is in none of the formats, or a stream was asked for.
    """
    if not formats:
        return
    with worded_refusals(where, wording):
        if request.get("stream"):
            raise UnreadableAnswerError("a stream was asked for, and this is a whole answer")
        _check(response, formats, wording)


class worded_refusals:  # noqa: N801 - used like a function; a generator context manager would be slower
    """Gives each `UnreadableAnswerError` that is raised inside its sentence, with the route or function."""

    __slots__ = ("_where", "_wording")

    def __init__(self, where: str, wording: Wording) -> None:
        self._where = where
        self._wording = wording

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, UnreadableAnswerError):
            raise UnreadableAnswerError(
                error.problem, self._wording.refused_answer(error.problem, self._where)
            ) from error


def refuse_streamed_batch(request: JsonMapping) -> None:
    """Refuse a chat request that LiteLLM would answer with a list of streams. No model has been asked yet.

    Raises:
        UnreadableAnswerError: the request asks several models for streams.
    """
    model: object = request.get("model")
    batch = isinstance(model, str) and "," in model and not request.get("fastest_response")
    if batch and request.get("stream"):
        raise UnreadableAnswerError("a batch of completions cannot be streamed")


def check_streamed_answer(events: object, request: JsonMapping, where: str, wording: Wording) -> None:
    """Refuse a stream if a whole answer was asked for, and a whole answer if a stream was asked for.

    Raises:
        UnreadableAnswerError: the answer is not what was asked for.
    """
    with worded_refusals(where, wording):
        if not hasattr(events, "__aiter__"):
            raise UnreadableAnswerError(f"a stream was asked for, and this is a {type(events).__name__}")
        if not request.get("stream"):
            raise UnreadableAnswerError("a whole answer was asked for, and this is a stream")


def is_readable(response: object, wire_format: Format) -> bool:
    """Whether a whole answer is valid in this format."""
    try:
        wire_format.check_answer(response)
    except UnreadableAnswerError:
        return False
    return True


def _check(response: object, formats: Collection[Format], wording: Wording) -> None:
    batching = next((each for each in formats if each.batches), None)
    if isinstance(response, list) and batching is not None:
        _check_batch(cast("list[object]", response), batching, wording)
        return
    wire_format = format_of_answer(response)
    if wire_format is None or wire_format not in formats:
        wire_format = min(formats, key=lambda each: each.name)
    wire_format.check_answer(response)


def _check_batch(batch: list[object], wire_format: Format, wording: Wording) -> None:
    for index, each in enumerate(batch):
        if isinstance(each, list):
            _check_batch(cast("list[object]", each), wire_format, wording)
        elif isinstance(each, Exception):
            batch[index] = _failure(each, wording)
        else:
            wire_format.check_answer(each)


def _failure(error: Exception, wording: Wording) -> JsonObject:
    """The error without its message, which may quote the model's answer."""
    status: object = get(error, "status_code")
    code = str(status) if isinstance(status, int) else str(_NO_STATUS)
    message = wording.batch_failed.format(error=type(error).__name__)
    return {"error": {"message": message, "type": "upstream_error", "param": None, "code": code}}
