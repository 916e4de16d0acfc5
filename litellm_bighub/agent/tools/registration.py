"""Making a `Tool` out of what a user registers."""

from __future__ import annotations

import inspect
import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import jsonschema
from jsonschema.protocols import Validator

from litellm_bighub.agent.options import ToolOptions
from litellm_bighub.agent.tools.signature import UnusableSignature, read_signature
from litellm_bighub.agent.tools.strict import NotStrict, Schema, to_strict
from litellm_bighub.agent.tools.tool import Binder, DecisionMode, Tool
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.errors import AdapterConfigurationError

logger = logging.getLogger("litellm_bighub.agent")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_TEXT: Schema = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


def make_tool(name: str, function: Callable[..., Any], description: str | None, options: ToolOptions) -> Tool:
    """Make a tool, or say why it cannot be one.

    Raises:
        AdapterConfigurationError: the name, signature, schema or an option cannot be used.
    """
    place = f"tools.{name}"
    _check(place, name, function, options)
    made = _interface(place, name, function, options)
    described = description or made.description or inspect.getdoc(function) or ""
    return Tool(
        name=name,
        function=function,
        kind=made.kind,
        spec={**made.spec, "description": described} if described else made.spec,
        schema=made.schema,
        bind=made.bind,
        defaults=made.defaults,
        alone=options.get("alone", False),
        value_from_args=options.get("value_from_args"),
        target_from_args=options.get("target_from_args"),
        metadata_from_args=options.get("metadata_from_args"),
        action=options.get("action_name"),
        domain=options.get("domain"),
        actor=options.get("actor"),
        decision_mode=options.get("decision_mode"),
    )


@dataclass(frozen=True, slots=True)
class _Interface:
    """A tool's description for the model, and how its arguments are read."""

    kind: Literal["function", "custom"]
    spec: JsonMapping
    schema: Schema
    bind: Binder
    description: str = ""
    defaults: JsonMapping = field(default_factory=JsonObject)


def _check(place: str, name: str, function: object, options: ToolOptions) -> None:
    if unknown := sorted(options.keys() - ToolOptions.__annotations__.keys()):
        raise AdapterConfigurationError(f"{place}.{unknown[0]}", "is no option of a tool")
    if not _NAME.fullmatch(name):
        raise AdapterConfigurationError(place, "a tool's name has 1 to 64 letters, digits, underscores or hyphens")
    if not callable(function):
        raise AdapterConfigurationError(place, f"a {type(function).__name__} cannot be called")
    if options.get("decision_mode") not in {None, *get_args(DecisionMode)}:
        raise AdapterConfigurationError(f"{place}.decision_mode", f"is none of {', '.join(get_args(DecisionMode))}")


def _interface(place: str, name: str, function: Callable[..., Any], options: ToolOptions) -> _Interface:
    custom, given, strict = options.get("custom", False), options.get("parameters_schema"), options.get("strict", True)
    if custom:
        return _Interface("custom", _custom_spec(name, custom), _TEXT, _bind_schema(_TEXT, place))
    if given is not None:
        schema = dict(given)
        return _Interface(
            "function", _function_spec(name, schema, place, strict=strict), schema, _bind_schema(schema, place)
        )
    try:
        read = read_signature(function)
    except UnusableSignature as error:
        raise AdapterConfigurationError(place, f"{error}; annotate it or give parameters_schema") from error
    if read.untyped:
        logger.warning("%s: %s: without an annotation, the model gives a text", place, ", ".join(read.untyped))
    if read.unnamed:
        logger.warning("%s: %s: the model cannot give this, and gives nothing", place, ", ".join(read.unnamed))
    spec = _function_spec(name, read.schema, place, strict=strict)
    return _Interface("function", spec, read.schema, read.bind, read.description, read.defaults)


def _function_spec(name: str, schema: Schema, place: str, *, strict: bool) -> JsonObject:
    try:
        parameters = to_strict(schema) if strict else schema
    except NotStrict as error:
        raise AdapterConfigurationError(place, str(error)) from error
    return {"type": "function", "name": name, "parameters": parameters, "strict": strict}


def _custom_spec(name: str, custom: bool | JsonMapping) -> JsonObject:  # noqa: FBT001 - as the user gave it
    spec: JsonObject = {"type": "custom", "name": name}
    return {**spec, "format": dict(custom)} if isinstance(custom, Mapping) else spec


def _bind_schema(schema: Schema, place: str) -> Binder:
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise AdapterConfigurationError(f"{place}.parameters_schema", error.message.splitlines()[0]) from error
    validator: Validator = jsonschema.Draft202012Validator(schema)

    def bind(text: str) -> JsonObject:
        arguments: JsonObject = json.loads(text)
        problems = [f"{each.json_path}: {_problem(each)}" for each in validator.iter_errors(arguments)]
        if problems:
            raise ValueError("; ".join(problems[:5]))
        return arguments

    return bind


def _problem(error: jsonschema.ValidationError) -> str:
    """What is wrong, without the value that is: jsonschema's own message repeats it."""
    if error.validator in {"required", "additionalProperties"}:
        return error.message
    return f"does not fit {error.validator}: {error.validator_value!r}"
