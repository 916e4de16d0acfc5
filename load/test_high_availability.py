"""Two gateways and two `serve` on one PostgreSQL: restarted, without their database for a while, and killed.

A call that a client saw any byte of was decided on, exactly once, by an event of the audit that says `allow`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
import yaml

from litellm_bighub.control_plane.store.database import open_existing
from litellm_bighub.testing import ScriptedUpstream, function_call, leash, running_proxy, text
from tests.control_plane import postgres
from tests.warm import warm_python

CLIENTS = 4
SOME = 10
"""How many calls are released before and after each thing that happens."""
PATIENCE = 120.0
COMMAND = Path(sys.executable).parent / "litellm-bighub"
POLICY = "version: 1\nrules:\n  - {name: orders, tool: get_order, effect: allow}\n"
EVENTS = "SELECT body FROM events WHERE type = 'decision_event.created'"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


class Gateway:
    """A gateway that can be restarted, and killed."""

    def __init__(self, folder, config, python):
        self._python = python
        self.path = folder / "proxy_config.yaml"
        self.url = ""
        self._running = ExitStack()
        folder.mkdir()
        (folder / "bighub_policy.yaml").write_text(POLICY)
        self.path.write_text(yaml.safe_dump(config))

    def start(self):
        env = {"LITELLM_MASTER_KEY": "sk-load"}
        proxy = self._running.enter_context(running_proxy(self.path, env=env, python=self._python))
        self.url = proxy.base_url

    def stop(self):
        self.url = ""  # as a load balancer that is told first
        self._running.close()

    def kill(self):
        """With SIGKILL, whatever it does: the warm Python kills the gateway when its client is gone."""
        listed = subprocess.run(["ps", "-eww", "-o", "pid,args"], capture_output=True, text=True, check=True).stdout
        for line in listed.splitlines():
            pid, *words = line.split()
            if str(self.path) in words and any(word.endswith("client.py") for word in words) and "leash" not in line:
                os.kill(int(pid), signal.SIGKILL)


class Load:
    """Clients that ask without end; every call of theirs has arguments and an id of its own."""

    def __init__(self, upstream, gateways):
        self._upstream = upstream
        self._gateways = gateways
        self._numbers = itertools.count()
        self.released = []
        self.withheld = 0
        self.changed = asyncio.Condition()

    async def ask(self, http, url):
        """What a client received, also of an answer that broke off."""
        number = next(self._numbers)
        call = function_call("get_order", {"id": f"trace-{number}"}, call_id=f"call_{number}")
        self._upstream.script(f"go {number}", [text("Here it comes."), call])
        body = {"model": "gpt-4.1", "input": f"go {number}", "stream": bool(number % 2)}
        received = ""
        with suppress(httpx.TransportError):
            async with http.stream("POST", f"{url}/v1/responses", json=body) as answer:
                async for piece in answer.aiter_text():
                    received += piece
        async with self.changed:
            if set(re.findall(r"trace-(\d+)", received)) - {str(number)}:
                raise AssertionError(f"call {number} came with the arguments of another one")
            if f"trace-{number}" in received:
                self.released.append(f"call_{number}")
            else:
                self.withheld += "was blocked" in received or "Here it comes" in received
            self.changed.notify_all()
        return received

    async def client(self, http):
        for turn in itertools.cycle(range(len(self._gateways))):
            if url := self._gateways[turn].url:
                await self.ask(http, url)
            else:
                await asyncio.sleep(0)

    async def until(self, reached):
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(reached), PATIENCE)

    async def more_released(self):
        before = len(self.released)
        await self.until(lambda: len(self.released) >= before + SOME)


def config(upstream, url):
    ours = {"guardrail": "litellm_bighub.BighubGuardrail", "mode": ["pre_call", "post_call"], "default_on": True}
    ours |= {"database_url": url, "decision_deadline_seconds": 3}
    model = {"model": "openai/gpt-4.1", "api_base": upstream.base_url, "api_key": "sk-no-key-is-needed"}
    return {
        "model_list": [{"model_name": "gpt-4.1", "litellm_params": model}],
        "guardrails": [{"guardrail_name": "bighub", "litellm_params": ours}],
        "litellm_settings": {"telemetry": False},
    }


class Serve:
    """`litellm-bighub serve`, as a process."""

    def __init__(self, gateway_config):
        leashed = [sys.executable, "-I", leash.__file__]  # ends with this process, however that ends
        self._command = [*leashed, COMMAND, "serve", "--config", gateway_config, "--port", "0"]
        self.lines = []
        self.start()

    def start(self):
        self.process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        found = None
        while found is None:
            line = self.process.stdout.readline()
            assert line, "serve ended"
            self.lines.append(line)
            found = re.search(r"The inbox: (http://[^/]+)/", line)
        self.url = found[1]

    def stop(self):
        self.process.terminate()
        with self.process:
            self.process.wait(30)

    def key(self):
        """The key for the inbox, if this is the process that made it."""
        found = re.search(r"shown this once: (\S+)", "".join(self.lines))
        return found and found[1]


@pytest.fixture
def server():
    found = postgres.binaries()
    if found is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with postgres.restartable(found) as server:
        yield server


@pytest.mark.postgres
async def test_nothing_undecided_leaves_and_nothing_is_lost(tmp_path, server):
    url = server.url.replace("postgresql://", "postgresql+psycopg://")
    with ExitStack() as ends, ScriptedUpstream() as upstream:
        python = ends.enter_context(warm_python(tmp_path))
        gateways = [Gateway(tmp_path / name, config(upstream, server.url), python) for name in "ab"]
        for gateway in gateways:
            ends.callback(gateway.stop)
        await asyncio.gather(*(asyncio.to_thread(gateway.start) for gateway in gateways))
        serves = await asyncio.gather(*(asyncio.to_thread(Serve, gateway.path) for gateway in gateways))
        for serve in serves:
            ends.callback(serve.stop)
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        load = Load(upstream, gateways)
        headers = {"Authorization": "Bearer sk-load"}
        async with httpx.AsyncClient(headers=headers, timeout=60, trust_env=False) as http:
            clients = [asyncio.ensure_future(load.client(http)) for _ in range(CLIENTS)]
            try:
                await load.more_released()
                await rolling_restart(load, gateways, serves)
                await database_away(load, server)
                await killed_while_it_decides(load, http, gateways[0], engine)
            finally:
                for client in clients:
                    client.cancel()
                ended = await asyncio.gather(*clients, return_exceptions=True)
            assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended
            await both_serves_tell_the_same(http, serves)
        verify = [COMMAND, "audit", "verify", "--config", gateways[1].path]
        verified = await asyncio.to_thread(subprocess.run, verify, capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    with_engine = open_existing(server.url)
    with with_engine.connect() as connection:
        bodies = [json.loads(body) for body in connection.execute(sa.text(EVENTS)).scalars()]
    with_engine.dispose()
    decided = Counter(body["call_id"] for body in bodies)
    assert load.released
    assert {call: decided[call] for call in load.released if decided[call] != 1} == {}


async def rolling_restart(load, gateways, serves):
    """One after the other; the other ones answer meanwhile."""
    for gateway, serve in zip(gateways, serves, strict=True):
        await asyncio.gather(asyncio.to_thread(gateway.stop), asyncio.to_thread(serve.stop))
        await load.more_released()
        await asyncio.gather(asyncio.to_thread(gateway.start), asyncio.to_thread(serve.start))
        await load.more_released()


async def database_away(load, server):
    """Nothing is released without it; with it everything is, without a restart."""
    await asyncio.to_thread(server.stop)
    withheld = load.withheld
    await load.until(lambda: load.withheld >= withheld + CLIENTS)  # those that were decided before are through
    released, withheld = len(load.released), load.withheld
    await load.until(lambda: load.withheld >= withheld + CLIENTS)
    assert len(load.released) == released
    await asyncio.to_thread(server.start)
    await load.more_released()


async def killed_while_it_decides(load, http, gateway, engine):
    """The database holds the decision up until the gateway is dead."""
    url = gateway.url
    with engine.connect() as lock, engine.connect() as look:
        lock.execute(sa.text("LOCK TABLE head IN ACCESS EXCLUSIVE MODE"))
        asked = [asyncio.ensure_future(load.ask(http, url)) for _ in range(2)]
        while look.execute(sa.text(WAITING)).scalar_one() < 2:
            look.rollback()
            await asyncio.sleep(0.05)
        gateway.url = ""
        gateway.kill()
        received = await asyncio.gather(*asked)
        lock.rollback()
    assert not any("trace-" in each for each in received)
    await asyncio.to_thread(gateway.stop)
    await asyncio.to_thread(gateway.start)
    await load.more_released()


async def both_serves_tell_the_same(http, serves):
    (key,) = {key for serve in serves if (key := serve.key())}
    counts = []
    for serve in serves:
        answer = await http.get(f"{serve.url}/metrics", headers={"Authorization": f"Bearer {key}"})
        counts.append(re.findall(r"^litellm_bighub_\w+\{.*tool=.*$", answer.text, re.MULTILINE))
    assert counts[0]
    assert counts[0] == counts[1]
