"""What every program of this folder is told, its two tools, and what it tells in return."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Task:
    """The arguments of a program: one JSON object.

    Attributes:
        url: the gateway's, without `/v1`.
        key: what it takes from callers.
        format: chat, messages or responses.
        model: the name that the gateway knows.
        stream: whether answers are streamed.
        conversations: what the user says in each of them, one prompt a turn.
        approve: the user's answer to requests for approval.
        replays: whether requests repeat all items, and do not refer to what the provider has kept.
    """

    url: str
    key: str
    format: str
    model: str
    stream: bool
    conversations: list[list[str]]
    approve: bool = True
    replays: bool = True


def task() -> Task:
    """The program's task."""
    return Task(**json.loads(sys.argv[1]))


def look_up(order: str) -> str:
    """Look an order up."""
    return _ran("look_up", order)


def refund(order: str) -> str:
    """Give the money of an order back."""
    return _ran("refund", order)


def wipe(order: str) -> str:
    """Delete an order."""
    return _ran("wipe", order)


def tell(converse: Callable[[], Callable[[str], str]]) -> None:
    """Have all conversations, and print what the user read in each turn, or the error that ended it.

    Args:
        converse: begins a conversation; what it returns takes a turn of it.
    """
    for prompts in task().conversations:
        take_turn = converse()
        for prompt in prompts:
            try:
                turn = {"text": take_turn(prompt), "error": None}
            except Exception as error:  # noqa: BLE001 - the test reads what the client made of the gateway's answer
                turn = {"text": "", "error": f"{type(error).__name__}: {error}"}
            print(json.dumps(turn), flush=True)


def _ran(name: str, order: str) -> str:
    with Path("ran.txt").open("a") as file:
        file.write(f"{name} {order}\n")
    return f"{order} was done by {name}"
