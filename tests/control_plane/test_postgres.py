"""The cluster of the tests leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.control_plane import postgres

HOLDS = f"""
from pathlib import Path
from {postgres.__name__} import binaries, cluster

with cluster(binaries()) as home:
    print(home, (home / "data" / "postmaster.pid").read_text().split()[0], flush=True)
    input()
"""


@pytest.mark.postgres
def test_a_killed_process_takes_its_cluster_along():
    if postgres.binaries() is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        home, server = holder.stdout.readline().split()
        assert Path(f"/proc/{server}").exists()
        holder.kill()
        assert holder.stdout.read() == ""  # every process that inherited it has ended
    assert not Path(f"/proc/{server}").exists()
    assert not Path(home).exists()
