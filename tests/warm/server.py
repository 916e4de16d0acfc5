"""Imports LiteLLM's proxy, then forks for each program that a client brings; ends when its standard input closes."""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

IMPORTED = "litellm.proxy.proxy_server"


def serve(path: Path) -> None:
    sys.path[:] = [entry for entry in sys.path if entry != str(Path(__file__).parent)]
    importlib.import_module(IMPORTED)
    if threading.active_count() > 1:
        raise RuntimeError(f"threads do not survive a fork: {threading.enumerate()}")
    gc.collect()
    gc.freeze()  # a collection in a child would copy every page
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        while sys.stdin not in (ready := select.select([sys.stdin, listening], [], [])[0]):
            if listening in ready:
                connection, _ = listening.accept()
                if os.fork() == 0:
                    listening.close()
                    _watch(connection)
                connection.close()


def _watch(connection: socket.socket) -> None:
    """Start the program, end it when its client ends, and tell the client with which code it ended. Never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, outputs, _, _ = socket.recv_fds(connection, 8, 2)
    program = b""
    while len(program) < int.from_bytes(size, "big"):
        program += connection.recv(1 << 16)
    child = os.fork()
    if child == 0:
        connection.close()
        _run(outputs, **json.loads(program))
    ended = os.pidfd_open(child)
    while ended not in (ready := select.select([ended, connection], [], [])[0]):
        if connection in ready:
            asked = connection.recv(1)
            os.killpg(child, signal.SIGTERM if asked else signal.SIGKILL)
            if not asked:
                os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    connection.send(code.to_bytes(4, "big", signed=True))
    os._exit(0)


def _run(outputs: list[int], arguments: list[str], environment: dict[str, str], folder: str) -> None:
    """Become the program. Never returns."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in zip((nothing, *outputs), (0, 1, 2), strict=True):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    added = [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:] = [folder, *added, *sys.path]
    code = _exit_code(arguments)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _exit_code(arguments: list[str]) -> int:
    kind, what, *more = arguments
    try:
        if kind == "-m":
            sys.argv = [what, *more]
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            sys.argv = ["-c", *more]
            names: dict[str, Any] = {"__name__": "__main__"}
            exec(compile(what, "<string>", "exec"), names)
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        sys.stderr.write(f"{ended.code}\n")
        return 1
    except BaseException:  # noqa: BLE001 - whatever ends a program is printed, as Python does
        traceback.print_exc()
        return 1
    finally:
        atexit._run_exitfuncs()
    return 0


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
