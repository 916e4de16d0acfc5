"""Writes the pages of the reference out of the code: settings, policy, metrics, events, CLI, HTTP API, Python names.

The pages are made by each build and stand in no commit, so they are never out of date.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import types
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin

import typer
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import litellm_bighub
from litellm_bighub import testing
from litellm_bighub.cli.app import app as command_line
from litellm_bighub.control_plane.http import app as http_app, auth, metrics as audit_metrics, webhooks
from litellm_bighub.control_plane.http.sdk_extras import hosted_only
from litellm_bighub.control_plane.people.roles import MEANINGS, SCOPES
from litellm_bighub.domain.event import CallOutcome, DecisionEvent, OptOut, UnapprovedResult
from litellm_bighub.policy.example_text import CallerText, CallText
from litellm_bighub.policy.parts.call_parts import ToolParts
from litellm_bighub.policy.policy_text import PolicyText, RuleText
from litellm_bighub.settings import (
    SERVE_PREFIX,
    GuardrailSettings,
    OidcSettings,
    SealingSettings,
    ServeSettings,
    ServiceSettings,
    SlackSettings,
    SmtpSettings,
    TextGuardrailSettings,
    ToolSettings,
)
from litellm_bighub.telemetry.prometheus import PrometheusInstruments

_SECTION: Final = re.compile(r"^(Args|Attributes|Returns|Raises|Yields):$", re.MULTILINE)
_UNION: Final = {Union, types.UnionType}


def write(folder: Path) -> None:
    """Write all pages, and touch only those that changed."""
    folder.mkdir(exist_ok=True)
    for name, text in pages().items():
        page = folder / f"{name}.md"
        if not page.exists() or page.read_text() != text:
            page.write_text(text)


def pages() -> dict[str, str]:
    """Each page's text, by its name."""
    made = {
        "settings": _settings,
        "policy": _policy,
        "metrics": _metrics,
        "events": _events,
        "cli": _cli,
        "http": _http,
        "python": _python,
    }
    return {name: "\n".join(lines()).rstrip() + "\n" for name, lines in made.items()}


def _settings() -> Iterator[str]:
    yield from ("# Settings", "")
    yield (
        "A setting is a key under `litellm_params` of the guardrail in the proxy's config, or an argument of the class."
    )
    yield "Where neither names it, the environment variable does. `os.environ/NAME` takes a value from a variable.\n"
    parts: tuple[tuple[str, type[BaseModel], str], ...] = (
        ("`BighubGuardrail`", GuardrailSettings, "LITELLM_BIGHUB_"),
        ("`service`: the hosted BIGHUB", ServiceSettings, "LITELLM_BIGHUB_SERVICE__"),
        ("`tools`: what the plugin knows of a tool", ToolSettings, ""),
        ("`TextGuardrail`", TextGuardrailSettings, "LITELLM_BIGHUB_TEXT_"),
        ("Keys that seal, of gateways and `serve`: in the environment alone", SealingSettings, "LITELLM_BIGHUB_"),
        ("`litellm-bighub serve`, in `bighub_serve.yaml`", ServeSettings, SERVE_PREFIX),
        ("`oidc`: logging in at an identity provider", OidcSettings, f"{SERVE_PREFIX}OIDC__"),
        ("`smtp`: mail of calls that wait", SmtpSettings, f"{SERVE_PREFIX}SMTP__"),
        ("`slack`: answers in Slack", SlackSettings, f"{SERVE_PREFIX}SLACK__"),
    )
    for title, model, prefix in parts:
        yield from (f"## {title}", "", *_fields(model, prefix), "")


def _policy() -> Iterator[str]:
    yield from ("# Policy fields", "", "What a policy file may hold. An unknown field is an error.", "")
    yield from ("## The file", "", *_fields(PolicyText), "")
    yield from ("## A rule", "", *_fields(RuleText), "")
    yield from ("## A tool", "", "An entry of `tools`, by the tool's name or a pattern.", "", *_fields(ToolParts))
    yield from ("", "## An example", "", "A text alone is its `command`.", "", *_fields(CallText), "")
    yield from ("## The caller of an example", "", *_fields(CallerText))


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    variable = " environment |" if prefix else ""
    yield f"| field | type | default | what it does |{variable}"
    yield "|---|---|---|---|" + ("---|" if prefix else "")
    for name, field in model.model_fields.items():
        told = f"| `{name}` | {_cell(_kind(field.annotation))}{_bounds(field)} | {_default(field)} "
        told += f"| {_cell(field.description or '')} |"
        yield told + (f" `{prefix}{name.upper()}` |" if prefix else "")


def _kind(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if origin in _UNION:
        return " or ".join(_kind(each) for each in get_args(annotation) if each is not type(None))
    if origin in {list, tuple}:
        return f"list of {_kind(get_args(annotation)[0])}"
    if origin is dict:
        return f"mapping to {_kind(get_args(annotation)[1])}" if get_args(annotation)[1] is not object else "mapping"
    if hasattr(annotation, "__metadata__"):
        return _kind(annotation.__origin__)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{each.value}`" for each in annotation)
    names = {str: "text", Path: "path", SecretStr: "text, secret", bool: "true or false", int: "integer"}
    names |= {float: "number"}
    if annotation in names:
        return names[annotation]
    return "`" + getattr(annotation, "__name__", str(annotation).rsplit(".", maxsplit=1)[-1]) + "`"


def _bounds(field: FieldInfo) -> str:
    signs = {"ge": "≥", "gt": "> ", "le": "≤", "lt": "< "}
    found = [
        f"{sign} {getattr(each, name)}".replace("  ", " ")
        for name, sign in signs.items()
        for each in _constraints(field)
        if getattr(each, name, None) is not None
    ]
    return f" ({', '.join(found)})" if found else ""


def _constraints(field: FieldInfo) -> Iterator[Any]:
    yield from field.metadata
    for part in get_args(field.annotation):
        for each in getattr(part, "__metadata__", ()):
            yield from each.metadata if isinstance(each, FieldInfo) else (each,)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value in (None, {}, [], "", PydanticUndefined) or isinstance(value, BaseModel):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _metrics() -> Iterator[str]:
    yield from ("# Metrics", "", "## The gateway", "")
    yield "LiteLLM's `/metrics` shows them with `litellm_settings: {callbacks: [prometheus]}`. The same goes to"
    yield "OpenTelemetry's global providers. No metric holds an argument.\n"
    registry = CollectorRegistry()
    PrometheusInstruments(registry)
    yield from ("| metric | type | labels | what it tells |", "|---|---|---|---|")
    for collector in dict.fromkeys(registry._collector_to_names):  # noqa: SLF001 - a family does not tell its labels
        labels = ", ".join(f"`{each}`" for each in getattr(collector, "_labelnames", ()))
        for family in collector.collect():
            name = family.name + ("_total" if family.type == "counter" else "")
            yield f"| `{name}` | {family.type} | {labels} | {_cell(family.documentation)} |"
    yield from ("", "## The control plane", "", "`litellm-bighub serve` answers `/metrics` to a key that may read.", "")
    yield from ("| metric | type | labels | what it tells |", "|---|---|---|---|")
    counted = audit_metrics.AuditCounts((("tool", "allowed", 1),), 1, (("sent", 1),), 1)
    for family in audit_metrics._AuditCollector(counted).collect():  # noqa: SLF001 - what its route renders
        labels = ", ".join(f"`{each}`" for each in family.samples[0].labels)
        yield f"| `{family.name}` | {family.type} | {labels} | {_cell(family.documentation)} |"


def _events() -> Iterator[str]:
    yield from ("# Events", "", "## Of the gateway", "")
    yield "What the setting `audit_file` gets, one JSON object a line. `on_decision` gets each `DecisionEvent`.\n"
    for record in (DecisionEvent, UnapprovedResult, CallOutcome, OptOut):
        yield from (f"### `{record.__name__}`", "", *_docstring(record, str(record.__doc__)), "")
        yield from ("| field | type |", "|---|---|")
        for name, annotation in record.__annotations__.items():
            yield f"| `{name}` | `{_cell(str(annotation))}` |"
        yield ""
    yield from ("## Of the control plane", "")
    yield "The events of the audit's chain, each of which a webhook may be sent.\n"
    yield from (f"- `{name}`" for name in webhooks.EVENTS)


def _cli() -> Iterator[str]:
    yield from ("# Command line", "")
    yield from _command(typer.main.get_command(command_line), "litellm-bighub")


def _command(command: Any, name: str) -> Iterator[str]:
    for inner, child in getattr(command, "commands", {}).items():
        if child.hidden:
            continue
        full = f"{name} {inner}"
        if hasattr(child, "commands"):
            yield from _command(child, full)
            continue
        yield from (f"## {full}", "", inspect.cleandoc(child.help or ""), "")
        rows = [_parameter(each) for each in child.params if getattr(each, "help", None)]
        if rows:
            yield from ("| option | default | what it does |", "|---|---|---|", *rows, "")


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = f"`{parameter.name}`"
    else:
        name = ", ".join(f"`{each}`" for each in (*parameter.opts, *parameter.secondary_opts))
    given = parameter.default if not callable(parameter.default) else None
    default = "required" if parameter.required else "" if given in (None, False, (), [], "") else f"`{given}`"
    variable = f" (`{parameter.envvar}`)" if parameter.envvar else ""
    return f"| {name} | {default} | {_cell(str(parameter.help))}{variable} |"


def _http() -> Iterator[str]:
    yield from ("# HTTP API", "")
    yield "The API of `litellm-bighub serve`. A key is sent as `X-API-Key` or as a bearer token. A key needs"
    yield "*one* of the scopes that an operation names. `GET /openapi.json` gives bodies and answers as a schema, and"
    yield "`GET /docs` shows them. These need no key, nor do `GET /health/live` and `GET /health/ready`, which"
    yield "answers 503 while the database cannot be read.\n"
    yield from ("| scope | lets a key |", "|---|---|", *(f"| `{scope}` | {MEANINGS[scope]} |" for scope in SCOPES), "")
    for router in (*http_app.PRODUCT, *http_app.SDK_EXTRAS):
        title = router.__name__.rsplit(".", maxsplit=1)[-1].replace("_", " ")
        yield from (f"## {title}", "", "| operation | scopes | what it does |", "|---|---|---|")
        for route in router.router.routes:
            if isinstance(route, APIRoute):
                methods = ", ".join(sorted(route.methods))
                says = _cell(inspect.cleandoc(route.endpoint.__doc__ or "").split("\n\n")[0])
                yield f"| `{methods} {route.path}` | {', '.join(_scopes(route.dependant))} | {says} |"
        yield ""
    yield from ("## Only of the hosted BIGHUB", "", "These are answered with 501 and the code `not_embedded`.", "")
    for path in sorted({each.path for each in hosted_only.router.routes if isinstance(each, APIRoute)}):
        yield f"- `{path}`"


def _scopes(dependant: Dependant) -> list[str]:
    """The scopes of which a key needs one; without any, whether a key is needed at all."""
    scopes: dict[str, None] = {}
    known = False
    for call in _calls(dependant):
        known = known or call is auth.authenticate
        if call is auth.read_waiting:
            scopes.update(dict.fromkeys((*auth._READING, "actions:validate")))  # noqa: SLF001 - what it lets through
        elif inspect.isfunction(call) and call.__qualname__.startswith("require_scope."):
            scopes.update(dict.fromkeys(inspect.getclosurevars(call).nonlocals["scopes"]))
    return [f"`{scope}`" for scope in scopes] or ["any key" if known else "no key"]


def _calls(dependant: Dependant) -> Iterator[Any]:
    for each in dependant.dependencies:
        yield each.call
        yield from _calls(each)


def _python() -> Iterator[str]:
    yield from ("# Python names", "", "## `litellm_bighub`", "")
    yield from _names(litellm_bighub)
    yield from ("## `litellm_bighub.testing`", "")
    yield from _names(testing)
    yield from ("## `litellm_bighub.errors`", "")
    yield from _names(importlib.import_module("litellm_bighub.errors"))


def _names(module: types.ModuleType) -> Iterator[str]:
    own = [name for name, each in vars(module).items() if inspect.isclass(each) and each.__module__ == module.__name__]
    for name in getattr(module, "__all__", own):
        value = getattr(module, name)
        yield from (f"### `{module.__name__}.{name}`", "")
        if not (inspect.isclass(value) or inspect.isfunction(value)):
            yield from ("A type alias:" if get_args(value) else "A constant:", "", f"    {value}", "")
            continue
        yield from ("```text", f"{name}{_signature(value)}", "```", "", *_docstring(value, inspect.getdoc(value) or ""))
        yield ""
        if inspect.isclass(value):
            yield from _methods(value)


def _methods(value: type) -> Iterator[str]:
    for name, method in vars(value).items():
        if inspect.isfunction(method) and not name.startswith("_") and method.__doc__:
            first = inspect.cleandoc(method.__doc__).split("\n\n")[0].replace("\n", " ")
            yield from (f"- `.{name}{_signature(method)}`: {first}", "")


def _signature(value: Any) -> str:
    """How it is called, with short names of types; a default that is no plain value is left out."""
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return "(…)"
    parameters = [_shown(each) for each in signature.parameters.values() if each.name != "self"]
    told = str(signature.replace(parameters=parameters, return_annotation=_typed(signature.return_annotation)))
    return re.sub(r"\b(?:[a-z_]+\.)+([A-Z]\w*)", r"\1", told)


def _shown(parameter: inspect.Parameter) -> inspect.Parameter:
    shown = parameter.replace(annotation=_typed(parameter.annotation))
    plain = parameter.default is parameter.empty or not _unclear(repr(parameter.default))
    return shown if plain else shown.replace(default=_Verbatim("…"))


def _typed(annotation: Any) -> Any:
    """An annotation that is a text, without its quotes."""
    return _Verbatim(annotation.strip("'\"")) if isinstance(annotation, str) else annotation


def _unclear(default: str) -> bool:
    return len(default) > _LONG or default.startswith("<")


class _Verbatim:
    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


_LONG: Final = 40


def _docstring(value: Any, text: str) -> Iterator[str]:
    """A docstring in Google's style as Markdown: its sections become lists."""
    if inspect.isclass(value) and text == (value.__base__.__doc__ if value.__base__ else None):
        return
    body, *sections = _SECTION.split(inspect.cleandoc(text))
    yield body.strip()
    for title, content in zip(sections[::2], sections[1::2], strict=True):
        yield from ("", f"{title}:", "")
        yield from _entries(inspect.cleandoc("\n" + content).splitlines())


def _entries(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        entry = re.fullmatch(r"(\*{0,2}[\w., *]+): (.*)", line)
        if entry:
            yield f"- `{entry[1]}`: {entry[2]}"
        elif line.strip():
            yield f"  {line.strip()}" if line.startswith(" ") else line


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("*", "\\*").replace("<", "\\<")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
