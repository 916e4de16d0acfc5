"""The proxies that `benchmarks.side_by_side` compares: each allows the same call, or lets it through."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.environments import python_like_ours_with
from benchmarks.load import hosted
from benchmarks.proxy import config
from litellm_bighub.testing import running_proxy
from litellm_bighub.testing.threaded_server import ThreadedServer

PERMISSION = {
    "guardrail": "tool_permission",
    "mode": "post_call",
    "default_on": True,
    "rules": [{"id": "lookups", "tool_name": "lookup_.*", "decision": "allow"}],
    "default_action": "deny",
}
REEFLEX = {
    "guardrail": "reeflex_litellm.guardrail.ReeflexActionGuardrail",
    "mode": "post_call",
    "default_on": True,
}
TENANCY = {
    "version": 1,
    "tenants": {"bench": {"org": "bench", "environment": "production"}},
    "bind": {"key_hash": {"litellm_proxy_master_key": "bench"}},
}


@dataclass(frozen=True)
class Product:
    """A proxy to start.

    Attributes:
        is_ours: whether the figures to reach hold for it.
        requirement: what has to be installed, in an environment of its own; empty if nothing has.
    """

    name: str
    config: dict
    is_ours: bool = False
    env: dict = field(default_factory=dict)
    requirement: str = ""

    @contextmanager
    def running(self):
        python = python_like_ours_with(self.requirement) if self.requirement else sys.executable
        with running_proxy(self.config, env=self.env, python=(python,)) as proxy:
            yield proxy


class ReeflexCore(ThreadedServer):
    """Stands in for Reeflex's decision service: answers at once, as the fake of the hosted BIGHUB does."""

    def __init__(self, forbidden):
        super().__init__()
        self._forbidden = forbidden.encode()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def _new_server(self):
        forbidden = self._forbidden

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                asked = self.rfile.read(int(self.headers["Content-Length"]))
                decision = "deny" if forbidden in asked else "allow"
                answer = json.dumps({"decision": decision, "reason": "a benchmark", "rule": "bench"}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format, *args):  # noqa: A002 - the name in the base class
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        return server


def products(upstream, bighub, core, folder, socket):
    """All of them; without PostgreSQL where `socket` is `None`."""
    plain = config(upstream, folder, governed=False)
    tenancy = {
        "REEFLEX_CORE_URL": core.url,
        "REEFLEX_LITELLM_TENANCY_MAP": json.dumps(TENANCY),
        "REEFLEX_LITELLM_LEDGER_PATH": str(folder / "reeflex.jsonl"),
    }
    yield Product("no plugin", plain)
    yield Product("tool_permission", _guarded(plain, "permission", PERMISSION))
    yield Product(
        "reeflex-litellm 0.2.1",
        _guarded(plain, "reeflex", REEFLEX),
        env=tenancy,
        requirement="reeflex-litellm==0.2.1",
    )
    yield Product("ours, SQLite", _own(config(upstream, folder, governed=True), folder, "sqlite"), is_ours=True)
    if socket is not None:
        ours = _own(config(upstream, folder, governed=True), folder, "postgresql")
        ours["guardrails"][0]["litellm_params"]["database_url"] = f"postgresql://postgres@/postgres?host={socket}"
        yield Product("ours, PostgreSQL", ours, is_ours=True)
    yield Product("ours, hosted BIGHUB", _own(hosted(upstream, folder, bighub), folder, "hosted"), is_ours=True)


def _guarded(plain, name, params):
    return {**plain, "guardrails": [{"guardrail_name": name, "litellm_params": params}]}


def _own(made, folder, name):
    """With an audit file of its own."""
    made["guardrails"][0]["litellm_params"]["audit_file"] = str(folder / f"{name}.jsonl")
    return made
