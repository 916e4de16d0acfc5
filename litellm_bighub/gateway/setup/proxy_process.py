"""Whether this process serves LiteLLM's proxy, and from which config.

A request cannot tell: whatever the proxy writes into a request, a caller in code could write too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp

from litellm_bighub.domain.payload import Payload


def is_proxy() -> bool:
    """Whether the proxy's own hooks, which know who asks, govern the calls of this process."""
    return _config() is not None or proxy_router() is not None


def knows_proxy() -> bool:
    """Whether this process has loaded the proxy, started or not; without it none can be."""
    return _server() is not None


def config_file() -> Path | None:
    """The config that the proxy was started with, `None` outside of a proxy."""
    config = _config()
    return None if config is None else Path(config)


def has_sessions() -> bool:
    """Whether LiteLLM has a database from which it replays conversations to providers that keep none."""
    return getattr(_server(), "prisma_client", None) is not None


def proxy_app() -> FastAPI | None:
    """The proxy's application, `None` where there is no proxy in this process."""
    app = getattr(_server(), "app", None)
    return app if isinstance(app, FastAPI) else None


def add_layer(layer: Callable[[ASGIApp], ASGIApp]) -> None:
    """Put an ASGI layer around this process's proxy, once. Layers of ours hold the next one as `_app`."""
    app = proxy_app()
    if app is None:
        return
    standing: object = app.middleware_stack
    while standing is not None:
        if type(standing) is layer:
            return
        standing = getattr(standing, "_app", None)
    if app.middleware_stack is not None:  # the proxy is starting, and Starlette takes no more layers
        app.middleware_stack = layer(app.middleware_stack)
    elif all(known.cls is not layer for known in app.user_middleware):
        app.add_middleware(layer)


def proxy_router() -> Payload:
    """The proxy's router, `None` until it has one; of any type, since it is LiteLLM's own and asked by its methods."""
    return getattr(_server(), "llm_router", None)


def _config() -> str | None:
    config = getattr(_server(), "user_config_file_path", None)
    return config if isinstance(config, str) else None


def _server() -> object:
    return sys.modules.get("litellm.proxy.proxy_server")
