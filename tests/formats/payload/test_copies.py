"""A changed copy leaves the payload itself as it is."""

from __future__ import annotations

from enum import Enum
from types import SimpleNamespace

import pytest
from pydantic import BaseModel, ConfigDict

from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload import copies


class Model(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str = "x"
    note: str | None = None


class Status(Enum):
    DONE = "completed"


@pytest.mark.parametrize("owner", [{"name": "x", "at": 1}, Model(at=1)], ids=["dict", "model"])
def test_a_copy_differs_in_the_named_fields_alone(owner):
    changed = copies.with_fields(owner, name="y")

    assert copies.members(changed)["name"] == "y"
    assert copies.members(changed)["at"] == 1
    assert copies.members(owner)["name"] == "x"
    assert type(changed) is type(owner)


def test_an_undeclared_field_of_a_model_is_changed_too():
    owner = Model(at=1)

    assert copies.members(copies.with_fields(owner, at=2))["at"] == 2
    assert copies.members(owner)["at"] == 1


def test_a_copy_of_a_model_says_which_fields_were_set():
    assert copies.with_fields(Model(), note="n").model_dump(exclude_unset=True) == {"note": "n"}


def test_a_field_that_litellm_wrote_beside_the_model_is_changed_there():
    owner = Model()
    vars(owner)["_hidden_params"] = {"a": 1}
    changed = copies.with_fields(owner, _hidden_params={"a": 2})

    assert (vars(changed)["_hidden_params"], vars(owner)["_hidden_params"]) == ({"a": 2}, {"a": 1})


def test_nothing_else_is_copied():
    with pytest.raises(TypeError, match="SimpleNamespace"):
        copies.with_fields(SimpleNamespace(name="x"), name="y")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(Model(), {"name": "x"}, id="a model"),
        pytest.param({"name": "x", "note": None}, {"name": "x"}, id="a dict, its nulls left out"),
        pytest.param([Model(), ({"a": None},)], [{"name": "x"}, [{}]], id="nested"),
        pytest.param("text", "text", id="a text"),
        pytest.param(None, None, id="null"),
    ],
)
def test_a_value_in_plain_containers(value, expected):
    assert copies.plain(value) == expected


def test_arguments_are_written_as_models_write_them():
    assert copies.json_text({"a": "ä", "b": [1]}) == '{"a":"ä","b":[1]}'
    with pytest.raises(ValueError, match="JSON"):
        copies.json_text(float("nan"))


@pytest.mark.parametrize(
    ("owner", "expected"),
    [({"a": 1}, {"a": 1}), (Model(at=1), {"name": "x", "note": None, "at": 1}), ("text", {}), (None, {})],
)
def test_every_field_of_an_object(owner, expected):
    assert copies.members(owner) == expected


def test_without_some_fields():
    assert copies.without({"a": 1, "b": 2}, "b", "c") == {"a": 1}
    assert copies.without(Model(note="n"), "note", "other") == Model(note=None)


@pytest.mark.parametrize(
    ("owner", "expected"),
    [({"status": "completed"}, "completed"), ({"status": Status.DONE}, "completed"), ({"status": 5}, ""), ({}, "")],
)
def test_a_text(owner, expected):
    assert copies.text(owner, "status") == expected


@pytest.mark.parametrize(("value", "expected"), [(None, []), ([1], [1])])
def test_a_list(value, expected):
    assert copies.listed(value, "output") == expected


@pytest.mark.parametrize("value", [{}, "text", (1,)])
def test_what_is_no_list_cannot_be_rewritten(value):
    with pytest.raises(PayloadError, match="output: is a"):
        copies.listed(value, "output")


@pytest.mark.parametrize(("value", "expected"), [(3, 3), (0, 0), (True, None), ("3", None), (3.0, None), (None, None)])
def test_an_integer(value, expected):
    assert copies.whole({"index": value}, "index") == expected
