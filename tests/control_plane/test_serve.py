"""`litellm-bighub serve`, started as a person starts it."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import pytest

COMMAND = Path(sys.executable).with_name("litellm-bighub")
QUESTION = {
    "action": "refund",
    "actor": "agent",
    "domain": "shop",
    "arguments": {"note": "for ticket-4711", "code_word": "swordfish", "amount": 3},
}


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "bighub_policy.yaml"
    path.write_text("version: 1\ndefault: allow\n")
    return path


@contextmanager
def serving(policy, *options):
    """The inbox's address and what was printed before it."""
    command = [COMMAND, "serve", "--policy", policy, "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            printed = ""
            while "/inbox" not in printed:
                line = process.stdout.readline()
                assert line, printed
                printed += line
            yield re.search(r"(http://127\.0\.0\.1:\d+)/inbox", printed)[1], printed
        finally:
            process.terminate()
            process.wait(30)


def key_in(printed):
    return re.search(r"shown this once: (\S+)", printed)[1]


@contextmanager
def client(url, key):
    with httpx.Client(
        base_url=url, headers={"X-API-Key": key}, transport=httpx.HTTPTransport(retries=20), timeout=30
    ) as client:
        yield client


def agents_key(person):
    made = person.post("/api-keys", json={"label": "agent", "scopes": ["actions:validate"]})
    return made.json()["key"]


def events(policy):
    with closing(sqlite3.connect(policy.parent / "bighub.db")) as database:
        return "\n".join(body for (body,) in database.execute("SELECT body FROM events"))


def test_it_says_where_the_inbox_is_and_the_key_opens_it_once(policy):
    with serving(policy) as (url, printed), client(url, key_in(printed)) as person:
        assert person.get("/inbox").status_code in {200, 303}
        assert person.get("/approvals").status_code == 200
    with serving(policy) as (_, printed):
        assert "shown this once" not in printed


def test_what_is_to_be_redacted_is_never_stored(policy):
    options = ("--redact", r"ticket-\d+", "--redact-key", "code_word")
    with (
        serving(policy, *options) as (url, printed),
        client(url, key_in(printed)) as person,
        client(url, agents_key(person)) as agent,
    ):
        assert agent.post("/actions/evaluate", json=QUESTION).json()["allowed"] is True
    stored = b"".join(path.read_bytes() for path in policy.parent.glob("bighub.db*"))
    assert b"refund" in stored
    assert b"swordfish" not in stored
    assert b"ticket-4711" not in stored


def confirmed(policy):
    """Two looks at the clock, a day apart, have agreed: without them nothing is removed yet."""
    with closing(sqlite3.connect(policy.parent / "bighub.db")) as database, database:
        database.execute("DELETE FROM retention")
        now = time.time()
        database.execute("INSERT INTO retention VALUES ('audit', ?, NULL, ?)", (now, now))


def test_what_is_older_than_is_kept_is_removed(policy):
    with serving(policy) as (url, printed), client(url, key_in(printed)) as person:
        key = agents_key(person)
        with client(url, key) as agent:
            agent.post("/actions/evaluate", json={**QUESTION, "target": "of then"})
    assert "of then" in events(policy)
    confirmed(policy)
    time.sleep(1.1)
    with serving(policy, "--keep", "1s") as (url, _), client(url, key) as agent:
        agent.post("/actions/evaluate", json={**QUESTION, "target": "of now"})
        ends = time.monotonic() + 60
        while "of then" in events(policy) and time.monotonic() < ends:
            time.sleep(0.1)
    assert "of then" not in events(policy)
    assert "of now" in events(policy)


def test_a_span_that_is_none_is_told_plainly(policy):
    command = [COMMAND, "serve", "--policy", policy, "--keep", "a while"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert "a while" in ended.stderr
    assert "Traceback" not in ended.stderr


def added(policy, *options):
    command = [COMMAND, "keys", "add", *options, "--policy", policy]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_keys_of_different_people_are_made_on_the_server(policy):
    with serving(policy) as (url, printed), client(url, key_in(printed)) as admin:
        made = added(policy, "bob", "--scope", "approvals:resolve")
        with client(url, key_in(made.stdout)) as bob:
            persons = [one.get("/api-keys/validate").json()["person"] for one in (admin, bob)]
            assert bob.get("/approvals").status_code == 200
        assert len(set(persons)) == 2
        robots = added(policy, "robot", "--scope", "actions:validate", "--actor", "billing-*")
        with client(url, key_in(robots.stdout)) as robot:
            assert robot.get("/api-keys/validate").json()["actor"] == "billing-*"
            assert robot.post("/actions/evaluate", json={"action": "x"}).status_code == 403


@pytest.mark.parametrize(
    "options",
    [
        ("x", "--scope", "nothing"),
        ("x", "--scope", "actions:validate", "--scope", "approvals:resolve"),
        ("x", "--scope", "audit:read", "--actor", "bot"),
        ("x",),
    ],
)
def test_a_key_that_cannot_be_is_told_plainly(policy, options):
    ended = added(policy, *options)
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    assert "shown this once" not in ended.stdout


@pytest.mark.parametrize(("options", "status"), [((), 403), (("--trust-proxy", "127.0.0.1"), 200)])
def test_what_a_proxy_says_of_an_address_counts_only_if_it_is_trusted(policy, options, status):
    with serving(policy, *options) as (url, printed), client(url, key_in(printed)) as admin:
        key = {"label": "far", "scopes": ["audit:read"], "ip_whitelist": ["10.0.0.1"]}
        with client(url, admin.post("/api-keys", json=key).json()["key"]) as far:
            answer = far.get("/approvals", headers={"X-Forwarded-For": "10.0.0.1"})
    assert answer.status_code == status


def test_it_stops_while_somebody_has_the_inbox_open(policy):
    with ExitStack() as still_open, serving(policy) as (url, printed):
        person = still_open.enter_context(httpx.Client(base_url=url, timeout=30))
        person.post("/inbox/login", data={"key": key_in(printed)})
        stream = still_open.enter_context(person.stream("GET", "/inbox/stream"))
        assert next(stream.iter_lines()) == "retry: 2000"


@pytest.mark.parametrize(
    ("policy_text", "keys", "told"),
    [
        pytest.param(
            "version: 1\ntools: {pay: {visible_to: group:payments}}\n",
            "",
            "tools.pay.visible_to: needs a key in the environment variable LITELLM_BIGHUB_SEALING_KEYS, which is not"
            " set; make one with `openssl rand -base64 32`",
            id="no key",
        ),
        pytest.param(
            "version: 1\n",
            "c3dvcmRmaXNo",
            "LITELLM_BIGHUB_SEALING_KEYS: key 1 is not 32 bytes in base64; make one with `openssl rand -base64 32`",
            id="an unusable key, which nothing needs",
        ),
    ],
)
def test_without_a_usable_key_to_seal_with_it_does_not_start(policy, policy_text, keys, told):
    policy.write_text(policy_text)
    done = subprocess.run(
        [COMMAND, "serve", "--policy", policy, "--port", "0"],
        env={**os.environ, "LITELLM_BIGHUB_SEALING_KEYS": keys},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert "swordfish" not in done.stderr
