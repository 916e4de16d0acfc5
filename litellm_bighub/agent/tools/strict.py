"""Bringing a JSON schema into the subset that OpenAI's strict mode takes, and reading its answers back.

Strict mode wants every object closed and every property required. An optional property therefore becomes one that may
be null, and `restore` takes such a null out again, so that the function's own default counts. Keywords that only narrow
(`minLength`, `uniqueItems`) are left out of what the provider gets: the arguments are checked against the whole schema
here anyway. What has no equal in the subset is refused by name and place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from litellm_bighub.domain.payload import JsonMapping, JsonObject

Schema = JsonObject

MAX_PROPERTIES = 5000
MAX_DEPTH = 10
_KEPT = frozenset(
    {"type", "description", "enum", "const", "pattern", "multipleOf", "maximum", "minimum"}
    | {"exclusiveMaximum", "exclusiveMinimum", "minItems", "maxItems"}
)
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
_NARROWING = frozenset(
    {"minLength", "maxLength", "uniqueItems", "default", "title", "examples", "deprecated", "readOnly", "writeOnly"}
    | {"discriminator", "format", "$schema", "$id", "$comment", "contentEncoding", "contentMediaType"}
)
_STRUCTURE = frozenset(
    {"anyOf", "oneOf", "items", "properties", "required", "additionalProperties", "minProperties", "maxProperties"}
)
_REFUSED = {
    "patternProperties": "an object with free keys",
    "prefixItems": "a tuple with a type for each place",
    "not": "a negated schema",
    "if": "a conditional schema",
    "dependentRequired": "properties that depend on each other",
    "dependentSchemas": "properties that depend on each other",
    "propertyNames": "an object with free keys",
    "unevaluatedProperties": "an object with free keys",
}


class NotStrict(ValueError):  # noqa: N818 - says what the schema is
    """Strict mode cannot express the schema; the message names the place and the reason."""


def to_strict(schema: JsonMapping) -> Schema:
    """The schema as strict mode takes it.

    Raises:
        NotStrict: something in it has no equal there.
    """
    return _Strict(schema).root()


class _Strict:
    def __init__(self, schema: JsonMapping) -> None:
        self._schema = schema
        self._defs: JsonMapping = schema.get("$defs") or schema.get("definitions") or {}
        self._properties = 0

    def root(self) -> Schema:
        if self._schema.get("type") != "object":
            raise NotStrict("parameters: the outermost schema has to be an object")
        strict = self._convert({k: v for k, v in self._schema.items() if k not in {"$defs", "definitions"}}, "", 1)
        if self._defs:
            strict["$defs"] = {name: self._convert(each, f"$defs.{name}", 1) for name, each in self._defs.items()}
        return strict

    def _convert(self, schema: object, path: str, depth: int) -> Schema:
        place = path or "parameters"
        if depth > MAX_DEPTH:
            raise NotStrict(f"{place}: strict mode takes {MAX_DEPTH} levels of nesting")
        if not isinstance(schema, Mapping) or not schema:
            raise NotStrict(f"{place}: strict mode needs a type here, and a value of any type has none")
        source = cast("JsonMapping", schema)
        if "$ref" in source:
            return self._reference(source)
        if "allOf" in source:
            return self._all_of(source, path, depth)
        _refuse(source, place)
        strict: Schema = {key: source[key] for key in source if key in _KEPT}
        if source.get("format") in _FORMATS:
            strict["format"] = source["format"]
        if branches := source.get("anyOf") or source.get("oneOf"):
            strict["anyOf"] = [self._convert(each, path, depth) for each in branches]
        if "items" in source:
            strict["items"] = self._convert(source["items"], f"{path}[]", depth + 1)
        if source.get("type") == "object" or "properties" in source:
            self._object(source, strict, path, depth)
        return strict

    def _reference(self, source: JsonMapping) -> Schema:
        name = str(source["$ref"]).replace("#/definitions/", "#/$defs/")
        if "description" not in source:
            return {"$ref": name}
        # Strict mode allows no other keyword next to a reference.
        return {"anyOf": [{"$ref": name}], "description": source["description"]}

    def _all_of(self, source: JsonMapping, path: str, depth: int) -> Schema:
        parts = source["allOf"]
        if len(parts) != 1:
            raise NotStrict(f"{path or 'parameters'}: strict mode cannot express several schemas at once (allOf)")
        rest = {key: each for key, each in source.items() if key != "allOf"}
        return self._convert({**parts[0], **rest}, path, depth)

    def _object(self, source: JsonMapping, strict: Schema, path: str, depth: int) -> None:
        open_to = source.get("additionalProperties")
        if isinstance(open_to, Mapping) or (open_to is True and not source.get("properties")):
            raise NotStrict(
                f"{path or 'parameters'}: strict mode cannot express an object with free keys; "
                "take a list of objects with a key and a value, or register with strict=False"
            )
        if "properties" not in source and path:
            raise NotStrict(f"{path}: strict mode needs the object's properties; register with strict=False")
        properties: JsonMapping = source.get("properties") or {}
        self._properties += len(properties)
        if self._properties > MAX_PROPERTIES:
            raise NotStrict(f"{path or 'parameters'}: strict mode takes {MAX_PROPERTIES} properties")
        required: set[str] = set(source.get("required") or ())
        strict["type"] = source.get("type", "object")
        strict["properties"] = {
            name: self._property(each, f"{path}.{name}" if path else name, depth + 1, optional=name not in required)
            for name, each in properties.items()
        }
        strict["required"] = list(properties)
        strict["additionalProperties"] = False

    def _property(self, schema: JsonMapping, path: str, depth: int, *, optional: bool) -> Schema:
        strict = self._convert(schema, path, depth)
        return strict if not optional or takes_null(schema, self._defs) else _or_null(strict)


def _refuse(source: JsonMapping, place: str) -> None:
    for key, meaning in _REFUSED.items():
        if key in source:
            raise NotStrict(f"{place}: strict mode cannot express {meaning} ({key})")
    if unknown := source.keys() - _KEPT - _NARROWING - _STRUCTURE:
        raise NotStrict(f"{place}: strict mode does not know {', '.join(sorted(unknown))}")
    if source.get("type") == "array" and "items" not in source:
        raise NotStrict(f"{place}: strict mode needs to know what the array holds; say list[...]")
    if not source.keys() & {"type", "enum", "const", "anyOf", "oneOf", "properties"}:
        raise NotStrict(f"{place}: strict mode needs a type here, and a value of any type has none")


def _or_null(strict: Schema) -> Schema:
    description = strict.pop("description", None)
    if "anyOf" in strict:
        strict["anyOf"].append({"type": "null"})
        nullable = strict
    else:
        nullable = {"anyOf": [strict, {"type": "null"}]}
    if description is not None:
        nullable["description"] = description
    return nullable


def takes_null(schema: JsonMapping, defs: JsonMapping) -> bool:
    """Whether null is among the values that the schema allows."""
    if "$ref" in schema:
        return takes_null(referred(schema, defs), {})
    kind = schema.get("type")
    if kind == "null" or (isinstance(kind, list) and "null" in kind):
        return True
    if "const" in schema:
        return schema["const"] is None
    if "enum" in schema:
        return None in schema["enum"]
    branches = schema.get("anyOf") or schema.get("oneOf") or ()
    return any(takes_null(each, defs) for each in branches)


def referred(schema: JsonMapping, defs: JsonMapping) -> JsonMapping:
    """The schema, or the definition that it refers to."""
    if "$ref" not in schema:
        return schema
    found: JsonMapping = defs.get(str(schema["$ref"]).rsplit("/", 1)[-1], {})
    return found


def restore(value: Any, schema: JsonMapping) -> Any:
    """Take the nulls out that strict mode put in place of what the caller left out.

    Args:
        value: what the model wrote.
        schema: the schema as it was before `to_strict`.
    """
    return _restored(value, schema, schema.get("$defs") or schema.get("definitions") or {})


def _restored(value: Any, schema: JsonMapping, defs: JsonMapping) -> Any:
    schema = referred(schema, defs)
    branches = [b for b in schema.get("anyOf") or schema.get("oneOf") or () if b.get("type") != "null"]
    if len(branches) == 1:
        return _restored(value, branches[0], defs)
    if isinstance(value, dict) and "properties" in schema:
        return _restored_object(cast("JsonObject", value), schema, defs)
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        items: list[Any] = value
        return [_restored(each, schema["items"], defs) for each in items]
    return value


def _restored_object(value: JsonObject, schema: JsonMapping, defs: JsonMapping) -> JsonObject:
    properties: JsonMapping = schema["properties"]
    required = schema.get("required") or ()
    kept: JsonObject = {}
    for key, each in value.items():
        part = properties.get(key)
        if part is None:
            kept[key] = each
        elif each is not None or key in required or takes_null(part, defs):
            kept[key] = _restored(each, part, defs)
    return kept
