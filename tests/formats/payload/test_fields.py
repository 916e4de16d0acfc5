"""A field is read and written alike in dicts, models and clients' objects."""

from __future__ import annotations

from collections import UserDict
from types import MappingProxyType, SimpleNamespace

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel, ConfigDict

from litellm_bighub.formats.payload import fields


class Model(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str = "x"


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)
    name: str = "x"


class Strict(BaseModel):
    name: str = "x"


OWNERS = [{"name": "x"}, UserDict(name="x"), Model(), Strict(), SimpleNamespace(name="x")]


@pytest.mark.parametrize("owner", OWNERS)
def test_a_field_is_read(owner):
    assert fields.get(owner, "name") == "x"
    assert fields.get(owner, "other") is None


@pytest.mark.parametrize("owner", [{"name": "x"}, UserDict(name="x"), Model(), Strict(), SimpleNamespace(name="x")])
def test_a_field_is_written_where_it_stands(owner):
    fields.put(owner, "name", "y")

    assert fields.get(owner, "name") == "y"


def test_an_element_of_a_list_is_written():
    owner = ["a", "b"]
    fields.put(owner, 1, "c")

    assert owner == ["a", "c"]


@pytest.mark.parametrize(
    ("value", "mapping", "an_object"),
    [
        ({}, True, True),
        (MappingProxyType({}), True, True),
        (Model(), False, True),
        (SimpleNamespace(), False, False),
        ([], False, False),
        ("text", False, False),
        (None, False, False),
    ],
)
def test_what_has_fields(value, mapping, an_object):
    assert fields.is_mapping(value) is mapping
    assert fields.is_object(value) is an_object


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": 1}, {"a": 1}),
        (Strict(), {"name": "x"}),
        (Model(), {"name": "x"}),
        (Model(more=1), {"name": "x", "more": 1}),
        (["a"], {}),
        (None, {}),
    ],
)
def test_all_fields_of_an_object(value, expected):
    assert dict(fields.members(value)) == expected


@pytest.mark.parametrize(
    ("owner", "writable"),
    [
        ({}, True),
        (UserDict(), True),
        ([], True),
        (Model(), True),
        (SimpleNamespace(), True),
        (Frozen(), False),
        (MappingProxyType({}), False),
        ((), False),
    ],
)
def test_what_can_be_written_into(owner, writable):
    assert fields.is_writable(owner) is writable


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ({"role": "user", "content": "hi"}, True),
        ({"role": "user", "content": ["hi"]}, False),
        ({"role": "user", "content": "hi", "name": "ann"}, False),
        (None, False),
    ],
)
def test_the_simplest_message_is_known(value, plain):
    assert fields.is_plain_message(value) is plain


class Known(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str = "x"
    _hidden: str = "h"

    @property
    def other(self) -> str:
        return f"{self.name}!"


class Asking(Known):
    def __getattr__(self, name: str) -> str:
        return f"asked for {name}"


class Checked(BaseModel):
    model_config = ConfigDict(validate_assignment=True)
    name: str = "x"


class Telling(BaseModel):
    name: str = "x"

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, f"told {value}")


def test_what_a_model_has_beside_its_fields_is_read():
    assert [fields.get(Known(more=1), key) for key in ("more", "other", "_hidden", "none")] == [1, "x!", "h", None]
    assert fields.get(Known(), "none") is None
    assert fields.get(Asking(), "none") == "asked for none"


@pytest.mark.parametrize("owner", [Model(name="a"), Model(), Model(more=1), Telling(name="a"), Checked(name="a")])
@pytest.mark.parametrize("key", ["name", "more"])
def test_a_field_of_a_model_is_written_as_by_itself(owner, key):
    if key == "more" and type(owner) is not Model:
        return
    other = owner.model_copy()
    fields.put(owner, key, "b")
    setattr(other, key, "b")

    assert owner == other
    assert owner.model_dump() == other.model_dump()
    assert owner.model_fields_set == other.model_fields_set


def test_what_a_model_has_to_say_about_a_field_is_said():
    with pytest.raises(ValueError, match="frozen"):
        fields.put(Frozen(name="a"), "name", "b")
    with pytest.raises(ValueError, match="string"):
        fields.put(Checked(name="a"), "name", 1)


def test_what_is_held_is_the_dict_to_write_into():
    told = {"name": "x"}
    model = Model(name="y")
    assert fields.held(told, "name") is told
    held = fields.held(model, "name")
    assert held is not None
    held["name"] = "z"
    assert model.name == "z"
    for owner in (Frozen(name="y"), Model(), SimpleNamespace(name="y")):
        assert fields.held(owner, "name") is None


def test_a_field_that_a_model_did_not_declare_is_read():
    assert fields.get(Model(other="y"), "other") == "y"
    assert fields.get(Model(other="y"), "third") is None
    assert fields.get(Model(model_fields_set="y"), "model_fields_set") == {"model_fields_set"}


ROWS = st.fixed_dictionaries({"name": st.sampled_from(["", "x", 1])}, optional={"other": st.sampled_from(["x", None])})
MADE = st.sampled_from([lambda row: row, UserDict, lambda row: Model(**{**row, "name": str(row["name"])})])


@given(st.lists(st.builds(lambda made, row: made(row), MADE, ROWS), max_size=3))
def test_columns_hold_what_each_element_says(elements):
    told = fields.columns(elements)
    each = [{**fields.members(element)} for element in elements]
    alike = len({type(element) for element in elements}) == 1 and all(one.keys() == each[0].keys() for one in each)
    if told is not None:
        assert alike
        assert [dict(zip(told, row, strict=True)) for row in zip(*told.values(), strict=True)] == each
    elif alike:
        assert type(elements[0]) is UserDict or "other" in each[0]


@pytest.mark.parametrize(
    "elements",
    [
        [],
        [{"a": 1}, Model(name="x")],
        [{"a": 1}, {"a": 1, "b": 2}],
        [{"a": 1}, {"b": 1}],
        [Model(name="x", other="y")],
        [UserDict({"a": 1})],
    ],
    ids=["none", "classes", "numbers of fields", "fields", "undeclared fields", "no dict and no model"],
)
def test_elements_that_are_not_alike_have_no_columns(elements):
    assert fields.columns(elements) is None


@given(st.lists(st.builds(lambda made, row: made(row), MADE, ROWS), max_size=3))
def test_owners_are_held_together_as_alone(owners):
    together, each = fields.held_by_all(owners, "name"), [fields.held(owner, "name") for owner in owners]
    if together is not None:
        assert all(one is other for one, other in zip(together, each, strict=True))
    elif len({type(owner) for owner in owners}) == 1:
        assert None in each


def test_a_field_that_was_deleted_is_held_by_nobody():
    owner = Model(name="x")
    del owner.__dict__["name"]
    assert fields.held_by_all([owner], "name") is fields.held(owner, "name") is None


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ([{"a": "x", "b": 1}, {"b": 2, "a": "y"}], (["x", "y"], [1, 2])),
        ([], None),
        ([{"a": "x"}], None),
        ([{"a": "x", "c": 1}], None),
        ([{"b": "x", "c": 1}], None),
        ([{"a": "", "b": 1}], None),
        ([{"a": ["x"], "b": 1}], None),
        ([{"a": "x", "b": 1}, {"a": "x", "c": 1}], None),
        (["ab"], None),
    ],
)
def test_texts_of_plain_elements(elements, expected):
    assert fields.plain_texts(elements, "a", "b") == expected


@pytest.mark.parametrize(
    ("value", "expected"), [([1, "a"], [1, "a"]), ((1,), [1]), ("ab", []), ({"a": 1}, []), (None, []), (5, [])]
)
def test_a_list_or_a_tuple_has_elements_and_nothing_else(value, expected):
    assert list(fields.elements(value)) == expected
