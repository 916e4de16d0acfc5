"""A function's parameters as a JSON schema, and the reading of arguments into them, both through pydantic."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import docstring_parser
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from litellm_bighub.agent.tools.strict import Schema
from litellm_bighub.domain.payload import JsonObject


class UnusableSignature(ValueError):  # noqa: N818 - says what the signature is
    """No schema can be made from the function; the message says why."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a function takes.

    Attributes:
        description: the function's, out of its docstring.
        schema: a JSON schema of the arguments.
        defaults: the defaults of optional parameters that have a JSON form.
        untyped: parameters without an annotation; the model gives each as a text.
        unnamed: parameters that take any number of arguments; the model gives them none.
    """

    description: str
    schema: Schema
    defaults: JsonObject
    untyped: tuple[str, ...]
    unnamed: tuple[str, ...]
    _model: type[BaseModel]
    _fields: dict[str, str]

    def bind(self, json: str) -> JsonObject:
        """The keyword arguments of the function out of a JSON text.

        Raises:
            ValueError: they do not fit; the message names the places and never the values.
        """
        try:
            read = self._model.model_validate_json(json, strict=True)
        except ValidationError as error:
            raise ValueError(_problems(error)) from None
        given = read.model_fields_set
        return {name: getattr(read, field) for field, name in self._fields.items() if field in given}


def read_signature(function: Callable[..., Any]) -> Parameters:
    """Read a function's signature, annotations and docstring.

    Raises:
        UnusableSignature: a parameter has an annotation that pydantic does not know, or the model cannot give it.
    """
    try:
        signature = inspect.signature(function)
        hints = get_type_hints(_annotated(function), include_extras=True)
    except (NameError, TypeError, ValueError) as error:
        raise UnusableSignature(f"its annotations cannot be read ({error})") from error
    described = docstring_parser.parse(inspect.getdoc(function) or "")
    documented = {each.arg_name.lstrip("*"): each.description for each in described.params}
    bound = _bound(function)
    definitions: JsonObject = {}
    fields: dict[str, str] = {}
    defaults: JsonObject = {}
    named, unnamed = _named([each for each in signature.parameters.values() if each.name not in bound])
    untyped = tuple(each.name for each in named if each.name not in hints)
    hints = {**hints, **dict.fromkeys(untyped, str)}
    for number, parameter in enumerate(named):
        name = parameter.name
        # A field has a name of our own, for a parameter may be called `schema` or `_id`, which a model's field may not.
        field = f"p{number}"
        fields[field] = name
        default = PydanticUndefined if parameter.default is parameter.empty else parameter.default
        if isinstance(default, FieldInfo):
            raise UnusableSignature(f"the parameter {name!r} has a Field as its default; write Annotated[..., Field()]")
        definitions[field] = (hints[name], _field(name, hints[name], default, documented.get(name)))
        if default is not PydanticUndefined:
            defaults[name] = default
    model = _model(function, definitions)
    schema = _schema(model)
    return Parameters(described.description or "", schema, _jsonable(defaults), untyped, unnamed, model, fields)


def _named(parameters: list[inspect.Parameter]) -> tuple[list[inspect.Parameter], tuple[str, ...]]:
    """The parameters that a model can name, and those beside them that take any number of arguments.

    Raises:
        UnusableSignature: a parameter has to be given by place, or there are only those that take any number.
    """
    any_number = [each for each in parameters if each.kind in {each.VAR_POSITIONAL, each.VAR_KEYWORD}]
    named = [each for each in parameters if each not in any_number]
    by_place = [each for each in named if each.kind is each.POSITIONAL_ONLY]
    if wrong := by_place or ([] if named else any_number):
        raise UnusableSignature(f"a model cannot name the parameter {wrong[0].name!r} ({wrong[0].kind.description})")
    return named, tuple(each.name for each in any_number)


def _bound(function: Callable[..., Any]) -> set[str]:
    """What a partial function was given already: the model is not asked for it, and cannot say otherwise."""
    bound: set[str] = set()
    inner: Any = function
    while hasattr(inner, "func"):
        bound |= set(getattr(inner, "keywords", ()))
        inner = inner.func
    return bound


def _annotated(function: Callable[..., Any]) -> Any:
    """What holds the annotations: the function, or the `__call__` of a callable object."""
    unwrapped = inspect.unwrap(function)
    while hasattr(unwrapped, "func"):
        unwrapped = unwrapped.func
    if inspect.isroutine(unwrapped):
        return unwrapped
    return type(unwrapped).__call__


def _field(name: str, hint: Any, default: Any, documented: str | None) -> Any:
    description = _described(hint) or documented
    if description is None:
        return Field(default, alias=name)
    return Field(default, alias=name, description=description)


def _described(hint: Any) -> str | None:
    if get_origin(hint) is not Annotated:
        return None
    for each in get_args(hint)[1:]:
        if isinstance(each, str):
            return each
        described = getattr(each, "documentation", None) or getattr(each, "description", None)
        if isinstance(described, str):
            return described
    return None


def _model(function: Callable[..., Any], definitions: JsonObject) -> type[BaseModel]:
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=False, allow_inf_nan=False)
    name = getattr(function, "__name__", "tool")
    try:
        return create_model(name, __config__=config, **definitions)
    except (PydanticSchemaGenerationError, PydanticUserError, NameError) as error:
        raise UnusableSignature(f"pydantic cannot read its annotations: {_first_line(error)}") from error


def _schema(model: type[BaseModel]) -> Schema:
    try:
        schema = model.model_json_schema(by_alias=True)
    except PydanticUserError as error:
        raise UnusableSignature(f"its annotations have no JSON form: {_first_line(error)}") from error
    schema.pop("title", None)
    return schema


def _jsonable(defaults: JsonObject) -> JsonObject:
    """The defaults that have a JSON form; the others are no part of what is decided on."""
    return {name: to_jsonable_python(each) for name, each in defaults.items() if _has_json(each)}


def _has_json(value: object) -> bool:
    try:
        to_jsonable_python(value)
    except ValueError:
        return False
    return True


def _problems(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{_place(each['loc'])}: {each['msg']}" for each in problems[:5])


def _place(location: tuple[int | str, ...]) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return place.lstrip(".") or "arguments"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
