"""What the scripted HTTP servers share: a server that listens on a free port, in a thread, within a `with` block."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from http.server import ThreadingHTTPServer

from typing_extensions import Self


class ThreadedServer(ABC):
    """Listens within its `with` block."""

    def __init__(self) -> None:
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @abstractmethod
    def _new_server(self) -> ThreadingHTTPServer:
        """A server that answers for this object."""

    @property
    def port(self) -> int:
        """Where it listens.

        Raises:
            RuntimeError: outside of the `with` block.
        """
        if self._server is None:
            raise RuntimeError("the server runs inside of its `with` block only")
        return self._server.server_port

    def __enter__(self) -> Self:
        self._server = self._new_server()
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None
