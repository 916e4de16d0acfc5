"""Errors in the shape that BIGHUB's SDK reads: `{"detail": …, "request_id": …}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

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


def problem(status: int, code: str, message: str) -> HTTPException:
    """An error with a code that programs read and a text that people read."""
    return HTTPException(status, {"code": code, "message": message})


def not_found(what: str, name: object) -> HTTPException:
    """There is no such thing."""
    return problem(404, "not_found", f"there is no {what} {name!r}")


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
    app.add_exception_handler(StarletteHTTPException, _raised)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(UnreadableArguments, _unreadable)
    app.add_exception_handler(KeyReused, _key_reused)
    app.add_exception_handler(DecisionUnavailable, _unavailable)
    app.add_exception_handler(DataError, _unstorable)
    app.add_exception_handler(DecisionRefused, _unstorable)


def answer(status: int, detail: object, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error as a response."""
    return JSONResponse({"detail": detail, "request_id": f"req_{random_id()}"}, status, headers)


async def _raised(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101 - registered for it
    return answer(error.status_code, error.detail, error.headers)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    return answer(422, [{"loc": found["loc"], "msg": found["msg"], "type": found["type"]} for found in error.errors()])


async def _unreadable(_: Request, error: Exception) -> JSONResponse:
    return answer(422, [{"loc": ["body"], "msg": str(error), "type": "unreadable_arguments"}])


async def _key_reused(_: Request, __: Exception) -> JSONResponse:
    message = "this Idempotency-Key came with another request before"
    return answer(422, {"code": "idempotency_key_reused", "message": message})


async def _unstorable(_: Request, __: Exception) -> JSONResponse:
    """A text with a NUL, on PostgreSQL."""
    return answer(422, {"code": "unstorable", "message": "the database cannot hold one of the values"})


async def _unavailable(_: Request, error: Exception) -> JSONResponse:
    return answer(503, {"code": "unavailable", "message": str(error)}, {"Retry-After": "1"})
