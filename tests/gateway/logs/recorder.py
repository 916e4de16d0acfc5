"""A logger that an operator keeps beside a proxy's config: it writes down every text that LiteLLM hands it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy.spend_tracking.spend_tracking_utils import get_logging_payload
from pydantic import BaseModel


class Recorder(CustomLogger):
    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time) -> None:
        _keep("success", kwargs, response_obj, get_logging_payload(kwargs, response_obj, start_time, end_time))

    async def async_log_failure_event(self, kwargs, response_obj, start_time, end_time) -> None:
        _keep("failure", kwargs, response_obj, None)

    async def async_post_call_failure_hook(self, request_data, *_args, **_more) -> None:
        """LiteLLM makes its spend logs of failures here, of what it remembers of the request as it came."""
        _keep("failed", {"litellm_params": {"request": request_data.get("proxy_server_request")}}, None, None)


recorder = Recorder()


def _keep(kind: str, kwargs: dict, response: object, row: object) -> None:
    """Write down all texts, also those of the row that LiteLLM would write into the spend logs of a database."""
    line = {
        "kind": kind,
        "id": kwargs.get("litellm_call_id"),
        "texts": list(texts({"kwargs": kwargs, "result": response, "row": row}, "", set())),
    }
    line["logged"] = kwargs.get("standard_logging_object")
    with (Path(os.environ["SEEN_FOLDER"]) / "logged.jsonl").open("a") as file:
        file.write(json.dumps(line, default=str) + "\n")


def texts(value: object, where: str, seen: set[int]) -> Iterator[tuple[str, str]]:
    """Every text, with the path at which it stands."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str):
        yield where, value
        return
    if value is None or isinstance(value, int | float | type) or id(value) in seen or callable(value):
        return
    seen.add(id(value))
    if isinstance(value, dict):
        for key, each in list(value.items()):
            yield f"{where} key", str(key)
            yield from texts(each, f"{where}.{key}", seen)
    elif isinstance(value, list | tuple | set | frozenset):
        for index, each in enumerate(value):
            yield from texts(each, f"{where}.{index}", seen)
    else:
        yield f"{where} repr", repr(value)
        if isinstance(value, BaseModel) or hasattr(value, "__dict__"):
            inner = {
                **vars(value),
                **(getattr(value, "__pydantic_extra__", None) or {}),
                **(getattr(value, "__pydantic_private__", None) or {}),
            }
            yield from texts(inner, f"{where}<{type(value).__name__}>", seen)
