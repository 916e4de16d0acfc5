"""Four processes spend one sum at once; two are killed between what they add to it and its commit, and start anew."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import sqlalchemy as sa

from litellm_bighub.control_plane.store.schema import events, totals

POLICY = "version: 1\ntools: {pay: {value: n}}\nrules: [{name: r, tool: pay, max_total_per_month: 300}]\n"


def test_the_sum_is_exact_across_processes_that_are_killed(database_url, policy_file):
    path = str(policy_file(POLICY))

    def started(number, commits_until_killed):
        command = [sys.executable, "-m", "tests.control_plane.spending", database_url, path]
        return subprocess.Popen([*command, str(number), str(commits_until_killed)])

    killed = [started(250, 1) for _ in range(2)]
    running = [started(140, 0) for _ in range(2)]  # together less than there is: the others get to their commit
    assert [process.wait(timeout=120) for process in killed] == [-signal.SIGKILL] * 2
    running += [started(250, 0) for _ in range(2)]
    assert [process.wait(timeout=120) for process in running] == [0] * 4
    engine = sa.create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        used = connection.execute(sa.select(totals.c.used, totals.c.reserved)).one()
        allowed = connection.execute(sa.select(events.c.body).where(events.c.verdict == "allowed")).scalars().all()
    engine.dispose()
    added = [one["amount"] for body in allowed for one in json.loads(body)["totals"]]
    assert (tuple(used), added) == (("300", "0"), ["1"] * 300)
