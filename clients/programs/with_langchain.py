"""Two turns of LangChain's agent, which keeps its messages itself."""

from __future__ import annotations

from collections.abc import Callable

from chat_models import chat_model
from langchain.agents import create_agent
from langchain_core.messages import AnyMessage
from told import look_up, refund, task, tell, wipe


def main() -> None:
    given = task()
    agent = create_agent(chat_model(given), [look_up, refund, wipe])

    def converse() -> Callable[[str], str]:
        messages: list[AnyMessage] = []

        def take_turn(prompt: str) -> str:
            said = {"messages": [*messages, {"role": "user", "content": prompt}]}
            if given.stream:
                parts = agent.stream(said, stream_mode=["messages", "values"])
                *_, state = (part for mode, part in parts if mode == "values")
            else:
                state = agent.invoke(said)
            messages[:] = state["messages"]
            return str(messages[-1].text)

        return take_turn

    tell(converse)


main()
