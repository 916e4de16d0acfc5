"""An agent of the openai-agents SDK behind the real proxy lives with withheld calls, on both roads that it knows."""

from __future__ import annotations

import agents
import openai
import pytest

from litellm_bighub.testing import function_call, text

pytestmark = pytest.mark.proxy

ROADS = [agents.OpenAIResponsesModel, agents.OpenAIChatCompletionsModel]


@pytest.fixture(autouse=True)
def _untraced():
    agents.set_tracing_disabled(disabled=True)


@pytest.fixture
def ran():
    """The tools that ran, in order."""
    return []


@pytest.fixture(params=ROADS, ids=["responses", "chat"])
async def agent(request, gateway, ran):
    @agents.function_tool
    def lookup_a(order: str) -> str:
        """Look an order up."""
        ran.append(("lookup_a", order))
        return f"{order} was found"

    @agents.function_tool
    def wipe(order: str) -> str:
        """Delete an order."""
        ran.append(("wipe", order))
        return f"{order} was deleted"

    key = gateway.proxy.master_key
    async with openai.AsyncOpenAI(base_url=gateway.proxy.openai_url, api_key=key, max_retries=0) as client:
        yield agents.Agent(
            name="support",
            tools=[lookup_a, wipe],
            model=request.param(model="gpt-4.1", openai_client=client),
            model_settings=agents.ModelSettings(extra_body={"guardrails": ["policy"]}),
        )


async def streamed(agent, prompt):
    result = agents.Runner.run_streamed(agent, prompt)
    async for _event in result.stream_events():
        pass
    return result


@pytest.mark.parametrize("run", [agents.Runner.run, streamed], ids=["whole", "streamed"])
async def test_of_two_calls_the_allowed_one_runs_and_the_agent_goes_on(gateway, agent, ran, run):
    calls = [function_call("lookup_a", {"order": "A-17"}), function_call("wipe", {"order": "B-18"})]
    gateway.upstream.script("go", [text("Here it comes."), *calls])
    gateway.upstream.script("was found", [text("One of two is done.")])

    result = await run(agent, "go")

    assert ran == [("lookup_a", "A-17")]
    assert result.final_output == "One of two is done."


@pytest.mark.parametrize("run", [agents.Runner.run, streamed], ids=["whole", "streamed"])
async def test_an_agent_whose_only_call_is_blocked_ends_with_the_notice(gateway, agent, ran, run):
    gateway.upstream.script("go", [function_call("wipe", {"order": "B-18"})])

    result = await run(agent, "go")

    assert ran == []
    assert '"wipe" was blocked by policy' in result.final_output
