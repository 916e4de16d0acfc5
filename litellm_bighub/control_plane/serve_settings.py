"""Reading the settings of `serve`: its file, and above it the environment. What is unknown stops the start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast, get_args

import yaml
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import SettingsError

from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.errors import ConfigurationError, did_you_mean
from litellm_bighub.settings import SERVE_PREFIX, OidcSettings, ServeSettings, SlackSettings, SmtpSettings, resolved

FILE: Final = "bighub_serve.yaml"
_SECTIONS: Final[Mapping[str, type[BaseModel]]] = {"oidc": OidcSettings, "slack": SlackSettings, "smtp": SmtpSettings}
"""Settings of settings; their secrets stand in the environment alone."""


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
        names, asked = (_SECTIONS[outer].model_fields, inner) if nested and outer in _SECTIONS else (known, name)
        if asked not in names:
            raise ConfigurationError(variable, f"is no setting{did_you_mean(asked, names)}")
    found = path or (beside / FILE if (beside / FILE).is_file() else None)
    given = {} if found is None else _read(found)
    for name in given:
        if name not in known:
            raise ConfigurationError(f"{FILE}.{name}", f"is no setting{did_you_mean(name, known)}")
    named = _without_environment(given, SERVE_PREFIX)
    for section in _SECTIONS:
        if isinstance(within := named.get(section), Mapping):
            named[section] = _without_environment(within, f"{SERVE_PREFIX}{section.upper()}__")
    try:
        return ServeSettings(**named)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise ConfigurationError(".".join(["serve", *map(str, first["loc"])]), first["msg"]) from error
    except SettingsError as error:  # a list in the environment that is no JSON
        raise ConfigurationError("serve", " ".join(str(error).split())) from error


def _without_environment(given: JsonMapping, prefix: str) -> JsonObject:
    return {name: value for name, value in given.items() if prefix + name.upper() not in os.environ}


def _secrets(section: type[BaseModel]) -> list[str]:
    fields = section.model_fields.items()
    return [name for name, field in fields if SecretStr in {field.annotation, *get_args(field.annotation)}]


def _read(path: Path) -> JsonObject:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(str(path), f"cannot be read: {type(error).__name__}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(str(path), "is no mapping of settings")
    given = cast("JsonObject", content)
    for section, model in _SECTIONS.items():
        within = given.get(section)
        for secret in _secrets(model) if isinstance(within, dict) else ():
            value = cast("JsonObject", within).get(secret)
            if value is not None and not str(value).startswith("os.environ/"):
                variable = f"{SERVE_PREFIX}{section}__{secret}".upper()
                raise ConfigurationError(
                    f"{FILE}.{section}.{secret}", f"is read from the environment alone: {variable}"
                )
    return {str(name): resolved(f"{FILE}.{name}", value) for name, value in given.items()}
