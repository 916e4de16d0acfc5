"""An agent of the OpenAI Agents SDK whose tool calls the gateway decides on."""

from __future__ import annotations

import os

import agents
import openai


@agents.function_tool
def refund_payment(order_id: str, amount: float) -> str:
    """Refund an order."""
    print("refunded:", order_id, amount)
    return "refunded"


agents.set_tracing_disabled(disabled=True)
client = openai.AsyncOpenAI(
    base_url=os.environ.get("GATEWAY_URL", "http://127.0.0.1:4000/v1"), api_key=os.environ["LITELLM_MASTER_KEY"]
)
agent = agents.Agent(
    name="support",
    tools=[refund_payment],
    model=agents.OpenAIResponsesModel(model="gpt-4.1", openai_client=client),
)
print(agents.Runner.run_sync(agent, "Refund order A-17, 20 euros, and order B-18, 20000 euros.").final_output)
