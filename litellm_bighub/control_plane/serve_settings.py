"""Reading the settings of `serve`: its file, and above it the environment. What is unknown stops the start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, cast

import yaml
from pydantic import ValidationError
from pydantic_settings import SettingsError

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import ConfigurationError, did_you_mean
from litellm_bighub.settings import SERVE_PREFIX, ServeSettings, resolved

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
        if variable.startswith(SERVE_PREFIX) and name not in known:
            raise ConfigurationError(variable, f"is no setting{did_you_mean(name, known)}")
    found = path or (beside / FILE if (beside / FILE).is_file() else None)
    given = {} if found is None else _read(found)
    for name in given:
        if name not in known:
            raise ConfigurationError(f"{FILE}.{name}", f"is no setting{did_you_mean(name, known)}")
    named = {name: value for name, value in given.items() if SERVE_PREFIX + name.upper() not in os.environ}
    try:
        return ServeSettings(**named)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise ConfigurationError(".".join(["serve", *map(str, first["loc"])]), first["msg"]) from error
    except SettingsError as error:  # a list in the environment that is no JSON
        raise ConfigurationError("serve", " ".join(str(error).split())) from error


def _read(path: Path) -> JsonObject:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(str(path), f"cannot be read: {type(error).__name__}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(str(path), "is no mapping of settings")
    given = cast("JsonObject", content)
    return {str(name): resolved(f"{FILE}.{name}", value) for name, value in given.items()}
