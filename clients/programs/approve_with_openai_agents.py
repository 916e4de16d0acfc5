"""An agent of the OpenAI Agents SDK, which answers approvals of a listed MCP server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import agents
import openai
from told import look_up, refund, task, tell, wipe


def main() -> None:
    agents.set_tracing_disabled(disabled=True)
    given = task()
    client = openai.AsyncOpenAI(base_url=f"{given.url}/v1", api_key=given.key)
    approvals = agents.HostedMCPTool(
        tool_config={
            "type": "mcp",
            "server_label": "litellm_bighub",
            "server_url": given.url,  # the SDK wants one; the gateway takes the tool out
            "require_approval": "always",
        },
        on_approval_request=lambda _: {"approve": given.approve},
    )
    agent = agents.Agent(
        name="support",
        tools=[*(agents.function_tool(tool) for tool in (look_up, refund, wipe)), approvals],
        model=agents.OpenAIResponsesModel(model=given.model, openai_client=client),
    )
    loop = asyncio.new_event_loop()

    def converse() -> Callable[[str], str]:
        history: list[agents.TResponseInputItem] = []

        async def take_turn(prompt: str) -> str:
            said = [*history, {"role": "user", "content": prompt}]
            if given.stream:
                result = agents.Runner.run_streamed(agent, said)
                async for _ in result.stream_events():
                    pass
            else:
                result = await agents.Runner.run(agent, said)
            history[:] = result.to_input_list()
            return str(result.final_output)

        return lambda prompt: loop.run_until_complete(take_turn(prompt))

    tell(converse)
    loop.close()


main()
