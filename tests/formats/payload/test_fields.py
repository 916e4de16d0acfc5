"""A field is read and written alike in dicts, models and clients' objects."""

from __future__ import annotations

from collections import UserDict
from types import MappingProxyType, SimpleNamespace

import pytest
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
