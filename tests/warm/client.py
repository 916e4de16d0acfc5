"""Has the warm Python run a program, with this process's arguments, environment, folder, output and end.

With the standard library alone: `python -I client.py SOCKET -m module …`. A SIGTERM is passed on; however this process
ends, the program ends.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time


def main(path: str, arguments: list[str]) -> int:
    connection = socket.socket(socket.AF_UNIX)
    while connection.connect_ex(path):  # it is still importing
        time.sleep(0.05)
    program = json.dumps({"arguments": arguments, "environment": dict(os.environ), "folder": os.getcwd()}).encode()  # noqa: PTH109 - imports nothing that costs
    signal.signal(signal.SIGTERM, lambda *_: connection.send(b"T"))
    socket.send_fds(connection, [len(program).to_bytes(8, "big")], [1, 2])
    connection.sendall(program)
    code = connection.recv(4)
    return int.from_bytes(code, "big", signed=True) if code else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
