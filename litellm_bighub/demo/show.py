"""Showing the demo: a line while the proxy starts, then one row a promise."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from litellm_bighub.demo.exchange import Mode
from litellm_bighub.demo.promises import Promise
from litellm_bighub.demo.run import Broken, Kept, Outcome, carry_out, open_line

_MODES: tuple[Mode, ...] = ("whole", "streamed")
Result = tuple[Promise, Mapping[Mode, Outcome]]
_CAPTION = "first text: when the first text of a stream came, of the stream's whole time"
_QUIET_SECONDS = 5  # between two progress lines where a line cannot be rewritten


def show(config: Path, console: Console) -> bool:
    """Run the demo and print it. Returns whether every promise was kept."""
    began = monotonic()
    with _progress(console) as on_progress, open_line(config, on_progress) as (line, proxy):
        console.print(f"The proxy answers after {proxy.start_seconds:.1f} s. Asking it with openai's official client.")
        results = list(carry_out(line))
    kept = report(results, console)
    console.print(f"Proxy and model have ended; all of it took {monotonic() - began:.0f} s.")
    return kept


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
    """What proves it; a stream proves the same as the whole answer, so it is told once."""
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
    message = "Starting the real LiteLLM proxy (about 20 s)"
    if not console.is_terminal:
        console.print(f"{message}...")
        yield lambda seconds: console.print(f"  {seconds:.0f} s") if seconds % _QUIET_SECONDS < 1 else None
        return
    with console.status(f"{message}...") as status:
        yield lambda seconds: status.update(f"{message}... {seconds:.0f} s")
