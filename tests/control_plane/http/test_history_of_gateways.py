"""A gateway whose decider is `serve` over HTTP tells it of earlier calls: its rules decide as inside the gateway.

A gateway and a control plane, each a process of its own, with a real database.
"""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from litellm_bighub.testing import ScriptedUpstream, function_call, running_proxy
from tests.control_plane.test_serve import client, key_in, serving

pytestmark = pytest.mark.proxy

POLICY = """\
version: 1
tools: {fetch: {output: untrusted}}
rules:
  - {name: verify, tool: verify}
  - {name: refund, tool: refund, after: {tool: verify, same: [customer, iban]}, max_per_conversation: 1}
  - {name: vault, tool: vault}
  - {name: mail, tool: mail, not_after: {tool: vault, same: iban}}
  - {name: after the web, tool: send, taint: untrusted, effect: block}
  - {name: the web, tool: [fetch, send]}
"""
NOT_AFTER_VAULT = "{name: no vault, tool: send, after: {tool: vault, of: caller, within_seconds: 3600}, effect: block}"
AUTHENTICATION = """\
from litellm.proxy._types import UserAPIKeyAuth


async def authenticate(request, api_key):
    return UserAPIKeyAuth(api_key=api_key, user_id=api_key)
"""
MODEL = {"model": "openai/gpt-4.1", "api_base": "os.environ/UPSTREAM_BASE_URL", "api_key": "sk-x"}
MODES = ["pre_call", "post_call"]
PERSON = {"customer": "c-1", "iban": "DE02120300000000202051"}
OTHER = {**PERSON, "iban": "DE02500105170137075030"}
"""Of both, BIGHUB sees that they were redacted."""


class Gateway:
    """What a client sees of the gateway."""

    def __init__(self, proxy, upstream):
        self.proxy, self.upstream = proxy, upstream

    def answer(self, key, calls, **body):
        """The names of the calls in an answer, and its id; streamed for a key whose name says so."""
        self.upstream.reset()
        self.upstream.script(lambda _: True, [function_call(name, args, call_id=f"c-{name}") for name, args in calls])
        with httpx.Client(base_url=self.proxy.base_url, trust_env=False, timeout=60) as http:
            body = {"model": "gpt-4.1", "input": "go", "stream": "streamed" in key, **body}
            sent = http.post("/v1/responses", json=body, headers={"Authorization": f"Bearer {key}"})
        assert sent.status_code == 200, sent.text
        return set(re.findall(r'"name": ?"(\w+)"', sent.text)), re.search(r'"id": ?"(resp_[^"]+)"', sent.text)[1]


def returned(*tools, previous):
    items = [{"type": "function_call_output", "call_id": f"c-{tool}", "output": "yes"} for tool in tools]
    return {"input": items, "previous_response_id": previous}


def gateways_key(url, printed):
    with client(url, key_in(printed)) as person:
        body = {"label": "gateway", "scopes": ["actions:validate"], "actor": "*"}
        return person.post("/api-keys", json=body).json()["key"]


@contextmanager
def gateway_of(folder, url, key, warm, **settings):
    (folder / "keys_of_people.py").write_text(AUTHENTICATION)
    params = {
        "guardrail": "litellm_bighub.BighubGuardrail",
        "mode": MODES,
        "default_on": True,
        "decider": "bighub",
        "service": {"base_url": url, "api_key": "os.environ/BIGHUB_KEY"},
        **settings,
    }
    config = {
        "model_list": [{"model_name": "gpt-4.1", "litellm_params": MODEL}],
        "guardrails": [{"guardrail_name": "bighub", "litellm_params": params}],
        "litellm_settings": {"telemetry": False},
        "general_settings": {"custom_auth": "keys_of_people.authenticate"},
    }
    (folder / "proxy_config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    with ScriptedUpstream() as upstream:
        env = {"UPSTREAM_BASE_URL": upstream.base_url, "BIGHUB_KEY": key}
        with running_proxy(folder / "proxy_config.yaml", env=env, python=warm) as proxy:
            yield Gateway(proxy, upstream)


def test_rules_about_what_came_before_decide_as_inside_the_gateway(database_url, tmp_path, warm):
    """In three turns, whole and streamed, although the control plane is restarted between the first and the second."""
    policy = tmp_path / "served" / "bighub_policy.yaml"
    policy.parent.mkdir()
    policy.write_text(POLICY)
    served = ("--database-url", database_url)
    ledger = {"database_url": database_url} if database_url.startswith("postgres") else {}
    with ExitStack() as running:
        with serving(policy, *served) as (url, printed):
            key = gateways_key(url, printed)
            gateway = running.enter_context(gateway_of(tmp_path, url, key, warm, **ledger))
            began = [first_turn(gateway, how) for how in ("whole", "streamed")]
        with serving(policy, *served, "--port", str(urlsplit(url).port)):
            for how, answer in zip(("whole", "streamed"), began, strict=True):
                later_turns(gateway, how, answer)


def test_a_rule_that_a_gateway_has_not_heard_of_yet_restrains_what_may_have_come_before(database_url, tmp_path, warm):
    """It asks for all calls of the key and user, and the gateway follows conversations alone until it asks again."""
    policy = tmp_path / "served" / "bighub_policy.yaml"
    policy.parent.mkdir()
    policy.write_text(POLICY)
    served = ("--database-url", database_url)
    with ExitStack() as running:
        with serving(policy, *served) as (url, printed):
            gateway = running.enter_context(gateway_of(tmp_path, url, gateways_key(url, printed), warm))
            _, answer = gateway.answer("sk-ann", [("vault", PERSON)])
            results = returned("vault", previous=answer)
            assert gateway.answer("sk-ann", [("send", {})], **results)[0] == {"send"}
        policy.write_text(POLICY.replace("rules:\n", f"rules:\n  - {NOT_AFTER_VAULT}\n"))
        with serving(policy, *served, "--port", str(urlsplit(url).port)):
            assert gateway.answer("sk-ann", [("send", {}), ("verify", PERSON)])[0] == {"verify"}


def first_turn(gateway, how):
    calls = [("verify", PERSON), ("refund", PERSON), ("vault", PERSON), ("fetch", {}), ("send", {})]
    told, answer = gateway.answer(f"sk-ann-{how}", calls)
    assert told == {"verify", "vault", "fetch", "send"}  # no refund beside its verification
    return answer


def later_turns(gateway, how, answer):
    ann, bob, eve = (f"sk-{name}-{how}" for name in ("ann", "bob", "eve"))
    results = returned("verify", "vault", "fetch", previous=answer)
    assert gateway.answer(ann, [("mail", OTHER), ("send", {})], **results)[0] == {"mail"}
    assert gateway.answer(ann, [("mail", PERSON), ("refund", OTHER)], **results)[0] == set()
    told, follows = gateway.answer(ann, [("refund", PERSON)], **results)
    assert told == {"refund"}
    # Once in a conversation.
    assert gateway.answer(ann, [("refund", PERSON)], previous_response_id=follows)[0] == set()
    # In the window of a new turn.
    assert gateway.answer(ann, [("mail", PERSON)])[0] == set()
    # Results of calls that bob never made may be of any tool, and prove nothing.
    assert gateway.answer(bob, [("refund", PERSON), ("send", {})], input=results["input"])[0] == set()
    assert gateway.answer(eve, [("refund", PERSON), ("mail", PERSON)])[0] == {"mail"}
