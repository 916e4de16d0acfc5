"""How each client is started, and what it made of its turns."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.environment import HERE, MODULES, PYTHON, without_proxies
from litellm_bighub.testing import Item, RunningProxy, function_call

LONGEST_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Turn:
    """What the user of a client sees of a turn: its text, or its error."""

    text: str
    error: str | None


Conversation = Sequence[str]
"""What a user says in it, one prompt a turn."""

TakeTurns = Callable[[RunningProxy, Path, Sequence[Conversation]], list[Turn]]


@dataclass(frozen=True, slots=True)
class Client:
    """A client of somebody else.

    Attributes:
        name: in the test's id.
        model: what it asks the gateway for.
        take_turns: takes the turns of all conversations in a folder, where its tools write to `ran.txt`.
        call: what the model answers to have the client do this to an order.
        falls_back: after an error in a stream it may ask once more, for a whole answer.
    """

    name: str
    model: str
    take_turns: TakeTurns
    call: Callable[[str, str], Item]
    falls_back: bool = False


def library(name: str, api: str, *, stream: bool, **more: bool) -> Client:
    """A library, in a small program that gives it tools.

    Args:
        name: the program's.
        api: the format that it sends.
        stream: whether it asks for streams.
        **more: what else its task says.
    """
    program = HERE / "programs" / name
    interpreter = "node" if program.suffix == ".mjs" else str(PYTHON)
    model = "claude" if api == "messages" else "gpt-4.1"

    def take_turns(proxy: RunningProxy, folder: Path, conversations: Sequence[Conversation]) -> list[Turn]:
        task = {"url": proxy.base_url, "key": proxy.master_key, "format": api, "model": model, "stream": stream, **more}
        if program.suffix == ".mjs":  # it finds its packages from where it lies
            (folder / "node_modules").symlink_to(MODULES)
            here = folder / program.name
            here.write_text(program.read_text())
        else:
            here = program
        told = _run([interpreter, str(here), json.dumps({**task, "conversations": conversations})], folder, {})
        if told.returncode:
            raise RuntimeError(f"{program.name} ended with {told.returncode}: {told.stderr}")
        return [Turn(**line) for line in _json_lines(told.stdout)]

    plain = program.stem.removeprefix("with_")
    return Client(f"{plain}-{api}-{'streamed' if stream else 'whole'}", model, take_turns, _tool_call)


def codex() -> Client:
    """Codex CLI, one process a turn; the second one resumes the session of the first."""

    def take_turns(proxy: RunningProxy, folder: Path, conversations: Sequence[Conversation]) -> list[Turn]:
        home = folder / ".codex"
        home.mkdir()
        (home / "config.toml").write_text(
            'model = "gpt-4.1"\nmodel_provider = "gateway"\napproval_policy = "never"\n'
            'sandbox_mode = "danger-full-access"\n[model_providers.gateway]\nname = "gateway"\n'
            f'base_url = "{proxy.openai_url}"\nwire_api = "responses"\nenv_key = "GATEWAY_KEY"\n'
        )
        env = {"CODEX_HOME": str(home), "GATEWAY_KEY": proxy.master_key}
        binary = str(MODULES / ".bin" / "codex")
        turns: list[Turn] = []
        for prompts in conversations:
            for number, prompt in enumerate(prompts):
                resumed = ["resume", "--last"] if number else []
                told = _run([binary, "exec", *resumed, "--json", "--skip-git-repo-check", prompt], folder, env)
                turns.append(_codex_turn(told))
        return turns

    return Client("codex", "gpt-4.1", take_turns, _codex_call)


def claude_code(model: str = "claude") -> Client:
    """Claude Code, one process a turn; the second one continues the session of the first."""

    def take_turns(proxy: RunningProxy, folder: Path, conversations: Sequence[Conversation]) -> list[Turn]:
        env = {
            "ANTHROPIC_BASE_URL": proxy.base_url,
            "ANTHROPIC_AUTH_TOKEN": proxy.master_key,
            "ANTHROPIC_MODEL": model,
            "ANTHROPIC_SMALL_FAST_MODEL": model,
            "CLAUDE_CONFIG_DIR": str(folder / ".claude"),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "IS_SANDBOX": "1",
        }
        binary = str(MODULES / ".bin" / "claude")
        turns: list[Turn] = []
        for prompts in conversations:
            for number, prompt in enumerate(prompts):
                continued = ["--continue"] if number else []
                options = ["--output-format", "json", "--allowedTools", "Bash", *continued]
                turns.append(_claude_turn(_run([binary, "-p", prompt, *options], folder, env)))
        return turns

    return Client("claude_code", model, take_turns, _claude_call, falls_back=True)


def _tool_call(tool: str, order: str) -> Item:
    return function_call(tool, {"order": order})


def _codex_call(tool: str, order: str) -> Item:
    return function_call("exec_command", {"cmd": f"echo {tool} {order} >> ran.txt; echo {order} was done by {tool}"})


def _claude_call(tool: str, order: str) -> Item:
    command = f"echo {tool} {order} >> ran.txt; echo {order} was done by {tool}"
    return function_call("Bash", {"command": command, "description": "does it"})


def _codex_turn(told: subprocess.CompletedProcess[str]) -> Turn:
    texts: list[str] = []
    errors: list[str] = []
    for event in _json_lines(told.stdout):
        item: dict[str, Any] = event.get("item") or {}
        if event.get("type") == "item.completed" and item.get("type") == "agent_message":
            texts.append(str(item["text"]))
        if event.get("type") in {"error", "turn.failed"}:
            errors.append(json.dumps(event))
    if told.returncode and not errors:
        errors.append(told.stderr)
    return Turn("\n".join(texts), "\n".join(errors) or None)


def _claude_turn(told: subprocess.CompletedProcess[str]) -> Turn:
    answers = _json_lines(told.stdout)
    if not answers:
        return Turn("", told.stderr + told.stdout)
    said = str(answers[-1].get("result", ""))
    return Turn("", said) if answers[-1].get("is_error") else Turn(said, None)


def _run(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    given = {**without_proxies(), "HOME": str(folder), **env}
    return subprocess.run(
        command,
        check=False,
        cwd=folder,
        env=given,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
    )


def _json_lines(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


CLIENTS = [
    codex(),
    claude_code(),
    *(
        library(name, api, stream=stream)
        for name, apis in {
            "with_openai_agents.py": ["responses", "chat"],
            "with_ai_sdk.mjs": ["responses", "chat", "messages"],
            "with_langchain.py": ["responses", "chat", "messages"],
            "with_langgraph.py": ["responses", "chat", "messages"],
            "with_pydantic_ai.py": ["responses", "chat", "messages"],
        }.items()
        for api in apis
        for stream in (False, True)
    ),
]
