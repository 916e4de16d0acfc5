"""LangChain's chat models of each format."""

from __future__ import annotations

from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from told import Task


def chat_model(given: Task) -> BaseChatModel:
    """The model that sends the task's format."""
    if given.format == "messages":
        return ChatAnthropic(
            model=given.model, base_url=given.url, api_key=given.key, max_tokens=1000, streaming=given.stream
        )
    return ChatOpenAI(
        model=given.model,
        base_url=f"{given.url}/v1",
        api_key=given.key,
        streaming=given.stream,
        use_responses_api=given.format == "responses",
    )
