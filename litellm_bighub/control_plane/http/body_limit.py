"""Refusing bodies that are too large, before they are read."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from litellm_bighub.control_plane.http.errors import answer

MOST_BYTES = 2_000_000


class BodyLimit:
    """Pure ASGI, so that streams pass as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MOST_BYTES:
            detail = {"code": "too_large", "message": f"a body has at most {MOST_BYTES} bytes"}
            await answer(413, detail)(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MOST_BYTES:  # a chunked body that said nothing of its length
                return {"type": "http.disconnect"}
            return message

        await self._app(scope, limited, send)
