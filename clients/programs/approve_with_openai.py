"""A loop of OpenAI's own client, which replays all items or goes on from the last response, and answers approvals."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import openai
from told import Task, look_up, refund, task, tell, wipe

TOOLS = {tool.__name__: tool for tool in (look_up, refund, wipe)}
PARAMETERS = {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}


def main() -> None:
    given = task()
    client = openai.OpenAI(base_url=f"{given.url}/v1", api_key=given.key)

    def converse() -> Callable[[str], str]:
        history: list[Any] = []
        last: list[str] = []

        def take_turn(prompt: str) -> str:
            news: list[Any] = [{"role": "user", "content": prompt}]
            while news:
                history.extend(news)
                answer = _ask(client, given, history, news, last)
                history.extend(answer.output)
                last[:] = [answer.id]
                news = [result for item in answer.output for result in _result(item, given)]
            return str(answer.output_text)

        return take_turn

    tell(converse)


def _ask(client: openai.OpenAI, given: Task, history: list[Any], news: list[Any], last: list[str]) -> Any:
    tools = [{"type": "function", "name": name, "parameters": PARAMETERS} for name in TOOLS]
    said = {"input": history} if given.replays or not last else {"input": news, "previous_response_id": last[0]}
    if not given.stream:
        return client.responses.create(model=given.model, tools=tools, **said)
    with client.responses.stream(model=given.model, tools=tools, **said) as stream:
        return stream.get_final_response()


def _result(item: Any, given: Task) -> list[Any]:
    match item.type:
        case "function_call":
            output = TOOLS[item.name](**json.loads(item.arguments))
            return [{"type": "function_call_output", "call_id": item.call_id, "output": output}]
        case "mcp_approval_request":
            return [
                {"type": "mcp_approval_response", "approval_request_id": item.id, "approve": given.approve},
            ]
        case _:
            return []


main()
