"""Putting the inbox into the control plane's app."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from litellm_bighub.control_plane.inbox.headers import InboxHeaders
from litellm_bighub.control_plane.inbox.pages import router
from litellm_bighub.control_plane.inbox.sessions import LoginNeeded
from litellm_bighub.control_plane.inbox.throttle import Throttle
from litellm_bighub.control_plane.plane import ControlPlane


def install(app: FastAPI, plane: ControlPlane) -> None:
    """Add pages, style sheet, script and headers."""
    app.state.throttle = Throttle(plane.clock)
    app.mount("/inbox/static", StaticFiles(directory=Path(__file__).parent / "static"), name="inbox")
    app.include_router(router)
    app.add_exception_handler(LoginNeeded, _to_login)
    app.add_middleware(InboxHeaders)


async def _to_login(_: Request, __: Exception) -> Response:
    return RedirectResponse("/inbox/login", 303)
