"""A real MCP server that writes down which of its tools were called."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from mcp.server import MCPServer


@dataclass
class Demo:
    """The running server."""

    url: str
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


@contextmanager
def demo_server(add_tools: Callable[[MCPServer, Demo], None] | None = None) -> Iterator[Demo]:
    """Two tools: `lookup_order` and `delete_order`, and those that are added."""
    server = MCPServer("demo")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        demo = Demo(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp")

        @server.tool()
        def lookup_order(order_id: str) -> str:
            """Look an order up."""
            demo.calls.append(("lookup_order", {"order_id": order_id}))
            if order_id == "missing":
                raise ValueError("there is no such order")
            if order_id == "closed":
                return "order closed: top-secret"
            return f"order {order_id} is on its way to someone@example.org"

        @server.tool()
        def delete_order(order_id: str) -> str:
            """Delete an order."""
            demo.calls.append(("delete_order", {"order_id": order_id}))
            return "deleted"

        if add_tools is not None:
            add_tools(server, demo)
        config = uvicorn.Config(server.streamable_http_app(), log_level="warning", ws="none")
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, args=([listening],), daemon=True)
        thread.start()
        try:
            yield demo
        finally:
            running.should_exit = True
            thread.join()
