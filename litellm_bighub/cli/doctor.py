"""`litellm-bighub doctor`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

_SHORTEST: Final = 4
"""Of a canary: a shorter text stands in an answer by chance."""


def doctor(
    config: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="The proxy's config. It is read, never changed.")
    ] = Path("proxy_config.yaml"),
    *,
    prove: Annotated[
        bool, typer.Option("--prove", help="Start the proxy on a scripted model and send canaries on every road.")
    ] = False,
    canary: Annotated[
        list[str] | None,
        typer.Option(help="A made-up text that your guardrails must catch, for patterns of your own; with --prove."),
    ] = None,
) -> None:
    """Explain a proxy's setup: what is on, what only looks so, and what is not covered.

    The exit code is 1 if something looks on and is off, and with `--prove` if one byte of a canary comes through. The
    proof needs no key and no network, uses a temporary database, and ends all that it started.
    """
    own = canary or []
    if own and not prove:
        raise typer.BadParameter("needs --prove", param_hint="--canary")
    if any(len(each.strip()) < _SHORTEST for each in own):
        raise typer.BadParameter(f"a text has at least {_SHORTEST} characters", param_hint="--canary")
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # read when litellm is imported: no network for this
    from rich.console import Console  # noqa: PLC0415 - what follows takes seconds to import

    try:
        from litellm_bighub.doctor.examination import examine  # noqa: PLC0415
    except Exception as error:  # a LiteLLM that we do not know may lack anything
        from litellm_bighub.gateway.setup.litellm_release import failed_import  # noqa: PLC0415

        failure = failed_import(error)
        if failure is None:
            raise
        raise failure from None
    from litellm_bighub.doctor.proxy_config import read_config  # noqa: PLC0415
    from litellm_bighub.doctor.report import print_examination, print_proof  # noqa: PLC0415

    console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120)
    read = read_config(config)
    examination = examine(read)
    print_examination(examination, console)
    healthy = examination.healthy
    if prove:
        from litellm_bighub.doctor.proof import prepared_proof  # noqa: PLC0415

        console.print(
            "Starting the real LiteLLM proxy; then canaries on every road: a minute or a few, by the machine..."
        )
        with prepared_proof(read, lambda _seconds: None, own) as carry_out:
            proof = carry_out()
        print_proof(proof, console)
        healthy = healthy and proof.holds
    elif healthy:
        console.print("Whether it holds on every road: litellm-bighub doctor --prove")
    if not healthy:
        raise typer.Exit(1)
