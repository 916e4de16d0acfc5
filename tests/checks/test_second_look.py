"""A second look finds what is split over parts or stands between invisible characters, and touches nothing else."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.checks.second_look import Parts, SecondLook, check_again
from litellm_bighub.checks.text_check import TextAnswer, TextQuestion
from litellm_bighub.errors import GuardrailAnswerError

SECRET = "AKIAIOSFODNN7EXAMPLE"
MASK = "[KEY]"
PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
INVISIBLE = ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u180e", "\u200f", "\U000e0041", "\ufe0f"]
BOTH = SecondLook()


class Masking:
    """Masks the secret."""

    guardrail_name = "masking"

    def __init__(self, replacement=MASK):
        self.replacement = replacement
        self.seen = []

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        self.seen.append(dict(inputs))
        return {**inputs, "texts": [text.replace(SECRET, self.replacement) for text in inputs["texts"]]}


class Blocking(Masking):
    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        if any(SECRET in text for text in inputs["texts"]):
            raise PermissionError
        return inputs


class Rewriting(Masking):
    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        return {**inputs, "texts": [self.replacement for _ in inputs["texts"]]}


async def looked(texts, messages=(), guardrail=None, look=BOTH):
    """The texts after a second look."""
    views = look.views(texts, messages)
    if not views:
        return list(texts)
    question = TextQuestion(texts, {"model": "m", "images": ["i"]}, None, {}, "request")
    answer = await check_again(guardrail or Masking(), question, TextAnswer(list(texts)), views, each=False, limit=4)
    assert answer.exact_texts == texts
    return answer.texts


def cut(text, at):
    """The text in parts."""
    bounds = [0, *sorted(at), len(text)]
    return [text[start:end] for start, end in pairwise(bounds)]


@pytest.mark.parametrize(
    ("texts", "before", "expected"),
    [
        (["key AKIAIOSF", "ODNN7EXAMPLE ok"], "", [f"key {MASK}", f"{MASK} ok"]),
        (["key AKIAIOSF", "", "ODNN7EXAMPLE ok"], "", [f"key {MASK}", "", f"{MASK} ok"]),
        (["ODNN7EXAMPLE ok"], "key AKIAIOSF", [f"{MASK} ok"]),
        (["ok"], f"key {SECRET} ", ["ok"]),
        (["key AKIAIOSF", "ODNN7EXAM\u200bPLE ok"], "", [f"key {MASK}", f"{MASK} ok"]),
        ([f"key {SECRET}", "ok"], "", [f"key {MASK}", "ok"]),
        (["one", "two"], "", ["one", "two"]),
    ],
    ids=["two", "with an empty one", "one has left", "all of it has left", "invisible", "in one", "nothing"],
)
async def test_what_is_split_is_masked_in_every_part(texts, before, expected):
    assert await looked(texts, [Parts(range(len(texts)), before)]) == expected


async def test_a_mask_as_long_as_the_secret_is_divided():
    texts = ["key AKIAIOSF", "ODNN7EXAMPLE ok"]

    assert await looked(texts, [Parts([0, 1])], Masking("*" * len(SECRET))) == ["key ********", "************ ok"]


@pytest.mark.parametrize("character", INVISIBLE, ids=ascii)
async def test_no_invisible_character_hides_a_secret(character):
    hidden = character.join(SECRET)

    assert await looked([f"key {hidden} ok", "other"]) == [f"key {MASK} ok", "other"]


@pytest.mark.parametrize(
    "text",
    ["👩\u200d💻 done", PERSIAN, "❤\ufe0f", "co\u00adoperate", "1\ufe0f\u20e3", "\u200b", "plain"],
    ids=["emoji", "persian", "heart", "hyphen", "keycap", "nothing to see", "plain"],
)
async def test_what_hides_nothing_stays(text):
    assert await looked([text]) == [text]


@pytest.mark.parametrize("text", ["👩\u200d💻 done", PERSIAN, "❤\ufe0f", "plain"])
def test_what_other_scripts_are_written_with_is_not_looked_at_again(text):
    assert not BOTH.needed(text)


async def test_a_guardrail_that_blocks_blocks():
    with pytest.raises(PermissionError):
        await looked(["AKIAIOSF", "ODNN7EXAMPLE"], [Parts([0, 1])], Blocking())


async def test_it_is_handed_texts_and_the_model_alone():
    guardrail = Masking()

    await looked(["one", "two", "th\u200bree"], [Parts([0, 1])], guardrail)

    assert guardrail.seen == [{"texts": ["onetwo", "three"], "model": "m"}]


async def test_an_addition_masks_nothing():
    assert await looked(["one ", "two"], [Parts([0, 1])], Rewriting("one two checked")) == ["one ", "two"]


async def test_what_cannot_be_written_back_fails():
    long = " ".join(f"word{n}" for n in range(1000))

    with pytest.raises(GuardrailAnswerError, match="masking: changed the joined texts"):
        await looked([long, long], [Parts([0, 1])], Rewriting(long.upper()))


@given(st.text(), st.text(), st.sets(st.integers(0, 60), max_size=6), st.data())
async def test_no_cut_hides_a_secret(before, after, at, data):
    whole = f"{before} {SECRET} {after}"
    parts = cut(whole, [place for place in at if place < len(whole)])
    hidden = [part + data.draw(st.sampled_from(["", *INVISIBLE])) for part in parts]

    made = await looked([part.replace(SECRET, MASK) for part in hidden], [Parts(range(len(hidden)))])

    seen = "".join(re.sub(f"[{''.join(INVISIBLE)}]", "", part) for part in made)
    assert SECRET not in seen


@given(st.lists(st.text(alphabet=st.sampled_from(["a", "A", "K", " ", "👩", *INVISIBLE]))))
async def test_a_text_without_a_secret_is_never_changed(texts):
    assert await looked(texts, [Parts(range(len(texts)))]) == texts


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (SecondLook(join_parts=False), ["AKIAIOSF", "ODNN7EXAMPLE", MASK]),
        (SecondLook(ignore_invisible=False), [MASK, MASK, "\u200b".join(SECRET)]),
        (SecondLook(join_parts=False, ignore_invisible=False), ["AKIAIOSF", "ODNN7EXAMPLE", "\u200b".join(SECRET)]),
    ],
    ids=["not joined", "not invisible", "neither"],
)
async def test_off_means_off(look, expected):
    texts = ["AKIAIOSF", "ODNN7EXAMPLE", "\u200b".join(SECRET)]

    assert await looked(texts, [Parts([0, 1])], look=look) == expected
