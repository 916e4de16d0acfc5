"""Reading the settings of `serve`: its file, and above it the environment. What is unknown stops the start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError

from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.errors import ConfigurationError, did_you_mean
from litellm_bighub.settings import SERVE_PREFIX, OidcSettings, ServeSettings, SmtpSettings, resolved

FILE: Final = "bighub_serve.yaml"
_NESTED: Final[Mapping[str, type[BaseModel]]] = {"oidc": OidcSettings, "smtp": SmtpSettings}
_SECRETS: Final = (("oidc", "client_secret"), ("smtp", "password"))


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
        names, asked = (_NESTED[outer].model_fields, inner) if nested and outer in _NESTED else (known, name)
        if asked not in names:
            raise ConfigurationError(variable, f"is no setting{did_you_mean(asked, names)}")
    found = path or (beside / FILE if (beside / FILE).is_file() else None)
    given = {} if found is None else _read(found)
    for name in given:
        if name not in known:
            raise ConfigurationError(f"{FILE}.{name}", f"is no setting{did_you_mean(name, known)}")
    named = _without_environment(given, SERVE_PREFIX)
    for name in _NESTED:
        if isinstance(settings := named.get(name), Mapping):
            named[name] = _without_environment(settings, f"{SERVE_PREFIX}{name.upper()}__")
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
    for name, field in _SECRETS:
        settings = given.get(name)
        secret = cast("JsonObject", settings).get(field) if isinstance(settings, dict) else None
        if secret is not None and not str(secret).startswith("os.environ/"):
            variable = f"{SERVE_PREFIX}{name}__{field}".upper()
            raise ConfigurationError(f"{FILE}.{name}.{field}", f"is read from the environment alone: {variable}")
    return {str(name): resolved(f"{FILE}.{name}", value) for name, value in given.items()}
