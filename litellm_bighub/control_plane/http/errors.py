"""Errors in the shape that BIGHUB's SDK reads: `{"detail": …, "request_id": …}`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias, TypeVar

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException as StarletteHTTPException

from litellm_bighub.control_plane.store.tables.idempotency import KeyReused
from litellm_bighub.domain.arguments import UnreadableArguments
from litellm_bighub.domain.ids import random_id
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import DecisionRefused, DecisionUnavailable
from litellm_bighub.wording import ENGLISH, Wording

T = TypeVar("T")


class Code(BaseModel):
    """What programs read, and what people read."""

    code: str
    message: str


class Invalid(BaseModel):
    """One thing that is wrong with a request, and where."""

    loc: list[str | int]
    msg: str
    type: str


class Problem(BaseModel):
    """The body of every error."""

    detail: str | Code | list[Invalid]
    request_id: str


DECLARED: Final[dict[int | str, JsonObject]] = {
    "4XX": {"model": Problem, "description": "Refused"},
    503: {"model": Problem, "description": "The database cannot be used at the moment"},
}
"""Errors that every operation may answer with, for the OpenAPI schema."""


class WordedError(HTTPException):
    """An error that people read in the operator's wording.

    Args:
        status: of the response.
        code: what programs read; without one, the sentence alone is the detail.
        sentence: its name in the wording.
        values: fill the sentence in.
        headers: of the response.
    """

    def __init__(
        self,
        status: int,
        code: str,
        sentence: str,
        values: Mapping[str, object],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._code, self._sentence, self._values = code, sentence, values
        super().__init__(status, self.worded(ENGLISH), headers)

    def worded(self, wording: Wording) -> str | dict[str, str]:
        """The detail of the response."""
        template: str = getattr(wording, self._sentence)
        message = template.format(**self._values)
        return {"code": self._code, "message": message} if self._code else message


def problem(
    status: int, code: str, *, sentence: str = "", headers: Mapping[str, str] | None = None, **values: object
) -> WordedError:
    """An error with a code for programs and a sentence for people: the named one, or `api_` and the code."""
    return WordedError(status, code, sentence or f"api_{code}", values, headers)


def unauthorized(sentence: str) -> WordedError:
    """Nobody is known to call. The contract has no code here."""
    return WordedError(401, "", sentence, {})


def not_found(what: str, name: object) -> WordedError:
    """There is no such thing."""
    return problem(404, "not_found", what=what, name=repr(name))


def existing(found: T | None, what: str, name: object) -> T:
    """Return what was found.

    Raises:
        HTTPException: 404, there is no such thing.
    """
    if found is None:
        raise not_found(what, name)
    return found


def install(app: FastAPI) -> None:
    """Have every error of the app leave in this shape, without anything of the request's content."""
    for error, told in ANSWERS.items():
        app.add_exception_handler(error, told)


class ProblemAnswer(JSONResponse):
    """An error as a response.

    Args:
        status: of the response.
        detail: what is wrong.
        headers: of the response.
    """

    def __init__(self, status: int, detail: object, headers: Mapping[str, str] | None = None) -> None:
        self.detail = detail
        super().__init__({"detail": detail, "request_id": f"req_{random_id()}"}, status, headers)


def respond(error: WordedError, wording: Wording) -> ProblemAnswer:
    """An error as a response, in the operator's wording."""
    return ProblemAnswer(error.status_code, error.worded(wording), error.headers)


def _wording(request: Request) -> Wording:
    wording: Wording = request.app.state.plane.wording
    return wording


async def _raised(request: Request, error: Exception) -> ProblemAnswer:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101 - registered for it
    if isinstance(error, WordedError):
        return respond(error, _wording(request))
    return ProblemAnswer(error.status_code, error.detail, error.headers)


async def _invalid(_: Request, error: Exception) -> ProblemAnswer:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    told = [{"loc": found["loc"], "msg": found["msg"], "type": found["type"]} for found in error.errors()]
    return ProblemAnswer(422, told)


async def _unreadable(_: Request, error: Exception) -> ProblemAnswer:
    return ProblemAnswer(422, [{"loc": ["body"], "msg": str(error), "type": "unreadable_arguments"}])


async def _key_reused(request: Request, _: Exception) -> ProblemAnswer:
    return respond(problem(422, "idempotency_key_reused"), _wording(request))


async def _unstorable(request: Request, _: Exception) -> ProblemAnswer:
    """A text with a NUL, on PostgreSQL."""
    return respond(problem(422, "unstorable"), _wording(request))


async def _unavailable(request: Request, error: Exception) -> ProblemAnswer:
    failed = problem(503, "unavailable", problem=str(error), headers={"Retry-After": "1"})
    return respond(failed, _wording(request))


async def _broken(request: Request, _: Exception) -> ProblemAnswer:
    """A fault of ours. What raised it goes to the server's log after the answer."""
    return respond(problem(500, "broken"), _wording(request))


Handler: TypeAlias = "Callable[[Request, Exception], Awaitable[ProblemAnswer]]"
ANSWERS: Final[Mapping[type[Exception], Handler]] = {
    StarletteHTTPException: _raised,
    RequestValidationError: _invalid,
    UnreadableArguments: _unreadable,
    KeyReused: _key_reused,
    DecisionUnavailable: _unavailable,
    DataError: _unstorable,
    DecisionRefused: _unstorable,
    Exception: _broken,
}
"""What answers each error of the app."""
