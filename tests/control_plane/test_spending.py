"""Four processes ask for 1,000 calls at once; on SQLite two are killed between what they reserve and its commit."""

from __future__ import annotations

import signal
import subprocess
import sys

import sqlalchemy as sa

from litellm_bighub.control_plane.store.schema import events, reservations, totals

POLICY = "version: 1\ntools: {pay: {value: n}}\nrules: [{name: r, tool: pay, max_total_per_month: 300}]\n"


def test_the_sum_is_exact_across_processes_that_are_killed(database_url, policy_file):
    path = str(policy_file(POLICY))
    kills = [1, 1, 0, 0] if database_url.startswith("sqlite") else [0, 0, 0, 0]
    command = [sys.executable, "-m", "tests.control_plane.spending", database_url, path, "250"]
    running = [subprocess.Popen([*command, str(kill)]) for kill in kills]
    codes = [process.wait(timeout=120) for process in running]
    assert codes == [-signal.SIGKILL if kill else 0 for kill in kills]
    engine = sa.create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        used = connection.execute(sa.select(totals.c.used, totals.c.reserved)).one()
        rows = connection.execute(sa.select(sa.func.count()).select_from(reservations)).scalar_one()
        allowed = connection.execute(sa.select(sa.func.count()).where(events.c.verdict == "allowed")).scalar_one()
    engine.dispose()
    assert (tuple(used), rows, allowed) == (("300", "0"), 300, 300)
