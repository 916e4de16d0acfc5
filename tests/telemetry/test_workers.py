"""Several worker processes, one page of metrics, as LiteLLM collects it where `PROMETHEUS_MULTIPROC_DIR` is set."""

from __future__ import annotations

import os
import subprocess
import sys

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

WORKER = """
import sys
from litellm_bighub.telemetry.prometheus import PrometheusInstruments
from litellm_bighub.telemetry.spans import DecisionSpans
from litellm_bighub.telemetry.telemetry import Telemetry
from tests.telemetry.events import event

telemetry = Telemetry([PrometheusInstruments.of()], DecisionSpans())
telemetry.write(event())
telemetry.pending(int(sys.argv[1]))
telemetry.breaker()("open")
with telemetry.stream().waiting():
    print("ready", flush=True)
    sys.stdin.readline()
"""


def test_what_workers_count_is_added_and_what_they_know_is_the_newest(tmp_path):
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    workers = []
    for pending in (7, 3):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(pending)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        workers.append(worker)
        assert worker.stdout.readline() == "ready\n"
    try:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(tmp_path))
        told = generate_latest(registry).decode()
    finally:
        for worker in workers:
            worker.communicate("\n", timeout=30)

    for line in (
        'litellm_bighub_decisions_total{enforced="true",tool="wipe",verdict="blocked"} 2.0',
        "litellm_bighub_held_streams 2.0",
        "litellm_bighub_pending_approvals 3.0",
        'litellm_bighub_breakers{state="open"} 2.0',
    ):
        assert line in told
