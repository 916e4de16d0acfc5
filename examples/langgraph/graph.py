"""A graph of LangGraph whose tool calls the gateway decides on."""

from __future__ import annotations

import os

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition


@tool
def refund_payment(order_id: str, amount: float) -> str:
    """Refund an order."""
    print("refunded:", order_id, amount)
    return "refunded"


model = ChatOpenAI(
    model="gpt-4.1",
    base_url=os.environ.get("GATEWAY_URL", "http://127.0.0.1:4000/v1"),
    api_key=os.environ["LITELLM_MASTER_KEY"],
).bind_tools([refund_payment])


def answer(state: MessagesState) -> MessagesState:
    """Ask the model."""
    return {"messages": [model.invoke(state["messages"])]}


graph = StateGraph(MessagesState)
graph.add_node("answer", answer)
graph.add_node("tools", ToolNode([refund_payment]))
graph.add_edge(START, "answer")
graph.add_conditional_edges("answer", tools_condition)
graph.add_edge("tools", "answer")
said = "Refund order A-17, 20 euros, and order B-18, 20000 euros."
print(graph.compile().invoke({"messages": [{"role": "user", "content": said}]})["messages"][-1].text)
