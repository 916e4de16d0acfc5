"""Schemas out of signatures, as OpenAI's strict mode takes them, and arguments read back into Python."""

from __future__ import annotations

import datetime as dt
import enum
import functools
import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional, Union

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from litellm_bighub.agent.tools.registration import make_tool
from litellm_bighub.errors import AdapterConfigurationError
from tests.agent.tools.strict_rules import broken_rules


class Currency(enum.Enum):
    EUR = "eur"
    USD = "usd"


class Address(BaseModel):
    street: str
    zip_code: str = Field(default="00000", description="five digits", min_length=5)


class Customer(BaseModel):
    name: str
    home: Address
    work: Address | None = None
    tags: list[str] = []


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    good: bool


class Node(BaseModel):
    value: int
    children: list[Node] = []


@dataclass
class Point:
    x: float
    y: float = 0.0


class Movie(TypedDict):
    title: str
    year: int


def tool(function, **options):
    return make_tool("tool", function, None, options)


def parameters(function, **options):
    return tool(function, **options).spec["parameters"]


def ints(numbers: list[int]): ...
def text_choice(mode: Literal["fast", "slow"]): ...
def choice(currency: Currency): ...
def optional(note: str | None = None): ...
def optional_old(note: Optional[str] = None): ...  # noqa: UP045 - the older spelling is what is tested
def integer_or_none(n: int | None): ...
def union(key: int | str): ...
def union_old(key: Union[int, str]): ...  # noqa: UP007 - the older spelling is what is tested
def default(count: int = 3, name: str = "x"): ...
def nested(customer: Customer): ...
def models(customers: list[Customer]): ...
def recursive(node: Node): ...
def discriminated(pet: Annotated[Cat | Dog, Field(discriminator="kind")]): ...
def dataclassed(point: Point): ...
def typed_dict(movie: Movie): ...
def dates(day: dt.date, at: dt.datetime, id: uuid.UUID): ...  # noqa: A002 - any name may be a parameter
def money(amount: Decimal): ...
def bounded(n: Annotated[int, Field(ge=1, le=9)], s: Annotated[str, Field(max_length=3, pattern="^a")]): ...
def containers(a: set[int], b: tuple[int, ...], c: list[list[str]], d: frozenset[str]): ...
def awkward(schema: str, model_config: int, copy: bool, _private: str): ...  # noqa: FBT001 - any type may be one
def nothing(): ...


SHAPES = [
    ints,
    text_choice,
    choice,
    optional,
    optional_old,
    integer_or_none,
    union,
    union_old,
    default,
    nested,
    models,
    recursive,
    discriminated,
    dataclassed,
    typed_dict,
    dates,
    money,
    bounded,
    containers,
    awkward,
    nothing,
]


@pytest.mark.lesson("optional parameters break strict mode", row="default")
@pytest.mark.lesson("optional parameters break strict mode", row="optional")
@pytest.mark.parametrize("function", SHAPES, ids=lambda f: f.__name__)
def test_the_schema_keeps_every_strict_rule(function):
    """Old sin: with `from __future__ import annotations`, as here, everything became a string."""
    assert parameters(function)["type"] == "object"
    assert list(broken_rules(parameters(function))) == []


@pytest.mark.lesson("with `from __future__ import annotations` every schema is a string")
@pytest.mark.lesson("the schema of `Annotated` is a string", row="annotated")
@pytest.mark.lesson("the schema of `int | None` is a string", row="int-or-none")
@pytest.mark.lesson("the schema of a pydantic model is a string", row="pydantic-model")
@pytest.mark.lesson("the schema of `Enum` is a string", row="enum")
@pytest.mark.lesson("the schema of `Literal` is a string", row="literal")
@pytest.mark.lesson("the schema of `list[int]` has no items", row="list-of-integers")
@pytest.mark.parametrize(
    ("function", "name", "expected"),
    [
        pytest.param(ints, "numbers", {"type": "array", "items": {"type": "integer"}}, id="list-of-integers"),
        pytest.param(text_choice, "mode", {"type": "string", "enum": ["fast", "slow"]}, id="literal"),
        pytest.param(optional, "note", {"anyOf": [{"type": "string"}, {"type": "null"}]}, id="optional"),
        pytest.param(default, "count", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, id="default"),
        pytest.param(union, "key", {"anyOf": [{"type": "integer"}, {"type": "string"}]}, id="union"),
        pytest.param(bounded, "n", {"type": "integer", "minimum": 1, "maximum": 9}, id="annotated"),
        pytest.param(bounded, "s", {"type": "string", "pattern": "^a"}, id="only-what-strict-mode-knows"),
        pytest.param(choice, "currency", {"$ref": "#/$defs/Currency"}, id="enum"),
        pytest.param(nested, "customer", {"$ref": "#/$defs/Customer"}, id="pydantic-model"),
        pytest.param(integer_or_none, "n", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, id="int-or-none"),
    ],
)
def test_a_parameter_has_its_schema(function, name, expected):
    assert parameters(function)["properties"][name] == expected


def test_descriptions_come_from_annotations_and_the_docstring():
    def documented(a: Annotated[int, "the first"], b: Annotated[int, Field(description="the second")], c: int):
        """Add numbers.

        Args:
            a: not this, the annotation is nearer.
            c: the third.
        """

    made = tool(documented)
    told = {name: each["description"] for name, each in made.spec["parameters"]["properties"].items()}
    assert told == {"a": "the first", "b": "the second", "c": "the third."}
    assert made.spec["description"].startswith("Add numbers.")


def any_value(x: Any): ...
def free_keys(x: dict[str, int]): ...
def bare_list(x: list): ...
def bare_dict(x: dict): ...
def places(x: tuple[int, str]): ...
def unannotated(x): ...
def several(*args: int): ...
def keywords(**kwargs: int): ...
def by_place(x: int, /): ...
def strange(x: object.__class__): ...


class Unknown:
    pass


def arbitrary(x: Unknown): ...


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (any_value, "any type"),
        (free_keys, "free keys"),
        (bare_list, "array holds|any type"),
        (bare_dict, "free keys"),
        (places, "tuple"),
        (several, "args"),
        (keywords, "kwargs"),
        (by_place, "positional-only"),
        (arbitrary, "pydantic cannot read"),
    ],
    ids=lambda each: each.__name__ if callable(each) else "",
)
def test_what_strict_mode_cannot_express_is_an_error_that_says_why(function, why):
    with pytest.raises(AdapterConfigurationError, match=why) as raised:
        tool(function)
    assert raised.value.key.startswith("tools.tool")


def more_keywords(x: int, *others: int, **more: int): ...


def test_what_has_no_annotation_is_a_text_and_told(caplog):
    made = tool(unannotated)
    assert made.spec["parameters"]["properties"] == {"x": {"type": "string"}}
    assert made.prepare('{"x": "5"}').keywords == {"x": "5"}
    assert "tools.tool: x: without an annotation" in caplog.text


def test_what_takes_any_number_of_arguments_gets_none_of_the_model_and_is_told(caplog):
    made = tool(more_keywords)
    assert made.spec["parameters"]["required"] == ["x"]
    with pytest.raises(ValueError, match="more"):
        made.prepare('{"x": 5, "more": 6}')
    assert "tools.tool: others, more: the model cannot give this" in caplog.text


def test_free_keys_are_fine_without_strict_mode():
    made = tool(free_keys, strict=False)
    assert made.spec["strict"] is False
    assert made.prepare('{"x": {"a": 1}}').keywords == {"x": {"a": 1}}


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        pytest.param(choice, {"currency": "eur"}, {"currency": Currency.EUR}, id="enum"),
        pytest.param(optional, {"note": None}, {"note": None}, id="null-where-null-is-meant"),
        pytest.param(default, {"count": None, "name": None}, {}, id="null-where-the-default-is-meant"),
        pytest.param(default, {"count": 5, "name": "y"}, {"count": 5, "name": "y"}, id="given"),
        pytest.param(
            nested,
            {"customer": {"name": "n", "home": {"street": "s", "zip_code": None}, "work": None, "tags": None}},
            {"customer": Customer(name="n", home=Address(street="s"))},
            id="nested-defaults",
        ),
        pytest.param(
            discriminated,
            {"pet": {"kind": "dog", "good": True}},
            {"pet": Dog(kind="dog", good=True)},
            id="discriminated",
        ),
        pytest.param(dataclassed, {"point": {"x": 1, "y": None}}, {"point": Point(1)}, id="dataclass"),
        pytest.param(
            recursive,
            {"node": {"value": 1, "children": [{"value": 2, "children": None}]}},
            {"node": Node(value=1, children=[Node(value=2)])},
            id="recursive",
        ),
        pytest.param(money, {"amount": "1.10"}, {"amount": Decimal("1.10")}, id="decimal"),
        pytest.param(
            dates,
            {"day": "2026-01-02", "at": "2026-01-02T03:04:05Z", "id": "00000000-0000-0000-0000-000000000001"},
            {
                "day": dt.date(2026, 1, 2),
                "at": dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc),
                "id": uuid.UUID(int=1),
            },
            id="dates",
        ),
        pytest.param(
            awkward,
            {"schema": "s", "model_config": 1, "copy": True, "_private": "p"},
            {"schema": "s", "model_config": 1, "copy": True, "_private": "p"},
            id="awkward-names",
        ),
        pytest.param(nothing, {}, {}, id="nothing"),
    ],
)
def test_arguments_become_what_the_function_says(function, arguments, expected):
    assert tool(function).prepare(json.dumps(arguments)).keywords == expected


@pytest.mark.lesson("arguments are not compared with the schema")
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        pytest.param(ints, {"numbers": ["1"]}, id="text-for-a-number"),
        pytest.param(default, {"count": "3"}, id="number-as-text"),
        pytest.param(text_choice, {"mode": "medium"}, id="no-such-choice"),
        pytest.param(bounded, {"n": 10, "s": "a"}, id="out-of-bounds"),
        pytest.param(bounded, {"n": 1, "s": "aaaa"}, id="too-long-though-strict-mode-does-not-know"),
        pytest.param(nested, {"customer": {"name": "n"}}, id="missing-inside"),
        pytest.param(optional, {"other": 1}, id="unknown"),
        pytest.param(money, {"amount": True}, id="boolean"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_without_repeating_them(function, arguments):
    with pytest.raises(ValueError, match=r"\w") as raised:
        tool(function).prepare(json.dumps(arguments))
    for value in ("medium", "aaaa", '"3"'):
        assert value not in str(raised.value)


def test_defaults_that_the_model_leaves_out_are_part_of_what_is_decided():
    """A policy on the amount must see the amount that runs, not only the one that the model wrote."""
    assert tool(default).prepare("{}").arguments == {"count": 3, "name": "x"}
    assert tool(default).prepare('{"count": 7, "name": null}').arguments == {"count": 7, "name": "x"}


SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "string", "minLength": 3}, "limit": {"type": "integer", "default": 10}},
    "required": ["id"],
}


@pytest.mark.lesson("arguments are not compared with the schema")
def test_a_schema_of_the_users_own_meets_the_rules_and_is_checked():
    made = tool(lambda **_: None, parameters_schema=SCHEMA)
    assert list(broken_rules(made.spec["parameters"])) == []
    assert made.prepare('{"id": "abc", "limit": null}').keywords == {"id": "abc"}
    with pytest.raises(ValueError, match="minLength"):
        made.prepare('{"id": "a"}')
    with pytest.raises(ValueError, match="required"):
        made.prepare("{}")


def test_a_schema_that_is_none_is_an_error_at_registration():
    with pytest.raises(AdapterConfigurationError):
        tool(lambda: None, parameters_schema={"type": "object", "properties": {"a": {"type": "nonsense"}}})


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "ü", "a.b"])
def test_a_name_that_the_provider_refuses_is_an_error_at_registration(name):
    with pytest.raises(AdapterConfigurationError):
        make_tool(name, nothing, None, {})


def test_partials_methods_and_callable_objects_are_tools():
    class Shop:
        def refund(self, amount: float) -> float:
            return amount

        def __call__(self, item: str) -> str:
            return item

    def pay(actor: str, amount: float): ...

    assert list(parameters(Shop().refund)["properties"]) == ["amount"]
    assert list(parameters(Shop())["properties"]) == ["item"]
    made = tool(functools.partial(pay, actor="me"))
    assert list(made.spec["parameters"]["properties"]) == ["amount"]


def test_what_a_partial_function_was_given_is_not_the_models_to_say():
    def pay(actor: str, amount: float): ...

    made = tool(functools.partial(pay, actor="me"))
    assert made.prepare('{"amount": 1.0}').keywords == {"amount": 1.0}
    with pytest.raises(ValueError, match="actor"):
        made.prepare('{"amount": 1.0, "actor": "admin"}')
