"""The run of the demo: one scripted upstream, one real proxy with its config, one official client."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import openai

from litellm_bighub.demo.exchange import DemoClient, Exchange, Mode, ask_agent
from litellm_bighub.demo.promises import PROMISES, BrokenPromiseError, Promise
from litellm_bighub.errors import BighubError, ConfigurationError
from litellm_bighub.testing import Output, Pace, RunningProxy, ScriptedUpstream, running_proxy

PACE = Pace(delta_size=8, delay_seconds=0.02)
"""How the upstream streams: slowly enough that text which waits for a decision would show in the figures."""

_NAME = "proxy_config.yaml"
_POLICY = "bighub_policy.yaml"
_PACKAGED = Path(__file__).parent / "config"  # where a wheel carries the repository's files
_REPOSITORY = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Kept:
    """The promise was kept, and this proves it."""

    proof: str
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Broken:
    """The promise was not kept."""

    problem: str


Outcome = Kept | Broken


@contextmanager
def open_client(
    config: Path, on_progress: Callable[[float], None]
) -> Generator[tuple[DemoClient, RunningProxy], None, None]:
    """Start upstream and proxy, and end both."""
    with (
        ScriptedUpstream() as upstream,
        running_proxy(config, env={"UPSTREAM_BASE_URL": upstream.base_url}, on_progress=on_progress) as proxy,
        openai.DefaultHttpxClient(trust_env=False) as http,
    ):
        client = openai.OpenAI(base_url=proxy.openai_url, api_key=proxy.master_key, max_retries=0, http_client=http)
        yield DemoClient(client, upstream), proxy


def check_promises(client: DemoClient, policy: Path) -> Iterator[tuple[Promise, dict[Mode, Outcome]]]:
    """Ask each promise in each of its modes. One exchange of either kind goes before, unmeasured, to warm up.

    Args:
        client: to the model.
        policy: the proxy's, which the agent in code goes by too.
    """
    _attempt(client, policy, PROMISES[0])
    for promise in PROMISES:
        yield promise, _attempt(client, policy, promise)


def _attempt(client: DemoClient, policy: Path, promise: Promise) -> dict[Mode, Outcome]:
    return {mode: _outcome(client, policy, promise, mode) for mode in promise.modes}


def _outcome(client: DemoClient, policy: Path, promise: Promise, mode: Mode) -> Outcome:
    answers = [Output(items, pace=PACE) for items in (promise.answer, promise.later) if items]
    client.upstream.script(promise.cue or promise.prompt, *answers)
    try:
        if promise.asks == "agent":
            exchange = ask_agent(client.upstream, policy, promise.prompt, mode)
        else:
            exchange = client.ask(promise.prompt, mode)
        return Kept(promise.check(exchange), exchange)
    except BrokenPromiseError as broken:
        return Broken(str(broken))
    except (openai.OpenAIError, httpx.HTTPError, BighubError) as error:
        return Broken(f"{type(error).__name__}: {error}")


def proxy_config() -> Path:
    """The repository's own config; in an installed package its copy. The policy is in the same folder."""
    for folder in (_PACKAGED, _REPOSITORY):
        if (folder / _NAME).is_file():
            return folder / _NAME
    raise ConfigurationError("--config", f"{_NAME} was not found, neither packaged nor in the repository")


@contextmanager
def copied_config(config: Path) -> Generator[tuple[Path, Path], None, None]:
    """Copies of the config and its policy in a temporary folder, which is removed at the end with all state."""
    with tempfile.TemporaryDirectory(prefix="litellm-bighub-") as name:
        folder = Path(name)
        copy = Path(shutil.copy(config, folder / _NAME))
        policy = config.parent / _POLICY
        yield copy, Path(shutil.copy(policy, folder / _POLICY)) if policy.is_file() else folder / _POLICY
