"""Two turns of a graph of LangGraph, whose checkpoints keep the conversation."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from chat_models import chat_model
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from told import look_up, refund, task, tell, wipe

TOOLS = [look_up, refund, wipe]


def main() -> None:
    given = task()
    model = chat_model(given).bind_tools(TOOLS)

    def answer(state: MessagesState) -> MessagesState:
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_node("tools", ToolNode(TOOLS))
    graph.add_edge(START, "answer")
    graph.add_conditional_edges("answer", tools_condition)
    graph.add_edge("tools", "answer")
    compiled = graph.compile(checkpointer=InMemorySaver())
    numbers = count()

    def converse() -> Callable[[str], str]:
        config = {"configurable": {"thread_id": str(next(numbers))}}

        def take_turn(prompt: str) -> str:
            said = {"messages": [{"role": "user", "content": prompt}]}
            if given.stream:
                for _ in compiled.stream(said, config, stream_mode="messages"):
                    pass
            else:
                compiled.invoke(said, config)
            return str(compiled.get_state(config).values["messages"][-1].text)

        return take_turn

    tell(converse)


main()
