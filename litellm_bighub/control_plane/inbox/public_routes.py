"""What needs no key: the way to the inbox, the page about the HTTP API, and whether the server is well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from sqlalchemy import select

from litellm_bighub.control_plane.http.auth import Plane
from litellm_bighub.control_plane.inbox.render import render
from litellm_bighub.control_plane.store.schema import head
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import DecisionUnavailable

API_PAGE = "/docs"
router = APIRouter(include_in_schema=False)
_SCHEMAS = "#/components/schemas/"
_METHODS = ("get", "post", "put", "patch", "delete")


@router.get("/")
async def start() -> Response:
    """Lead people to the inbox."""
    return RedirectResponse("/inbox", 303)


@router.get("/health/live")
async def live() -> Response:
    """The process answers. It needs no database: to start it anew would bring none back."""
    return JSONResponse({"status": "ok"})


@router.get("/health/ready")
async def ready(plane: Plane) -> Response:
    """The database can be read."""
    try:
        await plane.read(lambda connection: connection.execute(select(head.c.id)).first())
    except DecisionUnavailable:
        return JSONResponse({"status": "the database cannot be used"}, 503)
    return JSONResponse({"status": "ok"})


@router.get(API_PAGE)
async def api_page(request: Request, plane: Plane) -> HTMLResponse:
    """The operations of the API, out of its OpenAPI schema. The page needs no script and nothing from elsewhere."""
    schema: JsonObject = request.app.openapi()
    components = schema.get("components", {}).get("schemas", {})
    context = {
        "title": schema["info"]["title"],
        "operations": list(_operations(schema)),
        "schemas": {name: (each.get("description", ""), _fields(each)) for name, each in sorted(components.items())},
    }
    return render(request, "api.html", None, plane.clock(), context)


@dataclass(frozen=True, slots=True)
class ApiField:
    """A parameter, or a field of a body.

    Attributes:
        name: as it is sent.
        type: in words; names of schemas stand as they are.
        required: whether it must be there.
        description: what it means; may be empty.
    """

    name: str
    type: str
    required: bool
    description: str = ""


@dataclass(frozen=True, slots=True)
class ApiOperation:
    """One method of one path.

    Attributes:
        method: in capitals.
        path: with its parameters in braces.
        description: what it does.
        parameters: in path, query and headers.
        body: the type of its body; empty for none.
        answers: statuses, with the type of each answer.
    """

    method: str
    path: str
    description: str
    parameters: tuple[ApiField, ...]
    body: str
    answers: tuple[tuple[str, str], ...]


def _operations(schema: JsonObject) -> Iterator[ApiOperation]:
    for path, item in schema["paths"].items():
        for method in _METHODS:
            if method in item:
                found = item[method]
                yield ApiOperation(
                    method.upper(),
                    path,
                    found.get("description", ""),
                    tuple(
                        ApiField(f"{each['name']} ({each['in']})", _type(each["schema"]), each["required"])
                        for each in found.get("parameters", ())
                    ),
                    _content(found.get("requestBody", {})),
                    tuple((status, _content(answer)) for status, answer in found["responses"].items()),
                )


def _content(described: JsonObject) -> str:
    """The types of what is sent or answered."""
    return " or ".join(_type(each.get("schema", {})) for each in described.get("content", {}).values())


def _fields(schema: JsonObject) -> list[ApiField]:
    required = schema.get("required", ())
    return [
        ApiField(name, _type(each), name in required, each.get("description", ""))
        for name, each in schema.get("properties", {}).items()
    ]


def _type(schema: JsonObject) -> str:
    """A schema in words."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_SCHEMAS)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(map(_type, schema[several]))
    if "enum" in schema:
        return " or ".join(map(repr, schema["enum"]))
    if "const" in schema:
        return repr(schema["const"])
    if schema.get("type") == "array":
        return f"array of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "any"))
