"""Two turns of an agent of Pydantic AI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import anthropic
import openai
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from told import Task, look_up, refund, task, tell, wipe


def model(given: Task) -> Model:
    if given.format == "messages":
        client = anthropic.AsyncAnthropic(base_url=given.url, api_key=given.key)
        return AnthropicModel(given.model, provider=AnthropicProvider(anthropic_client=client))
    provider = OpenAIProvider(openai_client=openai.AsyncOpenAI(base_url=f"{given.url}/v1", api_key=given.key))
    kind = OpenAIResponsesModel if given.format == "responses" else OpenAIChatModel
    return kind(given.model, provider=provider)


def main() -> None:
    given = task()
    agent = Agent(model(given), tools=[look_up, refund, wipe])
    loop = asyncio.new_event_loop()

    def converse() -> Callable[[str], str]:
        history: list[ModelMessage] = []

        async def take_turn(prompt: str) -> str:
            if given.stream:
                async with agent.run_stream(prompt, message_history=history) as streamed:
                    text = await streamed.get_output()
                history[:] = streamed.all_messages()
                return text
            result = await agent.run(prompt, message_history=history)
            history[:] = result.all_messages()
            return result.output

        return lambda prompt: loop.run_until_complete(take_turn(prompt))

    tell(converse)
    loop.close()


main()
