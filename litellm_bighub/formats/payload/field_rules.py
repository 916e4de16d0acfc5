"""What may be done with a field of a payload, for the tables in which each format declares its exceptions.

A field that stands in no table holds text and is scanned, so that one that is newer than the table does not slip by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias


class FieldRule(Enum):
    """What to do with a field."""

    __hash__ = object.__hash__  # that of enums is a function of Python's

    TEXT = "text"
    OUTPUT_TEXT = "output_text"
    JSON = "json"
    IMAGE = "image"
    FILE = "file"
    OPAQUE = "opaque"
    """An id, an enumeration, a credential or a number: left alone. An object that stands there may hold texts."""
    APART = "apart"
    """Left alone whatever it holds: credentials, or what is looked at elsewhere."""
    NAME = "name"
    """An identifier that stands elsewhere, too (of a tool, of a value): scanned, and nothing may take its place."""
    SIGNED = "signed"
    """A text with a `signature` beside it: scanned, and left out where it is rewritten, with all that stands there."""
    TOKENS = "tokens"
    """The tokens of a text that stands elsewhere: scanned as one text, and left out where it is rewritten."""
    HIDDEN = "hidden"
    """Stands for text that is not here: left alone, and said so."""
    SCHEMA = "schema"
    """A JSON Schema: what people wrote in it is scanned, what gives it its meaning is left alone."""
    PROMPT = "prompt"
    """A text, or a list of texts. Told by the numbers of its tokens it is refused: nobody here can read those."""
    FREE = "free"
    """Keys are anybody's own words and mean nothing: every string below is scanned."""


Rules: TypeAlias = Mapping[str, "FieldRule | Mapping[str, Any]"]
"""The rules of an object's fields. Those of a field that holds objects may stand there at once."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Vocabulary:
    """What a format's objects are made of.

    Attributes:
        types: the rules of an object that has this `type`.
        untyped: those of one that has none.
        unknown: those of one whose `type` stands in no table: almost nothing is taken for granted.
        text_fields: where one of these holds an object, no field of it is known to be anything but text.
        opaque_ids: whether every field whose name ends in `_id` is opaque.
        plain_text: the `type` of an object that holds a text under `text`, and often nothing else.
    """

    types: Mapping[str, Rules]
    untyped: Rules
    unknown: Rules
    text_fields: frozenset[str]
    opaque_ids: bool = False
    plain_text: str | None = None


SCHEMA_MEANINGS = frozenset(
    {
        "$anchor",
        "$dynamicAnchor",
        "$dynamicRef",
        "$id",
        "$recursiveAnchor",
        "$recursiveRef",
        "$ref",
        "$schema",
        "$vocabulary",
        "contentEncoding",
        "contentMediaType",
        "dependentRequired",
        "format",
        "pattern",
        "required",
        "type",
    }
)
"""The keywords of a JSON Schema (2020-12) whose strings give it its meaning; under all others people write."""

SCHEMA_VALUES = frozenset({"const", "default", "enum", "example", "examples"})
"""The keywords under which any value may stand, whose own keys are no keywords."""

SCHEMA_CHOICES = frozenset({"const", "enum"})
"""Those of them that say what a value has to be: a rewritten one would be another schema."""

SCHEMA_KEYWORDS = SCHEMA_MEANINGS | {
    *("$comment", "$defs", "additionalItems", "additionalProperties", "allOf", "anyOf", "const", "contains"),
    *("contentSchema", "default", "definitions", "dependencies", "dependentSchemas", "deprecated", "description"),
    *("discriminator", "else", "enum", "example", "examples", "exclusiveMaximum", "exclusiveMinimum", "externalDocs"),
    *("if", "items", "maxContains", "maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems"),
    *("minLength", "minProperties", "minimum", "multipleOf", "not", "nullable", "oneOf", "patternProperties"),
    *("prefixItems", "properties", "propertyNames", "propertyOrdering", "readOnly", "strict", "then", "title"),
    *("unevaluatedItems", "unevaluatedProperties", "uniqueItems", "writeOnly", "xml"),
}
"""All keywords, those of OpenAPI too. Any other key is somebody's own word."""

SCHEMA_NAMES = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"})
"""The keywords under which keys are names: a property may itself be called `description`."""
