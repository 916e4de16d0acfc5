"""The routes of the installed LiteLLM's proxy, and which of them a request reaches."""

from __future__ import annotations

import importlib
import re
from contextlib import contextmanager
from dataclasses import dataclass

from litellm.proxy import proxy_server
from litellm.proxy._lazy_features import LAZY_FEATURES
from starlette.routing import Mount, WebSocketRoute, compile_path
from starlette.staticfiles import StaticFiles

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, order=True)
class Route:
    """One route and method: its path with the names of its parameters, and the name of what serves it."""

    method: str
    path: str
    endpoint: str

    @property
    def example(self):
        return re.sub(r"\{[^}]+\}", "x", self.path)


@contextmanager
def all_features():
    """The proxy's application with all that it loads only when it is asked for."""
    app = proxy_server.app
    before = list(app.router.routes)
    for feature in LAZY_FEATURES:
        feature.register_fn(app, importlib.import_module(feature.module_path))
    try:
        yield app
    finally:
        app.router.routes[:] = before


def walk(routes, prefix=""):
    """Every route, in the order in which they are tried; what is mounted and has none is served below its path."""
    for route in routes:
        if hasattr(route, "effective_candidates"):
            yield from walk(route.effective_candidates(), prefix)
            continue
        inner = getattr(route, "starlette_route", None) or getattr(route, "original_route", None) or route
        path = prefix + (getattr(route, "path", None) or inner.path)
        if isinstance(inner, WebSocketRoute) or "WebSocket" in type(inner).__name__:
            yield Route("WS", path, inner.endpoint.__name__)
        elif isinstance(inner, Mount):
            yield from walk(inner.routes, path)
            if not inner.routes:
                methods = ("GET",) if isinstance(inner.app, StaticFiles) else METHODS
                yield from (Route(method, f"{path}/{{path:path}}", "mounted") for method in methods)
        else:
            methods = inner.methods or METHODS
            endpoint = getattr(inner.endpoint, "__name__", "an application")
            yield from (Route(method, path, endpoint) for method in methods if method in METHODS)


class Router:
    """Finds what a request reaches, as Starlette's router does: the first route whose path and method fit."""

    def __init__(self, routes):
        self.routes = list(routes)
        self._tried = [
            (route, route.path.partition("{")[0], compile_path(route.path)[0].match) for route in self.routes
        ]

    def reached(self, method, path):
        for route, beginning, fits in self._tried:
            if route.method == method and path.startswith(beginning) and fits(path):
                return route
        return None
