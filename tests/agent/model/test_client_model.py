"""What goes to the model's client, and what comes back from one that answers anything."""

from __future__ import annotations

import functools

import httpx
import openai
import pytest

from litellm_bighub.errors import ProviderResponseError
from litellm_bighub.testing import ScriptedDecider, function_call
from tests.agent.harness import DONE


def agent(driver, **options):
    guard = driver.guard(**options)
    guard.tool("double", double)
    return guard


def double(n: int) -> int:
    return 2 * n


def page(_):
    return httpx.Response(200, text="<html>sign in</html>", headers={"content-type": "text/html"})


def behind(driver, transport):
    """The official client whose requests this answers."""
    if driver.kind == "sync":
        return openai.OpenAI(api_key="any", http_client=httpx.Client(transport=transport))
    return openai.AsyncOpenAI(api_key="any", http_client=httpx.AsyncClient(transport=transport))


@pytest.mark.parametrize("inherited", [False, True], ids=["plain", "subclass"])
def test_a_web_page_in_place_of_a_response_is_an_error_of_the_provider(driver, inherited):
    """A gateway's sign-in page comes with status 200."""
    client = behind(driver, httpx.MockTransport(page))
    if inherited:
        client.__class__ = type("Traced", (type(client),), {})
    with pytest.raises(ProviderResponseError, match="no response") as raised:
        driver.run(agent(driver, openai_client=client))
    assert "sign in" not in str(raised.value)
    driver.call(client, "close")


def test_who_traces_the_client_sees_the_request_and_the_response_as_ever(driver, model):
    """Tracers put a function of theirs in the place of the client's own method."""
    model([function_call("double", {"n": 4}, call_id="c1")], DONE)
    client, seen = driver.client(), []
    create = client.responses.create

    def record(arguments, response):
        seen.append((arguments["input"][0]["content"], arguments["tools"][0]["name"], response.output_text))
        return response

    @functools.wraps(create)
    def traced(**arguments):
        return record(arguments, create(**arguments))

    @functools.wraps(create)
    async def traced_async(**arguments):
        return record(arguments, await create(**arguments))

    client.responses.create = traced if driver.kind == "sync" else traced_async
    payload = driver.run(agent(driver, openai_client=client, decider=ScriptedDecider()))
    assert payload["execution"]["last"]["output"] == 8
    assert seen == [("go", "double", ""), ("go", "double", "done")]
