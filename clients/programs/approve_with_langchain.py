"""LangChain's agent, whose caller answers the approvals that its last message asks for."""

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
            said: list[object] = [{"role": "user", "content": prompt}]
            while said:
                messages[:] = agent.invoke({"messages": [*messages, *said]})["messages"]
                blocks = [block for block in messages[-1].content if isinstance(block, dict)]
                answers = [
                    {"type": "mcp_approval_response", "approval_request_id": block["id"], "approve": given.approve}
                    for block in blocks
                    if block["type"] == "mcp_approval_request"
                ]
                said = [{"role": "user", "content": answers}] if answers else []
            return str(messages[-1].text)

        return take_turn

    tell(converse)


main()
