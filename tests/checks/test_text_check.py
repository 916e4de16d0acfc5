"""Texts are checked in parallel, within bounds, and all or none."""

from __future__ import annotations

import asyncio
from collections import UserDict

import pytest

from litellm_bighub.checks.contract import STRUCTURED, Inputs
from litellm_bighub.checks.text_check import TextAnswer, TextQuestion, check, discard, gather, lone_answer
from litellm_bighub.errors import GuardrailAnswerError


class OfTexts:
    """A guardrail of the first contract."""

    guardrail_name = "mine"

    def __init__(self, answer):
        self.answer = answer

    async def apply_guardrail(self, text):
        return self.answer(text)


class OfInputs:
    """A guardrail of today's contract, which notes what it was handed."""

    guardrail_name = "mine"

    def __init__(self, answer=lambda inputs: inputs):
        self.answer = answer
        self.handed = []

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        self.handed.append((dict(inputs), request_data, input_type, logging_obj))
        return self.answer(inputs)


def question(*texts, context=None, structured_messages=None):
    return TextQuestion(texts, context or {}, structured_messages, {"model": "m"}, "request", "log")


def ask(guardrail, asked, *, each=False, limit=8):
    return check(guardrail, asked, each=each, limit=limit)


@pytest.mark.parametrize(
    ("texts", "context", "empty"),
    [
        (["a"], {}, False),
        ([], {}, True),
        ([], {"model": "m"}, True),
        ([], {"images": ["u"]}, False),
        ([], {"tools": []}, True),
        ([], {"tool_calls": [{}]}, False),
    ],
)
def test_when_there_is_nothing_to_check(texts, context, empty):
    assert question(*texts, context=context).is_empty is empty


@pytest.mark.parametrize("each", [False, True])
async def test_a_guardrail_of_the_first_contract_sees_each_text(each):
    assert await ask(OfTexts(str.upper), question("a", "b"), each=each) == TextAnswer(["A", "B"])


async def test_a_guardrail_of_todays_contract_sees_all_with_their_context():
    guardrail = OfInputs(lambda inputs: {"texts": [text.upper() for text in inputs["texts"]], "tools": ["t"]})
    asked = question("a", "b", context={"images": ["u"], "model": "m"})

    assert await ask(guardrail, asked) == TextAnswer(["A", "B"], tools=["t"])
    handed = {"texts": ["a", "b"], "images": ["u"], "model": "m"}
    assert guardrail.handed == [(handed, {"model": "m"}, "request", "log")]


async def test_one_call_a_text_shows_what_is_no_text_once():
    guardrail = OfInputs()
    asked = question("a", "b", context={"images": ["u"], "model": "m"}, structured_messages=lambda: ["never"])

    assert await ask(guardrail, asked, each=True) == TextAnswer(["a", "b"])
    handed = [each[0] for each in guardrail.handed]
    assert handed == [{"texts": ["a"], "images": ["u"], "model": "m"}, {"texts": ["b"], "model": "m"}]


async def test_a_lone_text_is_shown_with_everything():
    guardrail = OfInputs(lambda inputs: {**inputs, STRUCTURED: inputs[STRUCTURED]})
    asked = question("a", context={"images": ["u"]}, structured_messages=lambda: ["m"])

    assert await ask(guardrail, asked, each=True) == TextAnswer(["a"], structured_messages=["m"])


async def test_what_was_not_answered_is_unchanged():
    assert await ask(OfInputs(lambda _: {"other": 1}), question("a")) == TextAnswer(["a"])


async def test_a_text_of_a_class_of_its_own_is_a_text():
    class Masked(str):
        __slots__ = ()

    guardrail = OfInputs(lambda _: {"texts": [Masked("x"), "b"]})
    assert await ask(guardrail, question("a", "b")) == TextAnswer(["x", "b"])


@pytest.mark.parametrize(
    ("guardrail", "problem"),
    [
        pytest.param(OfTexts(lambda _: None), "answered a text with nothing", id="no text"),
        pytest.param(OfTexts(lambda text: [text]), "answered a text with a list", id="a list for a text"),
        pytest.param(OfInputs(lambda _: None), "answered with nothing", id="nothing"),
        pytest.param(OfInputs(lambda _: ["a", "b"]), "answered with a list", id="a list for inputs"),
        pytest.param(OfInputs(lambda _: {"texts": "ab"}), "answered 2 texts with a str", id="one text for both"),
        pytest.param(OfInputs(lambda _: {"texts": ["a"]}), "answered 2 texts with 1", id="too few"),
        pytest.param(OfInputs(lambda _: {"texts": ["a", None]}), "answered text 1 with nothing", id="one is none"),
    ],
)
async def test_an_answer_that_fits_no_text_is_refused(guardrail, problem):
    with pytest.raises(GuardrailAnswerError, match=problem):
        await ask(guardrail, question("a", "b"))


async def test_what_a_guardrail_raises_is_raised_and_the_others_end():
    ended = []

    class Blocks(OfTexts):
        async def apply_guardrail(self, text):
            if text == "bad":
                raise PermissionError(text)
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(text)

    with pytest.raises(PermissionError):
        await ask(Blocks(None), question("slow", "bad"))
    assert ended == ["slow"]


@pytest.mark.parametrize("limit", [0, 1, 3])
async def test_no_more_checks_are_under_way_than_allowed(limit):
    running, most = 0, 0

    async def one(number):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return number

    assert await gather([one(number) for number in range(9)], limit) == list(range(9))
    assert most == max(limit, 1)


async def test_discarded_awaitables_neither_warn_nor_run_on():
    async def never():
        raise AssertionError

    future = asyncio.get_running_loop().create_future()

    class Custom:
        def __await__(self):
            raise AssertionError

    await discard([never(), future, Custom()])
    assert future.cancelled()


def test_a_lone_text_that_was_left_as_it_was_needs_no_answer():
    inputs = Inputs({"texts": ["a"]})

    assert lone_answer(OfInputs(), inputs, "a") == "a"
    assert lone_answer(OfInputs(), {"texts": ["b"]}, "a") == "b"
    assert lone_answer(OfInputs(), {"texts": ("b",)}, "a") == "b"
    assert lone_answer(OfInputs(), UserDict(texts=["b"]), "a") == "b"


def test_messages_that_a_lone_texts_guardrail_has_seen_may_be_rewritten():
    inputs = Inputs({"texts": ["a"]})
    inputs.make = lambda: ["m"]
    assert STRUCTURED in inputs

    assert lone_answer(OfInputs(), inputs, "a") == TextAnswer(["a"], structured_messages=["m"])


def test_tools_that_a_guardrail_wrote_into_its_inputs_are_an_answer():
    inputs = Inputs({"texts": ["a"]})
    inputs["tools"] = ["t"]

    assert lone_answer(OfInputs(), inputs, "a") == TextAnswer(["a"], tools=["t"])


@pytest.mark.parametrize("each", [False, True])
async def test_images_that_were_rewritten_are_in_the_answer(each):
    def answer(inputs):
        return {**inputs, "images": ["v"]} if "images" in inputs else inputs

    answered = await ask(OfInputs(answer), question("a", "b", context={"images": ["u"]}), each=each)

    assert answered == TextAnswer(["a", "b"], images=["v"])


@pytest.mark.parametrize("answered", [["v", "w"], [5], [], "u"])
async def test_images_that_cannot_be_written_back_are_refused(answered):
    def answer(inputs):
        return {**inputs, "images": answered}

    with pytest.raises(GuardrailAnswerError, match="other images"):
        await ask(OfInputs(answer), question("a", context={"images": ["u"]}))


async def test_images_that_were_taken_out_where_they_stand_are_refused_too():
    def answer(inputs):
        inputs["images"].clear()
        return inputs

    given = ["u"]
    with pytest.raises(GuardrailAnswerError, match="other images"):
        await ask(OfInputs(answer), question("a", context={"images": given}))
    assert given == ["u"]
    unchanged = await ask(OfInputs(), question("a", context={"images": given}))
    assert unchanged.texts == ["a"]


@pytest.mark.parametrize(("first", "exact"), [(None, ["a"]), (["b"], ["b"])])
def test_what_was_answered_about_each_text_on_its_own(first, exact):
    assert TextAnswer(["a"], first_texts=first).exact_texts == exact


@pytest.mark.parametrize("made", [dict, UserDict, Inputs])
@pytest.mark.parametrize("beside", [{}, {"tool_calls": [1]}])
async def test_an_answer_is_read_whatever_mapping_it_is(made, beside):
    answer = await ask(OfInputs(lambda _: made({"texts": ["b"], **beside})), question("a"))
    assert (answer.texts, answer.tool_calls) == (["b"], beside.get("tool_calls"))
    assert answer.is_texts_alone is (not beside)


@pytest.mark.parametrize("answered", [{"tools": [1]}, {STRUCTURED: []}, {"images": ["w"]}])
def test_an_answer_with_more_than_texts(answered):
    key = "structured_messages" if STRUCTURED in answered else next(iter(answered))
    assert not TextAnswer(["a"], **{key: answered[next(iter(answered))]}).is_texts_alone
