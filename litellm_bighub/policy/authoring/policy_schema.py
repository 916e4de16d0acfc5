"""The JSON Schema of policy files and of files of cases, made from the models that read them, for editors.

Where people may write a text in place of a list or of an object, a validator runs before; the schema says so, too.
The reader refuses more than the schema can say, such as a pattern that is none.
"""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.policy.case_file import CasesText
from litellm_bighub.policy.policy_text import CommandsText, PolicyText

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def policy_schema() -> JsonObject:
    """The schema of a policy file."""
    return _schema(PolicyText, "The policy of litellm-bighub: which tool calls may run")


def cases_schema() -> JsonObject:
    """The schema of a file of cases for `litellm-bighub policy test`."""
    return _schema(CasesText, "Cases of a policy of litellm-bighub: calls in sequence, each with its answer")


def _schema(model: type[BaseModel], title: str) -> JsonObject:
    schema = model.model_json_schema(schema_generator=_FormsOfPeople)
    if (commands := schema["$defs"].get(CommandsText.__name__)) is not None:
        patterns = commands["properties"].pop("patterns")  # which stand in the place of the object
        schema["$defs"][CommandsText.__name__] = {"anyOf": [*patterns["anyOf"], {**commands, "minProperties": 1}]}
    return {"$schema": DIALECT, **schema, "title": title}


class _FormsOfPeople(GenerateJsonSchema):
    """Adds the forms that people may write to those that the models hold."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        held = super().function_before_schema(schema)
        if (lists := held.get("patternProperties")) is not None:  # lists by place, or one for all places
            forms = [form for people in lists.values() for form in (people["items"], people)]
            return {"anyOf": [*forms, {**held, "patternProperties": {name: {"anyOf": forms} for name in lists}}]}
        if held.get("type") == "object":
            return held
        return {"anyOf": [held["items"] if held.get("type") == "array" else {"type": "string"}, held]}

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's signature
        return False  # it would repeat the name
