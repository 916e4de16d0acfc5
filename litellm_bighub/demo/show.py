"""The demo's output: a line while the proxy starts, one row a promise, and the inbox if it is asked for."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic

import uvicorn
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from litellm_bighub.control_plane.decisions.embedded_decider import DATABASE
from litellm_bighub.control_plane.http.api_keys import first_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.demo.exchange import DemoClient, Mode
from litellm_bighub.demo.promises import Promise
from litellm_bighub.demo.run import Broken, Kept, Outcome, check_promises, copied_config, open_client
from litellm_bighub.testing import RunningProxy

_MODES: tuple[Mode, ...] = ("whole", "streamed")
Result = tuple[Promise, Mapping[Mode, Outcome]]
_CAPTION = "first text: when the first text of a stream came, of the stream's whole time"
_QUIET_SECONDS = 5  # between two progress lines where a line cannot be rewritten


def show(config: Path, console: Console, *, inbox: bool = False) -> bool:
    """Run the demo and print it. Returns whether every promise was kept.

    Args:
        config: the proxy's config; the proxy runs in a temporary folder with copies of it and of its policy.
        console: where to print.
        inbox: leave everything running, with a call waiting in the inbox, until Ctrl-C.
    """
    began = monotonic()
    with copied_config(config) as (copy, policy), _starting(console, copy) as (client, proxy):
        console.print(f"The proxy answers after {proxy.start_seconds:.1f} s. Asking it with openai's official client.")
        kept = report(list(check_promises(client, policy)), console)
        if inbox:
            _leave_running(console, proxy, policy)
    console.print(f"Proxy and model have ended; all of it took {monotonic() - began:.0f} s.")
    if not inbox:
        console.print("To see the call that waits, and answer it: litellm-bighub demo --inbox (here: make inbox)")
    return kept


@contextmanager
def _starting(console: Console, config: Path) -> Generator[tuple[DemoClient, RunningProxy], None, None]:
    with _progress(console) as on_progress, ExitStack() as stack:
        opened = stack.enter_context(open_client(config, on_progress))
        running = stack.pop_all()
    with running:
        yield opened


def _leave_running(console: Console, proxy: RunningProxy, policy: Path) -> None:
    with open_inbox(policy) as inbox:
        console.print()
        console.print(f"Everything goes on running. The refund of 900 waits in the inbox: {inbox.url}", soft_wrap=True)
        console.print(f"  log in with the key   {inbox.key}", soft_wrap=True)
        console.print(f"  the proxy             {proxy.openai_url}  (key {proxy.master_key})", soft_wrap=True)
        console.print("Ctrl-C ends it all.")
        with suppress(KeyboardInterrupt):
            Event().wait()


def report(results: Sequence[Result], console: Console) -> bool:
    """Print the outcomes. Returns whether every promise was kept."""
    console.print(_table(results))
    broken = [
        f"{promise.title}, {mode}: {outcome.problem}"
        for promise, outcomes in results
        for mode, outcome in outcomes.items()
        if isinstance(outcome, Broken)
    ]
    for problem in broken:
        console.print(Text(f"BROKEN {problem}", style="bold red"))
    checks = sum(len(outcomes) for _, outcomes in results)
    console.print(f"{checks - len(broken)} of {checks} checks are as promised.")
    return not broken


def _table(results: Sequence[Result]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), caption=_CAPTION, caption_justify="left")
    table.add_column("promise", ratio=4)
    table.add_column("what proves it", ratio=7, overflow="fold")
    for mode in _MODES:
        table.add_column(mode, no_wrap=True)
    table.add_column("first text", justify="right", no_wrap=True)
    for promise, outcomes in results:
        table.add_row(
            promise.title, Text(_proof(outcomes)), *(_mark(outcomes.get(mode)) for mode in _MODES), _timing(outcomes)
        )
    return table


def _proof(outcomes: Mapping[Mode, Outcome]) -> str:
    """What proves it; a stream proves the same as the whole answer, so it is shown once."""
    return next((outcome.proof for outcome in outcomes.values() if isinstance(outcome, Kept)), "")


def _mark(outcome: Outcome | None) -> Text:
    match outcome:
        case None:
            return Text("not yet", style="dim")
        case Kept():
            return Text("kept", style="green")
        case Broken():
            return Text("BROKEN", style="bold red")


def _timing(outcomes: Mapping[Mode, Outcome]) -> str:
    match outcomes.get("streamed"):
        case Kept(exchange=exchange) if exchange.first_text_seconds is not None:
            return f"{exchange.first_text_seconds * 1000:.0f} of {exchange.seconds * 1000:.0f} ms"
        case _:
            return ""


@contextmanager
def _progress(console: Console) -> Generator[Callable[[float], None], None, None]:
    """A rewritten line on a terminal, a few lines elsewhere."""
    message = "Starting the real LiteLLM proxy"
    if not console.is_terminal:
        console.print(f"{message}...")
        yield lambda seconds: console.print(f"  {seconds:.0f} s") if seconds % _QUIET_SECONDS < 1 else None
        return
    with console.status(f"{message}...") as status:
        yield lambda seconds: status.update(f"{message}... {seconds:.0f} s")


@dataclass(frozen=True, slots=True)
class OpenInbox:
    """An inbox that answers.

    Attributes:
        url: for a browser.
        key: to log in with.
    """

    url: str
    key: str


@contextmanager
def open_inbox(policy: Path) -> Generator[OpenInbox, None, None]:
    """Serve the inbox on a free loopback port, on the state that the gateway keeps in the policy's folder."""
    plane = ControlPlane.open(sqlite_url(policy.parent / DATABASE), policy)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(plane), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        try:
            key = asyncio.run(first_key(plane))
            thread.start()
            yield OpenInbox(f"http://127.0.0.1:{listener.getsockname()[1]}/inbox", key or "")
        finally:
            server.should_exit = True
            if thread.ident is not None:
                thread.join(timeout=10)
            plane.close()
