"""`litellm-bighub serve`: the control plane over HTTP, with the inbox."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from litellm_bighub.cli.options import DatabaseUrl, errors_in_one_line, span
from litellm_bighub.cli.state_location import ConfigFile, PolicyOption, locate


def serve(
    config: ConfigFile = None,
    policy: PolicyOption = None,
    database_url: DatabaseUrl = "",
    settings: Annotated[
        Path | None, typer.Option(help="a YAML file of settings, in place of `bighub_serve.yaml` beside the policy")
    ] = None,
    host: Annotated[str | None, typer.Option(help="the address to listen on, 127.0.0.1 if nothing names one")] = None,
    port: Annotated[
        int | None,
        typer.Option(help="the port to listen on, 8765 if nothing names one; 0 for a free one", min=0, max=65535),
    ] = None,
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

    Policy and database are those of the gateway, as its config names them. Without either the state is in `bighub.db`
    beside the policy, where the gateway keeps it too. What no option says, `LITELLM_BIGHUB_SERVE_*` or the file of
    settings does.
    """
    from litellm_bighub.control_plane.serve_settings import read_serve_settings  # noqa: PLC0415 - slow to import
    from litellm_bighub.control_plane.server import serve_forever  # noqa: PLC0415 - slow to import
    from litellm_bighub.domain.redaction import KEY_NAMES, Redactor  # noqa: PLC0415

    with errors_in_one_line():
        location = locate(config, policy, database_url)
        location.tell()
        location.tell_if_new()
        guardrail = location.settings
        days = span(keep) / span("1d") if keep else None
        said = {"host": host, "port": port, "keep_days": days, "trust_proxy": trust_proxy or None}
        serves = read_serve_settings(settings, location.policy.parent)
        serve_forever(
            location.policy,
            location.url,
            settings=serves.model_copy(update={name: value for name, value in said.items() if value is not None}),
            redact=Redactor(
                (*(guardrail.redact if guardrail else ()), *(redact or ())),
                (*KEY_NAMES, *(guardrail.redact_keys if guardrail else ()), *(redact_key or ())),
            ).redact,
            wording=wording or (guardrail.wording if guardrail else {}),
            say=typer.echo,
        )
