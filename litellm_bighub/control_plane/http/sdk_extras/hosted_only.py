"""What the SDK can ask and only the hosted BIGHUB answers: said plainly, in the shape that the SDK reads."""

from __future__ import annotations

from typing import Final, NoReturn

from fastapi import APIRouter, Request

from litellm_bighub.control_plane.http.errors import problem

PREFIXES: Final = (
    *("auth", "calibration", "cases", "consequence-graph", "features", "ingest", "insights", "integrations"),
    *("ops", "precedents", "retrieval", "simulations", "world-state"),
)
"""Accounts, BIGHUB's learning from many customers, and its connections to other systems."""

router = APIRouter(include_in_schema=False)


async def refuse(request: Request) -> NoReturn:
    """Answer 501."""
    prefix = request.url.path.split("/")[1]
    raise problem(501, "not_embedded", prefix=prefix)


for _prefix in PREFIXES:
    for _path in (f"/{_prefix}", f"/{_prefix}/{{rest:path}}"):
        router.add_api_route(_path, refuse, methods=["GET", "POST", "PUT", "PATCH", "DELETE"], response_model=None)
