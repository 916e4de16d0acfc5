"""`litellm-bighub serve`: the control plane over HTTP, with the inbox."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from litellm_bighub.cli.options import DatabaseUrl, errors_in_one_line, span
from litellm_bighub.domain.redaction import KEY_NAMES, Redactor


def serve(
    policy: Annotated[Path, typer.Option(help="the policy file")] = Path("bighub_policy.yaml"),
    database_url: DatabaseUrl = "",
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="the port to listen on, 0 for a free one", min=0, max=65535)] = 8765,
    keep: Annotated[
        str, typer.Option(help="remove what is older, as in 90d, in place of the policy's audit_keep_days")
    ] = "",
    trust_proxy: Annotated[
        list[str] | None, typer.Option(help="an address whose X-Forwarded-For and -Proto are believed")
    ] = None,
    redact: Annotated[list[str] | None, typer.Option(help="a regular expression of more secrets")] = None,
    redact_key: Annotated[list[str] | None, typer.Option(help="a name of more keys whose values are secret")] = None,
    wording: Annotated[
        Path | None, typer.Option(help="a YAML file of sentences of your own", envvar="LITELLM_BIGHUB_WORDING")
    ] = None,
) -> None:
    """Serve the control plane over HTTP, with the inbox. The first start makes a key for it and prints it once.

    Without a database's URL the state is in `bighub.db` beside the policy, where the gateway keeps it too.
    """
    from litellm_bighub.control_plane.server import serve_forever  # noqa: PLC0415 - slow to import

    with errors_in_one_line():
        serve_forever(
            policy,
            database_url,
            host=host,
            port=port,
            redact=Redactor(redact or (), (*KEY_NAMES, *(redact_key or ()))).redact,
            keep_days=span(keep) / span("1d") if keep else None,
            wording=wording or {},
            trust_proxies=trust_proxy or (),
            say=typer.echo,
        )
