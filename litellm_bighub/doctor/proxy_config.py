"""A proxy's config as the doctor reads it, and the kind of each of its guardrails."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import yaml

from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class GuardrailEntry:
    """One guardrail of the config.

    Attributes:
        name: its `guardrail_name`.
        guardrail: what is built: a name of LiteLLM's, or `module.Class`.
        events: when it runs; tags are left aside.
        default_on: whether it runs without being asked for.
        params: its `litellm_params`; may hold keys.
    """

    name: str
    guardrail: str
    events: frozenset[str]
    default_on: bool
    params: JsonMapping = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    """A config with what it includes.

    Attributes:
        path: of the file.
        content: of the file, with the files that it includes.
    """

    path: Path
    content: JsonMapping = field(repr=False)

    @property
    def guardrails(self) -> list[GuardrailEntry]:
        """The guardrails, in their order."""
        return [_entry(each, index) for index, each in enumerate(_list(self.content, "guardrails"))]

    @property
    def models(self) -> list[str]:
        """The names of the models."""
        names = [each.get("model_name") for each in _list(self.content, "model_list") if isinstance(each, dict)]
        return [name for name in names if isinstance(name, str)]

    def section(self, name: str) -> JsonMapping:
        """`litellm_settings` and the like; empty if it is not there."""
        found = self.content.get(name)
        return found if isinstance(found, dict) else {}


def read_config(path: Path) -> ProxyConfig:
    """Read a proxy's config.

    Raises:
        ConfigurationError: it is no config.
    """
    content = _mapping(path)
    includes = content.get("include")
    for each in includes if isinstance(includes, list) else ():
        for key, value in _mapping(path.parent / str(each)).items():
            before = content.get(key)
            content[key] = [*before, *value] if isinstance(before, list) and isinstance(value, list) else value
    return ProxyConfig(path, content)


def _mapping(path: Path) -> JsonObject:
    try:
        content: Any = yaml.safe_load(path.read_text())
    except OSError as error:
        raise ConfigurationError(str(path), f"cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(path.name, f"is not valid YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(path.name, "is no mapping of settings")
    return dict(content)


def _list(content: JsonMapping, key: str) -> list[Any]:
    found = content.get(key)
    return found if isinstance(found, list) else []


def _entry(each: Any, index: int) -> GuardrailEntry:
    params = each.get("litellm_params") if isinstance(each, dict) else None
    if not isinstance(params, dict):
        raise ConfigurationError(f"guardrails[{index}]", "has no litellm_params")
    return GuardrailEntry(
        name=str(each.get("guardrail_name", "")),
        guardrail=str(params.get("guardrail", "")),
        events=frozenset(_events(params.get("mode"))),
        default_on=params.get("default_on") is True,
        params=params,
    )


def _events(mode: Any) -> list[str]:
    match mode:
        case str():
            return [mode]
        case list():
            return [event for each in mode for event in _events(each)]
        case dict():
            return [
                *_events(mode.get("default")),
                *(event for tag in (mode.get("tags") or {}).values() for event in _events(tag)),
            ]
        case _:
            return []


class GuardrailKind(Enum):
    """Whose guardrail it is, and for what."""

    CALLS = "tool calls"
    TEXTS = "texts"
    OTHER = "another guardrail"
    UNKNOWN = "cannot be imported"


def kind_of(entry: GuardrailEntry, folder: Path) -> GuardrailKind:
    """What LiteLLM would build for this entry. A class beside the config is imported, as LiteLLM does it."""
    from litellm_bighub.gateway.hooks.text_guardrail import TextGuardrail  # noqa: PLC0415 - imports LiteLLM: seconds
    from litellm_bighub.gateway.hooks.tool_guardrail import BighubGuardrail  # noqa: PLC0415

    module_name, _, name = entry.guardrail.rpartition(".")
    if not module_name:
        return GuardrailKind.OTHER
    with _importing_from(folder):
        try:
            found = getattr(importlib.import_module(module_name), name)
        except Exception:  # noqa: BLE001 - a user's module may raise anything while it is imported
            return GuardrailKind.UNKNOWN
    if not isinstance(found, type):
        return GuardrailKind.UNKNOWN
    if issubclass(found, BighubGuardrail):
        return GuardrailKind.CALLS
    return GuardrailKind.TEXTS if issubclass(found, TextGuardrail) else GuardrailKind.OTHER


@contextmanager
def _importing_from(folder: Path) -> Generator[None, None, None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
