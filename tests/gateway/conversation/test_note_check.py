"""What a person writes to the agent is checked by the text guardrails of the request, wherever it goes."""

from __future__ import annotations

import shutil

import pytest
import yaml

from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.domain.decision import Allow, Block, RequireApproval
from litellm_bighub.gateway.conversation.note_check import checked_notes
from litellm_bighub.testing import ScriptedUpstream, function_call, running_proxy, text
from litellm_bighub.wording import ENGLISH
from tests.gateway.conftest import EXTENSIONS, MODEL, Gateway, _guardrail
from tests.gateway.pipeline.test_proxy_waiting import AMOUNTS, POLICY, ROADS, Clients, Desk, asking, refund

GUARDRAIL = """\
from litellm.integrations.custom_guardrail import CustomGuardrail


class Word(CustomGuardrail):
    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        if any("unspeakable" in text for text in inputs["texts"]):
            raise ValueError("not this")
        return {**inputs, "texts": [text.replace("swordfish", "[masked]") for text in inputs["texts"]]}
"""


async def _masked(told):
    if told == "unspeakable":
        raise ValueError
    return told.upper()


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (Allow(told="yes", remembered=True), Allow(told="YES")),
        (Allow(told="YES", remembered=True), Allow(told="YES", remembered=True)),
        (Block("r", told="no"), Block("r", told="NO")),
        (Block("r", told="unspeakable"), Block("r", told="(withheld by a text check)")),
        (Allow(told="unspeakable"), Allow(told="(withheld by a text check)")),
        (Allow(remembered=True), Allow(remembered=True)),
        (RequireApproval("r", "apr_1"), RequireApproval("r", "apr_1")),
    ],
    ids=["approved", "unchanged", "denied", "refused", "refused note", "no note", "waits"],
)
async def test_a_decision_stands_and_its_note_is_as_it_was_left(decision, expected):
    assert await checked_notes([decision], _masked, ENGLISH) == [expected]


@pytest.fixture(scope="module")
def _noting(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noting")
    shutil.copytree(EXTENSIONS, folder, dirs_exist_ok=True)
    (folder / "word.py").write_text(GUARDRAIL)
    (folder / "bighub_policy.yaml").write_text(POLICY)
    waits = {"on_approval": "wait", "approval_wait_seconds": 60}
    checks = {"guardrail": "litellm_bighub.TextGuardrail", "apply": ["word"], "mode": ["pre_call", "post_call"]}
    config = {
        "model_list": [{"model_name": "gpt-4.1", "litellm_params": MODEL}],
        "guardrails": [
            {
                "guardrail_name": "word",
                "litellm_params": {"guardrail": "word.Word", "mode": "pre_call", "default_on": False},
            },
            {"guardrail_name": "texts", "litellm_params": {**checks, "default_on": False}},
            _guardrail("waiting", waits),
            _guardrail("replacing", {}),
            _guardrail("patient", {**waits, "on_block": "continue"}),
        ],
        "litellm_settings": {"telemetry": False},
        "general_settings": {"custom_auth": "hooks.authenticate"},
    }
    (folder / "proxy_config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    env = {"SEEN_FOLDER": str(folder)}
    with (
        ScriptedUpstream(strict=True) as upstream,
        running_proxy(folder / "proxy_config.yaml", env={"UPSTREAM_BASE_URL": upstream.base_url, **env}) as proxy,
    ):
        yield Gateway(proxy, upstream, None, folder)


@pytest.fixture
def gateway(_noting):
    _noting.upstream.reset()
    return _noting


@pytest.fixture
def desk(gateway):
    plane = ControlPlane.open(sqlite_url(gateway.folder / "bighub.db"), gateway.folder / "bighub_policy.yaml")
    yield Desk(plane)
    plane.close()


@pytest.fixture
async def clients(gateway):
    clients = Clients(gateway)
    yield clients
    await clients.aclose()


def script_refund(gateway, amount, call_id):
    call = function_call("refund", {"amount": amount, "order": "o-1"}, call_id=call_id)
    gateway.upstream.script("go", [text("Refunding."), call])


def assert_the_model_reads_a_masked_note(gateway):
    sent = str(gateway.upstream.requests[-1].body)
    assert sent.count("The person says: the word is [masked]") == 1
    assert "swordfish" not in sent


@pytest.mark.proxy
@pytest.mark.parametrize("road", ROADS)
async def test_the_note_of_an_approved_call_is_checked_before_the_model_reads_it(gateway, clients, desk, road):
    amount, call_id = AMOUNTS[road] + 1, f"call_noted_{road}"
    script_refund(gateway, amount, call_id)
    async with asking(clients, road, "texts", "waiting") as task:
        await desk.resolve(await desk.pending(amount), told="the word is swordfish")
        answer = await task
    await clients.go_on(road, call_id, answer, {"guardrails": ["texts", "waiting"]})
    assert_the_model_reads_a_masked_note(gateway)


@pytest.mark.proxy
@pytest.mark.parametrize("road", ROADS)
async def test_the_note_of_a_call_that_was_approved_before_it_is_made_again_is_checked(gateway, clients, desk, road):
    amount, call_id = AMOUNTS[road] + 5, f"call_again_{road}"
    script_refund(gateway, amount, call_id)
    async with asking(clients, road, "texts", "replacing") as task:
        await task
    await desk.resolve(await desk.pending(amount), told="the word is swordfish")
    async with asking(clients, road, "texts", "replacing") as task:
        answer = await task
    await clients.go_on(road, call_id, answer, {"guardrails": ["texts", "replacing"]})
    assert_the_model_reads_a_masked_note(gateway)


@pytest.mark.proxy
@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(
    ("told", "said"),
    [("ask for swordfish", "ask for [masked]"), ("unspeakable", "(withheld by a text check)")],
    ids=["masked", "refused"],
)
async def test_what_is_told_of_a_denied_call_is_checked_before_the_caller_reads_it(
    gateway, clients, desk, road, told, said
):
    amount = AMOUNTS[road] + (2 if "swordfish" in told else 3)
    gateway.upstream.script("go", [refund(amount)])
    async with asking(clients, road, "texts", "waiting") as task:
        await desk.resolve(await desk.pending(amount), "deny", told=told)
        answer = await task
    assert f"The person says: {said}" in answer.text
    assert told not in answer.text


@pytest.mark.proxy
@pytest.mark.parametrize("road", ROADS)
async def test_what_is_told_of_a_denied_call_is_checked_before_the_model_is_asked_again(gateway, clients, desk, road):
    amount = AMOUNTS[road] + 4
    gateway.upstream.script("go", [refund(amount)])
    gateway.upstream.script("The person says", [text("I will ask.")])
    async with asking(clients, road, "texts", "patient") as task:
        await desk.resolve(await desk.pending(amount), "deny", told="ask for swordfish")
        answer = await task
    assert answer.text == "I will ask."
    sent = str(gateway.upstream.requests[-1].body)
    assert "The person says: ask for [masked]" in sent
    assert "swordfish" not in sent
