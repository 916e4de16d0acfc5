"""Reading the settings of `serve`: its file, and above it the environment. What is unknown stops the start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

import yaml
from pydantic import ValidationError
from pydantic_settings import SettingsError

from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.errors import ConfigurationError, did_you_mean
from litellm_bighub.settings import SERVE_PREFIX, OidcSettings, ServeSettings, resolved

FILE: Final = "bighub_serve.yaml"


def read_serve_settings(path: Path | None, beside: Path) -> ServeSettings:
    """The settings.

    Args:
        path: of the file; `None` for the one beside the policy, if there is one.
        beside: the folder of the policy.

    Raises:
        ConfigurationError: one of them cannot be used.
    """
    known = ServeSettings.model_fields
    for variable in sorted(os.environ):
        name = variable.removeprefix(SERVE_PREFIX).lower()
        if not variable.startswith(SERVE_PREFIX):
            continue
        outer, nested, inner = name.partition("__")
        names, asked = (OidcSettings.model_fields, inner) if nested and outer == "oidc" else (known, name)
        if asked not in names:
            raise ConfigurationError(variable, f"is no setting{did_you_mean(asked, names)}")
    found = path or (beside / FILE if (beside / FILE).is_file() else None)
    given = {} if found is None else _read(found)
    for name in given:
        if name not in known:
            raise ConfigurationError(f"{FILE}.{name}", f"is no setting{did_you_mean(name, known)}")
    named = _without_environment(given, SERVE_PREFIX)
    if isinstance(oidc := named.get("oidc"), Mapping):
        named["oidc"] = _without_environment(oidc, f"{SERVE_PREFIX}OIDC__")
    try:
        return ServeSettings(**named)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise ConfigurationError(".".join(["serve", *map(str, first["loc"])]), first["msg"]) from error
    except SettingsError as error:  # a list in the environment that is no JSON
        raise ConfigurationError("serve", " ".join(str(error).split())) from error


def _without_environment(given: JsonMapping, prefix: str) -> JsonObject:
    return {name: value for name, value in given.items() if prefix + name.upper() not in os.environ}


def _read(path: Path) -> JsonObject:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(str(path), f"cannot be read: {type(error).__name__}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(str(path), "is no mapping of settings")
    given = cast("JsonObject", content)
    oidc = given.get("oidc")
    secret = cast("JsonObject", oidc).get("client_secret") if isinstance(oidc, dict) else None
    if secret is not None and not str(secret).startswith("os.environ/"):
        raise ConfigurationError(
            f"{FILE}.oidc.client_secret", f"is read from the environment alone: {SERVE_PREFIX}OIDC__CLIENT_SECRET"
        )
    return {str(name): resolved(f"{FILE}.{name}", value) for name, value in given.items()}
