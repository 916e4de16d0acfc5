"""The hosted BIGHUB behind deadline, retry and breaker: the real SDK against a real server."""

from __future__ import annotations

import asyncio
import gzip
import socket
import time
import tracemalloc
import zlib
from dataclasses import replace

import httpx
import pytest
from bighub import AsyncBighubClient
from bighub.exceptions import BighubNetworkError
from pydantic import SecretStr

from litellm_bighub.deciders.hosted.hosted_decider import client, hosted, without_retries
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Block, RequireApproval
from litellm_bighub.errors import (
    ConfigurationError,
    DecisionError,
    DecisionRefused,
    DecisionUnavailable,
    DecisionUnreadable,
)
from litellm_bighub.settings import ServiceSettings
from litellm_bighub.testing import BlackHole, Hangup, HostedBighub, Reply, allow, block, reply, require_approval
from litellm_bighub.testing.hosted_answers import Endless, error, garbage

CALL = ToolCall(
    id="call_1", type="function", name="refund_payment", arguments={"amount": 5}, value=5.0, target="order-7"
)
CONTEXT = CallContext(actor="bot", domain="financial_actions", trace_id="trace-1", response_id="resp_1", user="ann")


def settings(bighub: HostedBighub, **options) -> ServiceSettings:
    """A deadline that no loaded machine misses by itself."""
    patient = {"deadline_seconds": 20, "breaker_failures": 0, **options}
    return ServiceSettings(base_url=bighub.url, api_key=SecretStr(bighub.api_key), **patient)


async def ask(*script, **options):
    """What the decider says, or the error it raises, and the requests that arrived."""
    with HostedBighub(*script) as bighub:
        decider = hosted(settings(bighub, **options))
        try:
            return await decider.decide(CALL, CONTEXT), bighub.requests
        except DecisionError as raised:
            return raised, bighub.requests
        finally:
            await decider.aclose()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(allow(), Allow), (block("no"), Block), (require_approval("req_1"), RequireApproval)],
    ids=["allow", "block", "approval"],
)
async def test_the_answer_is_the_decision(answer, expected):
    decision, requests = await ask(answer)
    assert type(decision) is expected
    assert len(requests) == 1


@pytest.mark.lesson("a policy service that does not answer is asked nine times", row="hangs up")
@pytest.mark.parametrize(
    ("answer", "expected", "asked"),
    [
        pytest.param(error(400), DecisionRefused, 1, id="400"),
        pytest.param(error(401), DecisionRefused, 1, id="401"),
        pytest.param(error(402), DecisionRefused, 1, id="402"),
        pytest.param(error(403), DecisionRefused, 1, id="403"),
        pytest.param(error(404), DecisionRefused, 1, id="404"),
        pytest.param(error(408), DecisionRefused, 3, id="408"),
        pytest.param(error(409), DecisionRefused, 3, id="409"),
        pytest.param(error(422, [{"loc": ["body"]}]), DecisionRefused, 1, id="422"),
        pytest.param(error(425), DecisionRefused, 3, id="425"),
        pytest.param(error(429), DecisionRefused, 3, id="429"),
        pytest.param(error(500), DecisionUnavailable, 3, id="500"),
        pytest.param(error(503), DecisionUnavailable, 3, id="503"),
        pytest.param(reply({}, 302), DecisionUnreadable, 1, id="redirect"),
        pytest.param(garbage(), DecisionUnreadable, 1, id="garbage with 200"),
        pytest.param(reply({}), DecisionUnreadable, 1, id="empty object"),
        pytest.param(reply([]), DecisionUnreadable, 1, id="list"),
        pytest.param(reply([{"allowed": True}]), DecisionUnreadable, 1, id="list that allows"),
        pytest.param(reply(None), DecisionUnreadable, 1, id="null"),
        pytest.param(Reply(b"<html>", headers={"Content-Type": "text/html"}), DecisionUnreadable, 1, id="html"),
        pytest.param(Reply(b"\xff\xfe{}"), DecisionUnreadable, 1, id="not Unicode"),
        pytest.param(
            Reply(b"no gzip", headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}),
            DecisionUnreadable,
            1,
            id="bad compression",
        ),
        pytest.param(Hangup(), DecisionUnavailable, 3, id="hangs up"),
    ],
)
async def test_what_a_failure_means_and_how_often_it_is_tried(answer, expected, asked):
    """The published adapter runs the tool under fail-open on 401, 403, 409 and 422."""
    raised, requests = await ask(answer)
    assert type(raised) is expected
    assert len(requests) == asked


async def test_an_unreachable_service_is_unavailable():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        service = ServiceSettings(base_url=address, api_key=SecretStr("bhk_x"), deadline_seconds=20)
        decider = hosted(service)
        with pytest.raises(DecisionUnavailable, match="could not be reached"):
            await decider.decide(CALL, CONTEXT)
        await decider.aclose()


@pytest.mark.lesson("a black hole in the place of the policy service holds a call for minutes")
async def test_a_black_hole_ends_with_the_deadline():
    """It holds the published adapter for 46 to 140 seconds."""
    started = time.monotonic()
    raised, _ = await ask(BlackHole(), deadline_seconds=0.5)
    assert type(raised) is DecisionUnavailable
    assert time.monotonic() - started < 40


@pytest.mark.lesson("each repetition has a time limit of its own")
async def test_retries_end_with_the_deadline_too():
    with HostedBighub(error(500), BlackHole()) as bighub:
        decider = hosted(settings(bighub, deadline_seconds=2, attempts=10))
        with pytest.raises(DecisionUnavailable, match="within 2 s"):
            await decider.decide(CALL, CONTEXT)
        await asyncio.to_thread(bighub.wait_for, requests=2, abandoned=1)
        assert len(bighub.requests) == 2
        await decider.aclose()


@pytest.mark.parametrize(
    ("script", "deadline"),
    [
        pytest.param([error(429), error(500)], 20, id="then it fails"),
        pytest.param([error(429), Hangup()], 20, id="then it hangs up"),
        pytest.param([error(429), BlackHole()], 1, id="then it is silent"),
        pytest.param([error(429, retry_after=60), allow()], 2, id="and asks for more time than there is"),
        pytest.param([error(503), error(429), error(503)], 20, id="between failures"),
    ],
)
async def test_an_answer_that_refuses_opens_nothing_whatever_comes_after_it(script, deadline):
    with HostedBighub(*script) as bighub:
        decisions = ToolDecisions(hosted(settings(bighub, deadline_seconds=deadline)), fail_mode="open")
        [decision] = await decisions.decide([CALL], CONTEXT)
        await decisions.aclose()
    assert isinstance(decision, Block)
    assert decision.cause == "unreadable"


GZIP = {"Content-Type": "application/json", "Content-Encoding": "gzip"}


def bomb(encoding: str, wbits: int) -> Reply:
    """A fifth of a megabyte on the wire, two hundred unpacked."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    megabyte = b" " * 1_000_000
    packed = b"".join(packer.compress(megabyte) for _ in range(200)) + packer.flush()
    return Reply(packed, headers={"Content-Type": "application/json", "Content-Encoding": encoding})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(Endless, DecisionUnreadable, id="without end"),
        pytest.param(lambda: Endless(b" ", pause=0.05), DecisionUnavailable, id="without end, and slow"),
        pytest.param(lambda: Reply(b" " * 11_000_000), DecisionUnreadable, id="long"),
        pytest.param(lambda: bomb("gzip", 31), DecisionUnreadable, id="gzip bomb"),
        pytest.param(lambda: bomb("deflate", 15), DecisionUnreadable, id="deflate bomb"),
        pytest.param(
            lambda: Reply(gzip.compress(b"{}") + b" " * 11_000_000, headers=GZIP),
            DecisionUnreadable,
            id="behind its end",
        ),
        pytest.param(lambda: Reply(gzip.compress(allow().body)[:-9], headers=GZIP), DecisionUnreadable, id="cut"),
        pytest.param(lambda: bomb("br", 15), DecisionUnreadable, id="an encoding that was not asked for"),
    ],
)
async def test_an_answer_is_read_up_to_a_size_and_a_time(answer, expected):
    tracemalloc.start()
    raised, _ = await ask(answer(), deadline_seconds=5, attempts=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert type(raised) is expected
    assert peak < 60_000_000


async def test_a_list_of_approvals_is_read_up_to_a_size_and_a_time():
    with HostedBighub() as bighub:
        bighub.approvals["a"] = {"request_id": "a", "status": "approved", "reason": "x" * 11_000_000}
        sdk = client(settings(bighub))
        with pytest.raises(BighubNetworkError):
            await sdk.approvals.list(status_filter="approved")
        await sdk.close()


async def test_packed_answers_are_unpacked():
    packed = Reply(
        gzip.compress(allow().body), headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}
    )
    decision, _ = await ask(packed)
    assert isinstance(decision, Allow)


@pytest.mark.lesson("repeated questions have no idempotency key")
async def test_all_attempts_share_one_idempotency_key():
    decision, requests = await ask(error(500), Hangup(), allow())
    assert isinstance(decision, Allow)
    assert len(requests) == 3
    assert len({request.headers["idempotency-key"] for request in requests}) == 1


@pytest.mark.lesson("repeated questions have no idempotency key")
async def test_different_calls_have_different_idempotency_keys():
    calls = [CALL, ToolCall(id="call_2", type="function", name="refund_payment", arguments={"amount": 5})]
    with HostedBighub() as bighub:
        decisions = ToolDecisions(hosted(settings(bighub)))
        await decisions.decide(calls, CONTEXT)
        await decisions.decide(calls, CallContext())
        await decisions.decide(calls, CallContext())
        await decisions.aclose()
        assert len({request.headers["idempotency-key"] for request in bighub.requests}) == 6


async def test_retry_after_is_waited_for():
    decision, requests = await ask(error(429, retry_after=0.01), allow())
    assert isinstance(decision, Allow)
    assert len(requests) == 2


@pytest.mark.lesson("each repetition has a time limit of its own")
async def test_a_retry_after_beyond_the_deadline_is_not_waited_for():
    started = time.monotonic()
    raised, requests = await ask(error(429, retry_after=3600), allow())
    assert isinstance(raised, DecisionRefused)
    assert len(requests) == 1
    assert time.monotonic() - started < 40


@pytest.mark.parametrize("header", ["nan", "inf", "-5", "Wed, 21 Oct 2026 07:28:00 GMT", "soon"])
async def test_an_odd_retry_after_does_no_harm(header):
    odd = reply({}, 429, headers={"Retry-After": header})
    decision, _requests = await ask(odd, allow())
    assert isinstance(decision, Allow)


async def test_the_question_is_asked_in_bighubs_words():
    _, [request] = await ask(allow())
    assert request.path == "/actions/evaluate"
    context = request.body.pop("context")
    assert request.body == {
        "action": "refund_payment", "actor": "bot", "domain": "financial_actions", "value": 5.0, "target": "order-7",
    }  # fmt: skip
    assert context.pop("arguments_digest")
    assert context == {
        "tool": "refund_payment", "call_type": "function", "arguments": {"amount": 5},
        "gateway": {"call_id": "call_1", "trace_id": "trace-1", "response_id": "resp_1", "user": "ann"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("send", "arguments", "target"),
    [
        ("redacted", {"password": "[redacted]", "note": "[redacted]"}, "[redacted]"),
        ("full", {"password": "hunter2", "note": "sk-abcdefghijklmnop1234"}, "sk-abcdefghijklmnop1234"),
        ("digest", None, "[redacted]"),
    ],
)
async def test_arguments_are_sent_as_the_operator_says(send, arguments, target):
    secret = {"password": "hunter2", "note": "sk-abcdefghijklmnop1234"}
    call = ToolCall(id="c", type="function", name="pay", arguments=secret, target=secret["note"], action="payment")
    with HostedBighub() as bighub:
        decider = hosted(settings(bighub, send_arguments=send))
        await decider.decide(call, CONTEXT)
        await decider.aclose()
        body = bighub.requests[0].body
    assert body["context"].get("arguments") == arguments
    assert (body["target"], body["action"]) == (target, "payment")
    assert len(body["context"]["arguments_digest"]) == 64


@pytest.mark.lesson("an id that is a path activates the kill switch")
async def test_ids_of_the_model_never_reach_the_url():
    """An id like this one, put into a path, activates the kill switch through the published SDK."""
    hostile = "../kill-switch/activate?x="
    call = ToolCall(id=hostile, type="function", name=hostile, path=hostile, target=hostile, action=hostile)
    with HostedBighub() as bighub:
        decider = hosted(settings(bighub))
        await decider.decide(call, CallContext(response_id=hostile, trace_id=hostile))
        await decider.aclose()
        assert [request.path for request in bighub.requests] == ["/actions/evaluate"]


async def test_a_cancelled_decision_cancels_its_request():
    with HostedBighub(BlackHole()) as bighub:
        decider = hosted(settings(bighub))
        task = asyncio.create_task(decider.decide(CALL, CONTEXT))
        await asyncio.to_thread(bighub.wait_for, requests=1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(bighub.wait_for, abandoned=1)
        await decider.aclose()


@pytest.mark.lesson("parallel calls are decided one after the other")
async def test_eight_calls_are_asked_about_at_the_same_time():
    calls = [ToolCall(id=f"c{n}", type="function", name="pay") for n in range(8)]
    with HostedBighub(BlackHole()) as bighub:
        decisions = ToolDecisions(hosted(settings(bighub)))
        task = asyncio.create_task(decisions.decide(calls, CONTEXT))
        await asyncio.to_thread(bighub.wait_for, requests=8)  # none is answered, and all eight are there
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await decisions.aclose()


async def test_the_breaker_stops_asking():
    with HostedBighub(error(500)) as bighub:
        decider = hosted(settings(bighub, attempts=1, breaker_failures=2, breaker_reset_seconds=3600))
        for _ in range(5):
            with pytest.raises(DecisionUnavailable):
                await decider.decide(CALL, CONTEXT)
        assert len(bighub.requests) == 2
        await decider.aclose()


@pytest.mark.lesson("one caller's 400s open the breaker for all", row="400")
@pytest.mark.parametrize("answer", [error(400), error(401), garbage()], ids=["400", "401", "garbage"])
async def test_refusals_never_open_the_breaker(answer):
    """In the published adapter one caller's 400s open the breaker for all."""
    with HostedBighub(answer) as bighub:
        decider = hosted(settings(bighub, attempts=1, breaker_failures=1))
        for _ in range(3):
            with pytest.raises((DecisionRefused, DecisionUnreadable)):
                await decider.decide(CALL, CONTEXT)
        assert len(bighub.requests) == 3
        await decider.aclose()


@pytest.mark.lesson("fail-open runs the tool when the policy service answers 422", row="422")
@pytest.mark.lesson("fail-open runs the tool when the policy service answers 409", row="409")
@pytest.mark.lesson("fail-open runs the tool when the policy service answers 403", row="403")
@pytest.mark.lesson("fail-open runs the tool when the policy service answers 401", row="401")
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(error(503), Allow, id="503"),
        pytest.param(Hangup(), Allow, id="hangs up"),
        pytest.param(error(401), Block, id="401"),
        pytest.param(error(403), Block, id="403"),
        *(
            pytest.param(error(status), Block, id=f"{status}")
            for status in range(400, 500)
            if status not in {401, 403, 409, 422}
        ),
        pytest.param(error(409), Block, id="409"),
        pytest.param(error(422), Block, id="422"),
        pytest.param(garbage(), Block, id="garbage"),
    ],
)
async def test_fail_open_opens_for_a_dead_service_and_not_for_a_refusing_one(answer, expected):
    with HostedBighub(answer) as bighub:
        decisions = ToolDecisions(hosted(settings(bighub, attempts=1)), fail_mode="open")
        [decision] = await decisions.decide([CALL], CONTEXT)
        assert type(decision) is expected
        await decisions.aclose()


@pytest.mark.lesson("the SDK repeats POSTs by itself")
@pytest.mark.parametrize("failure", [error(503), error(429), Hangup()], ids=["503", "429", "hangs up"])
async def test_the_sdk_retries_nothing_by_itself(failure):
    """Left as it is, it sends a question three times more, with 15 s for each."""
    raised, requests = await ask(failure, attempts=1)
    assert isinstance(raised, DecisionError)
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("options", "key"),
    [
        pytest.param({"api_key": None}, "service.api_key", id="no key"),
        pytest.param({"api_key": SecretStr("bhk_\n1")}, "service.api_key", id="line break in the key"),
        pytest.param({"api_key": SecretStr("bhk_ä")}, "service.api_key", id="umlaut in the key"),
        pytest.param({"base_url": "ftp://localhost"}, "service.base_url", id="ftp"),
        pytest.param({"base_url": "http://bighub.example"}, "service.base_url", id="http to elsewhere"),
        pytest.param({"base_url": "api.bighub.io"}, "service.base_url", id="no scheme"),
    ],
)
def test_a_setting_that_cannot_work_stops_the_start(options, key):
    service = ServiceSettings(**{"base_url": "http://127.0.0.1:1", "api_key": SecretStr("bhk_1"), **options})
    with pytest.raises(ConfigurationError) as raised:
        hosted(service)
    assert raised.value.key == key
    assert "bhk_" not in str(raised.value)


@pytest.mark.lesson("the client's repr shows the API key")
async def test_no_repr_shows_the_key():
    """`repr` of the SDK's client prints it."""
    service = ServiceSettings(base_url="http://127.0.0.1:1", api_key=SecretStr("bhk_very_secret"))
    sdk = client(service)
    decider = hosted(service)
    for shown in (repr(sdk), repr(decider), repr(ToolDecisions(decider)), repr(service)):
        assert "bhk_very_secret" not in shown
    await sdk.close()
    await decider.aclose()


async def test_closing_twice_is_safe():
    service = ServiceSettings(base_url="http://127.0.0.1:1", api_key=SecretStr("bhk_1"))
    decider = hosted(service)
    await decider.aclose()
    await decider.aclose()


SERVICE = ServiceSettings(api_key=SecretStr("k-1"), base_url="http://127.0.0.1:1", deadline_seconds=2.0)


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"api_key": None}, "service.api_key"),
        ({"api_key": SecretStr("ключ")}, "service.api_key"),
        ({"api_key": SecretStr(" k")}, "service.api_key"),
        ({"base_url": "ftp://example.org"}, "service.base_url"),
        ({"base_url": "http://example.org"}, "service.base_url"),
    ],
)
def test_what_cannot_be_used_stops_the_start(changed, key):
    with pytest.raises(ConfigurationError) as refused:
        client(SERVICE.model_copy(update=changed))

    assert refused.value.key == key


async def test_a_new_client_shows_no_key_and_does_not_retry():
    made = client(SERVICE)

    assert "k-1" not in repr(vars(made))
    assert made._transport.retry.max_retries == 0
    await made.close()


async def test_a_users_client_lends_its_connections_and_keeps_its_retries():
    requests = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(503)

    theirs = AsyncBighubClient(base_url=SERVICE.base_url, api_key="k-1", max_retries=3)
    theirs._transport._client = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url=SERVICE.base_url)
    quiet = without_retries(theirs, 2.0)
    with pytest.raises(Exception, match=r"."):
        await quiet.approvals.list()

    assert len(requests) == 1
    assert theirs._transport.retry.max_retries == 3
    await theirs.close()


async def test_a_replaced_method_is_the_users_wish():
    theirs = AsyncBighubClient(base_url=SERVICE.base_url, api_key="k-1")
    theirs.actions.submit = lambda **_: {}
    other = object()

    assert without_retries(theirs, 2.0) is theirs
    assert without_retries(other, 2.0) is other
    await theirs.close()


async def test_a_service_that_asks_for_no_earlier_calls_is_told_of_none():
    """The hosted BIGHUB: it is told which results came back, as before."""
    with HostedBighub() as bighub:
        decisions = ToolDecisions(hosted(settings(bighub)))
        fresh = await decisions.followed()
        assert fresh is not None
        assert fresh.calls is None
        await decisions.decide([CALL], replace(CONTEXT, outputs="fetch", history=";<verify;1.0;"))
        (request,) = bighub.requests
        assert request.body["context"]["gateway"]["outputs"] == "fetch"
        assert "history" not in request.body["context"]["gateway"]
        await decisions.aclose()
