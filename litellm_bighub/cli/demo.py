"""`litellm-bighub demo`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer


def demo(
    config: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The proxy config to run, in place of the one of this package."),
    ] = None,
    *,
    inbox: Annotated[
        bool, typer.Option("--inbox", help="Then leave all of it running, with a call waiting in the inbox.")
    ] = False,
) -> None:
    """Start a scripted model and the real proxy on this machine, and show every promise being kept.

    Needs no key and no network. Ends everything it started; the exit code is 1 if a promise was not kept.
    """
    from rich.console import Console  # noqa: PLC0415 - the proxy's and client's libraries take a second to import

    from litellm_bighub.demo.run import proxy_config  # noqa: PLC0415
    from litellm_bighub.demo.show import show  # noqa: PLC0415

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 100
    if not show(config or proxy_config(), Console(width=width), inbox=inbox):
        raise typer.Exit(1)
