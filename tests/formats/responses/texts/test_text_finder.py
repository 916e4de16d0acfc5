"""Every text is found once, rewritten where it stands, and nothing else changes."""

from __future__ import annotations

from copy import deepcopy
from types import MappingProxyType
from typing import Any

import pytest
from openai.types.responses import Response, ResponseInputItem, ResponseOutputItem
from pydantic import BaseModel, ConfigDict, TypeAdapter

from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload.slots import Found, TextKind, rewrite, slot_of
from litellm_bighub.formats.responses.texts.text_finder import (
    find_in_item,
    find_in_request,
    find_in_response,
    lone_text_in_request,
    lone_text_in_response,
)
from tests.formats.responses.canaries import (
    ANNOTATIONS,
    ARGUMENTS,
    CANARY,
    FILES,
    HIDDEN,
    ITEMS,
    MASKED,
    MEDIA,
    NAMES,
    OUTPUT_ITEMS,
    REQUESTS,
    Row,
    answer,
    message,
    output_text,
)

INPUT_MODEL: TypeAdapter[Any] = TypeAdapter(ResponseInputItem)
OUTPUT_MODEL: TypeAdapter[Any] = TypeAdapter(ResponseOutputItem)


def rows(*tables: tuple[Row, ...]) -> Any:
    return pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for table in tables for row in table])


def modelled(*tables: tuple[Row, ...]) -> Any:
    return rows(*(tuple(row for row in table if row.model) for table in tables))


def plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(warnings=False)
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    return [plain(member) for member in value] if isinstance(value, list) else value


def mask(found: Found) -> None:
    """Answer as a guardrail would that masks the canary."""
    rewrite(found.slots, [text.replace(CANARY, MASKED) for text in found.texts])


def found_once(found: Found) -> bool:
    return [CANARY in text for text in found.texts].count(True) == 1


@rows(REQUESTS)
def test_request(row: Row):
    data = row.make(CANARY)
    found = find_in_request(data)
    assert found_once(found)
    mask(found)
    assert data == row.make(MASKED)


@rows(ITEMS)
def test_input_item_as_dict(row: Row):
    data = {"input": [message("before"), row.make(CANARY), message("after")]}
    found = find_in_request(data)
    assert found_once(found)
    mask(found)
    assert data == {"input": [message("before"), row.make(MASKED), message("after")]}


@modelled(ITEMS)
def test_input_item_as_openai_model(row: Row):
    data = {"input": [INPUT_MODEL.validate_python(row.make(CANARY))]}
    found = find_in_request(data)
    assert found_once(found)
    mask(found)
    assert plain(data["input"][0]) == plain(INPUT_MODEL.validate_python(row.make(MASKED)))


@rows(ITEMS)
def test_the_only_item(row: Row):
    """Also where it is the only item, and no list is made around it."""
    data = {"input": row.make(CANARY)}
    found = find_in_request(data)
    assert found_once(found)
    mask(found)
    assert data == {"input": row.make(MASKED)}


@rows(OUTPUT_ITEMS)
def test_output_item_as_dict(row: Row):
    response = {"id": "resp_1", "output": [row.make(CANARY)]}
    found = find_in_response(response)
    assert found_once(found)
    mask(found)
    assert response == {"id": "resp_1", "output": [row.make(MASKED)]}


@modelled(OUTPUT_ITEMS)
def test_output_item_as_openai_model(row: Row):
    response = {"output": [OUTPUT_MODEL.validate_python(_complete(row.make(CANARY)))]}
    found = find_in_response(response)
    assert found_once(found)
    mask(found)
    assert plain(response["output"][0]) == plain(OUTPUT_MODEL.validate_python(_complete(row.make(MASKED))))


def _complete(item: dict[str, Any]) -> dict[str, Any]:
    return {"outputs": [], **item} if item["type"] == "code_interpreter_call" else item


@rows(MEDIA)
def test_image(row: Row):
    """Images are handed over, and are no texts."""
    found = find_in_request({"input": [row.make(CANARY)]})
    assert (found.images, [text for text in found.texts if CANARY in text]) == ([CANARY], [])


@modelled(MEDIA)
def test_image_in_openai_model(row: Row):
    found = find_in_request({"input": [INPUT_MODEL.validate_python(row.make(CANARY))]})
    assert found.images == [CANARY]


@rows(FILES)
def test_file(row: Row):
    """Files are handed over, and are no texts."""
    found = find_in_request({"input": [row.make(CANARY)]})
    assert (found.files, found.texts) == ([CANARY], [])


@modelled(FILES)
def test_file_in_openai_model(row: Row):
    found = find_in_request({"input": [INPUT_MODEL.validate_python(row.make(CANARY))]})
    assert found.files == [CANARY]


def test_a_files_name_is_a_text():
    file = {"type": "file", "file": {"file_data": "AAAA", "filename": CANARY}}
    found = find_in_request({"input": [message(file)]})
    assert (found.files, found.texts) == (["AAAA"], [CANARY])


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        pytest.param({"type": "input_image", "image_url": CANARY}, (["a"], [CANARY], []), id="image"),
        pytest.param({"type": "input_file", "file_data": CANARY}, (["a"], [], [CANARY]), id="file"),
    ],
)
def test_prompt_variables_with_media(variable: dict[str, Any], expected: tuple[list[str], ...]):
    found = find_in_request({"prompt": {"id": "pmpt_1", "variables": {"a": variable}}})
    assert (found.texts, found.images, found.files) == expected


@rows(HIDDEN)
def test_hidden(row: Row):
    """What stands for texts that are not here is left alone, and named."""
    found = find_in_request({"input": [row.make(CANARY)]})
    assert (found.texts, len(found.hidden)) == ([], 1)


def test_hidden_history():
    found = find_in_request({"input": "a", "previous_response_id": "resp_1", "conversation": {"id": "conv_1"}})
    assert found.hidden == ["previous_response_id", "conversation"]


@pytest.mark.parametrize("field", ["id", "call_id", "status", "phase", "created_by"])
def test_ids_are_left_alone(field: str):
    """What nobody reads is no text."""
    item = {**answer(output_text("a")), field: CANARY}
    assert find_in_request({"input": [item]}).texts == ["a"]


def test_annotations_that_no_longer_fit_are_dropped():
    """The text before the first kept is the same; the text that the second pointed into is not."""
    kept = {**ANNOTATIONS["url_citation"]("a"), "start_index": 0, "end_index": 4}
    dropped = {**ANNOTATIONS["container_file_citation"]("b"), "start_index": 2, "end_index": 8}
    unplaced = ANNOTATIONS["file_citation"]("c")
    part = output_text(f"see {CANARY}", annotations=[kept, dropped, unplaced], logprobs=[{"token": CANARY}])
    mask(find_in_item(answer(part)))
    assert part == output_text(f"see {MASKED}", annotations=[kept, unplaced], logprobs=[])


def test_annotations_and_logprobs_of_an_untouched_text_stay():
    part = output_text("see it", annotations=[ANNOTATIONS["url_citation"]("a")], logprobs=[{"token": "see"}])
    before, annotations = deepcopy(part), part["annotations"]
    found = find_in_item(answer(part))
    rewrite(found.slots, found.texts)
    assert part == before
    assert part["annotations"] is annotations


def test_untouched_items_stay_the_same_objects():
    items = [row.make("a") for row in ITEMS] + [INPUT_MODEL.validate_python(ITEMS[0].make("a"))]
    data = {"input": list(items)}
    rewrite((found := find_in_request(data)).slots, found.texts)
    assert all(after is before for after, before in zip(data["input"], items, strict=True))


@pytest.mark.parametrize("rewritten", ["{", "", "masked", "NaN", '{"a": Infinity}'])
def test_rewritten_arguments_stay_json(rewritten: str):
    item = {"type": "function_call", "name": "a", "call_id": "c", "arguments": ARGUMENTS}
    found = find_in_request({"input": ["first", item]})
    with pytest.raises(PayloadError) as caught:
        rewrite(found.slots, ["written", rewritten])
    assert caught.value.path == "input[1].arguments"
    assert item["arguments"] == ARGUMENTS


def test_arguments_that_were_no_json_may_be_rewritten_to_anything():
    item = {"type": "function_call", "name": "a", "call_id": "c", "arguments": "{" + CANARY}
    mask(find_in_item(item))
    assert item["arguments"] == "{" + MASKED


@pytest.mark.parametrize("texts", [[], ["a"], ["a", "b", "c"]])
def test_not_one_text_for_each_slot(texts: list[str]):
    data = {"input": ["one", "two"]}
    with pytest.raises(ValueError, match="zip"):
        rewrite(find_in_request(data).slots, texts)
    assert data == {"input": ["one", "two"]}


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)

    type: str = "message"
    content: str = CANARY


@pytest.mark.parametrize("item", [Frozen(), MappingProxyType({"role": "user", "content": CANARY})], ids=type)
def test_what_cannot_be_written_to_is_refused_before_anything_is_written(item: Any):
    data = {"input": ["first", item]}
    found = find_in_request(data)
    with pytest.raises(PayloadError, match=r"^input\[1\]\.content: "):
        rewrite(found.slots, ["written", MASKED])
    assert data["input"][0] == "first"


def _deep(levels: int, leaf: Any) -> Any:
    for _ in range(levels):
        leaf = {"nested": leaf}
    return leaf


def _cycle() -> dict[str, Any]:
    item: dict[str, Any] = {"type": "from_the_future"}
    return item | {"one": item, "two": item} if not item.update(one=item, two=item) else item


@pytest.mark.parametrize(
    ("data", "path"),
    [
        pytest.param({"input": 5}, "input", id="number"),
        pytest.param({"input": b"secret"}, "input", id="bytes"),
        pytest.param({"input": (part for part in ["secret"])}, "input", id="generator"),
        pytest.param({"input": {"secret"}}, "input", id="set"),
        pytest.param({"input": ["a", 5]}, "input[1]", id="number as item"),
        pytest.param({"input": ["a", None]}, "input[1]", id="null as item"),
        pytest.param({"input": ["a", b"secret"]}, "input[1]", id="bytes as item"),
        pytest.param({"input": [["secret"]]}, "input[0]", id="list as item"),
        pytest.param(
            {"input": [message("a", {"type": "input_text", "text": 5})]},
            "input[0].content[1].text",
            id="number as text",
        ),
        pytest.param(
            {"input": [message({"type": "input_text", "text": b"secret"})]},
            "input[0].content[0].text",
            id="bytes as text",
        ),
        pytest.param({"input": [{"role": "user", "content": iter(["secret"])}]}, "input[0].content", id="iterator"),
        pytest.param({"instructions": b"secret"}, "instructions", id="bytes as instructions"),
        pytest.param({"tools": "secret"}, "tools", id="tools"),
        pytest.param({"tools": ["secret"]}, "tools[0]", id="tool"),
    ],
)
def test_unreadable_payload(data: dict[str, Any], path: str):
    """The error names the place, never the text."""
    with pytest.raises(PayloadError) as caught:
        find_in_request(data)
    assert caught.value.path == path
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"input": [{"type": "from_the_future", **_deep(100, "a")}]}, id="item"),
        pytest.param({"input": [message({"type": "input_image", "image_url": _deep(100, "a")})]}, id="image"),
        pytest.param({"input": [message({"type": "input_file", "file_data": _deep(10_000, "a")})]}, id="file"),
        pytest.param({"text": {"format": {"schema": _deep(100, "a")}}}, id="schema"),
        pytest.param({"prompt": {"variables": {"a": _deep(100, "a")}}}, id="prompt"),
        pytest.param({"input": [_cycle()]}, id="cycle"),
    ],
)
def test_too_deep(data: dict[str, Any]):
    with pytest.raises(PayloadError, match="nested more than 64 levels deep"):
        find_in_request(data)


def test_huge_texts_are_found():
    assert find_in_request({"input": ["a" * 10_000_000]}).texts == ["a" * 10_000_000]


@pytest.mark.parametrize("value", [None, "", [], (), {}])
def test_nothing_to_find(value: Any):
    assert find_in_request({"input": value, "instructions": "", "metadata": {}}) == Found()


def test_tuples_become_lists():
    """Nothing can be written into a tuple."""
    data = {"input": ({"role": "user", "content": ({"type": "input_text", "text": CANARY}, "b")}, CANARY)}
    mask(find_in_request(data))
    assert data == {"input": [{"role": "user", "content": [{"type": "input_text", "text": MASKED}, "b"]}, MASKED]}


@pytest.mark.parametrize(
    ("item", "texts"),
    [
        pytest.param({"role": "system", "content": "a"}, [], id="message"),
        pytest.param({"type": "message", "role": "System", "content": "a"}, [], id="upper case"),
        pytest.param({"role": "developer", "content": "a"}, ["a"], id="developer"),
        pytest.param(
            {"role": "user", "content": [{"type": "input_text", "text": "a", "role": "system"}]}, ["a"], id="part"
        ),
        pytest.param(
            {"type": "function_call_output", "role": "system", "call_id": "c", "output": "a"}, ["a"], id="tool output"
        ),
        pytest.param({"type": "from_the_future", "role": "system", "said": "a"}, ["a", "said"], id="unknown item"),
    ],
)
def test_skipped_role(item: dict[str, Any], texts: list[str]):
    """A `role` takes a message out of scope, and nothing else: anybody can write one anywhere."""
    assert find_in_request({"input": [item], "instructions": "b"}, skip_roles=("system",)).texts == texts
    assert find_in_request({"input": item}, skip_roles=("system",)).texts == texts


TOOLS = [
    {
        "type": "function",
        "name": "weather",
        "description": "the weather",
        "strict": True,
        "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "which"}}},
        "output_schema": {"properties": {"degrees": {"description": "how warm"}}},
    },
    {"type": "namespace", "name": "crm", "description": "customers", "tools": [{"type": "custom", "name": "sql"}]},
    {
        "type": "mcp",
        "server_label": "docs",
        "server_url": "http://a.test",
        "headers": {"a": "b"},
        "server_description": "all",
    },
    {
        "type": "shell",
        "environment": {"type": "container_auto", "skills": [{"type": "inline", "description": "how to"}]},
    },
    {"name": "untyped"},
]


def test_texts_of_tools():
    """Names, descriptions and schemas, though guardrails are handed tools as such beside them."""
    *found, names = find_in_request({"tools": TOOLS}).slots
    texts = ["the weather", "which", "how warm", "customers", "all", "how to", "untyped"]
    assert sorted(slot.text for slot in found) == sorted(texts)
    assert names.kind is TextKind.NAME
    assert {"weather", "crm", "sql"} <= set(names.text.split("\n"))


@rows(NAMES)
def test_names_are_scanned_and_never_rewritten(row):
    request = row.make(CANARY)
    found = find_in_request(request)
    assert any(slot.kind is TextKind.NAME and CANARY in slot.text for slot in found.slots)
    with pytest.raises(PayloadError, match="means something only as it stands"):
        mask(found)
    assert request == row.make(CANARY)


def test_the_convenience_field_of_a_dict_answer():
    response = {"output": [answer(output_text(CANARY))], "output_text": CANARY}
    mask(find_in_response(response))
    assert response == {"output": [answer(output_text(MASKED))], "output_text": MASKED}


def test_what_is_laid_over_a_request_is_read_like_the_request():
    data = {
        "input": "a",
        "extra_body": {"instructions": "b", "input": [message("c"), ""], "prompt": {"variables": "d"}},
    }
    found = find_in_request(data)
    assert (found.texts, [slot.path for slot in found.slots]) == (
        ["a", "b", "c", "d"],
        ["input", "extra_body.instructions", "extra_body.input[0].content[0]", "extra_body.prompt.variables"],
    )


class Weather(BaseModel):
    """A form that an answer takes, as code names it."""

    degrees: int


@pytest.mark.parametrize(
    "beside",
    [
        {"text": Weather},
        {"user": 5},
        {"metadata": None, "tools": None},
        {"tool_choice": "auto"},
        {"tool_choice": "none"},
        {"tool_choice": "required"},
    ],
    ids=str,
)
def test_what_a_caller_chooses_is_no_text(beside: dict[str, Any]):
    assert find_in_request({"input": "a", **beside}).texts == ["a"]


@pytest.mark.parametrize("response", [{"output": None}, {}, {"output": []}, {"output": [answer(output_text(""))]}])
def test_an_answer_without_a_text(response: dict[str, Any]):
    assert find_in_response(response) == Found()


def test_a_lone_text_of_a_request():
    """It stands where the walk would find it."""
    for told in (CANARY, [{"role": "user", "content": CANARY}], [{"role": "assistant", "content": CANARY}]):
        data = {"model": "m", "input": told, "temperature": 1, "api_base": "a"}
        lone = lone_text_in_request(data, unsent=frozenset({"api_base"}))
        assert lone is not None
        assert [slot_of(*lone)] == find_in_request(data, unsent=frozenset({"api_base"})).slots


@pytest.mark.parametrize(
    "data",
    [
        {"input": CANARY, "instructions": CANARY},
        {"input": CANARY, "from_the_future": CANARY},
        {"input": ""},
        {"input": None},
        {"input": (CANARY,)},
        {"input": []},
        {"input": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]},
        {"input": [CANARY]},
        {"input": [{"role": "system", "content": CANARY}]},
        {"input": [{"role": "user", "content": ""}]},
        {"input": [message(CANARY)]},
    ],
    ids=str,
)
def test_a_request_that_is_no_lone_text(data: dict[str, Any]):
    assert lone_text_in_request(data) is None


def modelled_answer(*items: Any, **beside: Any) -> Response:
    return Response.model_construct(
        id="resp_1", output=[OUTPUT_MODEL.validate_python(item) for item in items], **beside
    )


def test_a_lone_text_of_an_answer():
    """It stands where the walk would find it."""
    response = modelled_answer(answer(output_text(CANARY), output_text("")), temperature=1.0)
    lone = lone_text_in_response(response)
    assert lone is not None
    assert [slot_of(*lone)] == find_in_response(response).slots


@pytest.mark.parametrize(
    "response",
    [
        {"output": [answer(output_text(CANARY))]},
        Response.model_construct(output=None),
        Response.model_construct(output=[CANARY]),
        modelled_answer(),
        modelled_answer(answer(output_text("a")), answer(output_text("b"))),
        modelled_answer(answer(output_text("a"), output_text("b"))),
        modelled_answer(answer(output_text(""))),
        modelled_answer(answer({"type": "refusal", "refusal": CANARY})),
        modelled_answer(answer(output_text("a", annotations=[ANNOTATIONS["url_citation"](CANARY)]))),
        modelled_answer(answer(output_text("a")), instructions=CANARY),
    ],
    ids=lambda response: str(response)[:80],
)
def test_an_answer_that_is_no_lone_text(response: object):
    assert lone_text_in_response(response) is None
