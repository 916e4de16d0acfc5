"""OpenAI's rules for strict schemas, written down apart from the code that follows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

KEYWORDS = {
    *("type", "description", "enum", "const", "anyOf", "$ref", "$defs"),
    *("properties", "required", "additionalProperties", "items", "pattern", "format"),
    *("multipleOf", "maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "minItems", "maxItems"),
}
FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}


def broken_rules(schema: Mapping[str, Any], path: str = "$") -> Iterator[str]:
    """Each place where a schema breaks a rule. That the root is an object is for the caller to see."""
    for key in schema.keys() - KEYWORDS:
        yield f"{path}: {key} is unknown"
    if "$ref" in schema and len(schema) > 1:
        yield f"{path}: something stands beside $ref"
    if schema.get("format", "date") not in FORMATS:
        yield f"{path}: format {schema['format']}"
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        yield f"{path}: is open"
    if list(schema.get("properties", ())) != list(schema.get("required", ())):
        yield f"{path}: not every property is required"
    if schema.get("type") == "array" and "items" not in schema:
        yield f"{path}: has no items"
    if not schema.keys() & {"type", "enum", "const", "anyOf", "$ref"}:
        yield f"{path}: has no type"
    for name, part in parts(schema):
        yield from broken_rules(part, f"{path}.{name}")


def parts(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The schemas within a schema."""
    yield from schema.get("properties", {}).items()
    yield from schema.get("$defs", {}).items()
    yield from ((f"anyOf[{at}]", each) for at, each in enumerate(schema.get("anyOf", ())))
    if "items" in schema:
        yield "items", schema["items"]
