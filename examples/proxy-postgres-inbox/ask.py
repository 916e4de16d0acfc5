"""Asks the gateway for a refund, and prints what came of the call."""

from __future__ import annotations

import os
import sys

import openai

amount = sys.argv[1] if len(sys.argv) > 1 else "900"
client = openai.OpenAI(
    base_url=os.environ.get("GATEWAY_URL", "http://127.0.0.1:4000/v1"), api_key=os.environ["LITELLM_MASTER_KEY"]
)
answer = client.responses.create(
    model="gpt-4.1",
    input=f"Refund order A-17, {amount} euros.",
    tools=[
        {
            "type": "function",
            "name": "refund_payment",
            "description": "Refund an order.",
            "strict": False,
            "parameters": {
                "type": "object",
                "properties": {"order_id": {"type": "string"}, "amount": {"type": "number"}},
                "required": ["order_id", "amount"],
            },
        }
    ],
)
for item in answer.output:
    if item.type == "function_call":
        print("run:", item.name, item.arguments)
print(answer.output_text)
