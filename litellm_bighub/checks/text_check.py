"""Checking texts with a guardrail: in parallel, bounded, and all or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar, cast

from litellm_bighub.checks.contract import STRUCTURED, Contract, Guardrail, Inputs, contract_of, name_of
from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.errors import GuardrailAnswerError

T = TypeVar("T")
_MEDIA = ("images", "files")
_NO_TEXTS = object()
_STRINGS = {str}
_DICTS: frozenset[type] = frozenset((dict, Inputs))
_Get: TypeAlias = Callable[..., Payload]
_BESIDE_TEXTS = frozenset({"tools", "tool_calls", *_MEDIA, STRUCTURED})
InputType = Literal["request", "response"]


class TextQuestion(NamedTuple):
    """Texts and the context they are checked in.

    Attributes:
        texts: what is to be checked.
        context: what goes with them as it is, by key: `images`, `files`, `tools`, `tool_calls`, `model`.
        structured_messages: makes the request as chat messages; asked for only by guardrails that want them.
        request_data: the request, which guardrails read identity and settings from.
        input_type: on which side of the model the texts stand.
        logging_obj: LiteLLM's logging object, if there is one.
    """

    texts: Sequence[str]
    context: JsonMapping
    structured_messages: Callable[[], object] | None
    request_data: JsonObject
    input_type: InputType
    logging_obj: object = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that a guardrail could look at."""
        return not self.texts and not any(self.context.get(key) for key in ("images", "files", "tools", "tool_calls"))


class TextAnswer(NamedTuple):
    """What a guardrail made of a question; what it did not answer is `None`, and unchanged.

    Attributes:
        first_texts: the texts as they were before a second look; `None` if there was none.
    """

    texts: list[str]
    tools: Payload = None
    tool_calls: Payload = None
    structured_messages: Payload = None
    first_texts: list[str] | None = None
    images: Sequence[str] | None = None
    files: Sequence[str] | None = None

    @property
    def is_texts_alone(self) -> bool:
        """Whether the guardrail answered with texts, and left all else as it was."""
        _, tools, tool_calls, messages, _, images, files = self
        return tools is tool_calls is messages is images is files is None

    @property
    def exact_texts(self) -> list[str]:
        """What the guardrail made of each text on its own."""
        return self.texts if self.first_texts is None else self.first_texts


async def check(guardrail: Guardrail, question: TextQuestion, *, each: bool, limit: int) -> TextAnswer:
    """Ask a guardrail.

    Args:
        guardrail: of either contract.
        question: not an empty one.
        each: whether a guardrail of today's contract gets one call a text, at the same time, in place of one for all.
        limit: how many calls may be under way at once.

    Raises:
        GuardrailAnswerError: an answer that cannot be mapped back to the texts.
        Exception: whatever the guardrail raises. The other checks have been cancelled, and awaited.
    """
    if contract_of(guardrail) is Contract.TEXT:
        return TextAnswer(await gather((_check_text(guardrail, text) for text in question.texts), limit))
    if each and len(question.texts) > 1:
        return await _check_each(guardrail, question, limit)
    return await _check_batch(guardrail, question, question.texts, question.context)


def lone_answer(guardrail: Guardrail, answer: object, text: str) -> TextAnswer | str:
    """Read what a guardrail of today's contract made of one text alone.

    Args:
        guardrail: of today's contract.
        answer: what it answered.
        text: what it was asked about.

    Returns:
        What became of the text, if that is all that it answered.

    Raises:
        GuardrailAnswerError: the answer cannot be mapped back to the text.
    """
    if type(answer) in _DICTS and _BESIDE_TEXTS.isdisjoint(cast("JsonObject", answer)):
        texts = dict.get(cast("JsonObject", answer), "texts")
        if type(texts) is list and len(cast("list[Payload]", texts)) == 1 and type(texts[0]) is str:
            return texts[0]
    read = _answer(guardrail, answer, [text], {})
    return read.texts[0] if read.is_texts_alone else read


async def gather(awaitables: Iterable[Awaitable[T]], limit: int) -> list[T]:
    """`asyncio.gather` with at most `limit` under way, which leaves nothing running when one of them raises."""
    semaphore = asyncio.Semaphore(max(limit, 1))

    async def bounded(awaitable: Awaitable[T]) -> T:
        async with semaphore:
            return await awaitable

    given = list(awaitables)
    tasks = [asyncio.ensure_future(bounded(awaitable)) for awaitable in given]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await discard(given)
        raise


async def discard(awaitables: Iterable[Awaitable[object]]) -> None:
    """End awaitables that nobody is going to await: one whose turn never came would warn, or run on unseen."""
    futures: list[asyncio.Future[object]] = []
    for awaitable in awaitables:
        if asyncio.iscoroutine(awaitable):
            awaitable.close()
        elif isinstance(awaitable, asyncio.Future):
            awaitable.cancel()
            futures.append(awaitable)
    await asyncio.gather(*futures, return_exceptions=True)


async def _check_text(guardrail: Guardrail, text: str) -> str:
    answer = await guardrail.apply_guardrail(text=text)
    if not isinstance(answer, str):
        raise GuardrailAnswerError(name_of(guardrail), f"answered a text with {_a(answer)}")
    return answer


async def _check_each(guardrail: Guardrail, question: TextQuestion, limit: int) -> TextAnswer:
    """One call a text; what is no text goes with the first, so that it is looked at once.

    None is offered the messages: they hold all texts, and of several rewrites of them only one could be kept.
    """
    question = question._replace(structured_messages=None)
    alone = {"model": question.context["model"]} if "model" in question.context else {}
    answers = await gather(
        (
            _check_batch(guardrail, question, [text], alone if index else question.context)
            for index, text in enumerate(question.texts)
        ),
        limit,
    )
    return answers[0]._replace(texts=[answer.texts[0] for answer in answers])


async def _check_batch(
    guardrail: Guardrail, question: TextQuestion, texts: Sequence[str], context: JsonMapping
) -> TextAnswer:
    given: JsonObject = {"texts": list(texts), **context}
    for key in _MEDIA:
        if key in context:
            given[key] = list(context[key])  # a guardrail may write into what it gets
    inputs = Inputs(given)
    inputs.make = question.structured_messages
    answer = await guardrail.apply_guardrail(
        inputs=inputs,
        request_data=question.request_data,
        input_type=question.input_type,
        logging_obj=question.logging_obj,
    )
    return _answer(guardrail, answer, texts, context)


def _answer(guardrail: Guardrail, answer: object, texts: Sequence[str], context: JsonMapping) -> TextAnswer:
    if type(answer) in _DICTS and _BESIDE_TEXTS.isdisjoint(cast("JsonObject", answer)):
        return TextAnswer(_texts(guardrail, dict.get(cast("JsonObject", answer), "texts", _NO_TEXTS), texts))
    if not isinstance(answer, Mapping):
        raise GuardrailAnswerError(name_of(guardrail), f"answered with {_a(answer)}, not with its inputs")
    answered = cast("JsonMapping", answer)
    # The messages are made only for a guardrail that looks at them.
    get: _Get = dict.get if type(answered) in _DICTS else _get
    images, files = get(answered, "images"), get(answered, "files")
    return TextAnswer(
        _texts(guardrail, get(answered, "texts", _NO_TEXTS), texts),
        get(answered, "tools"),
        get(answered, "tool_calls"),
        get(answered, STRUCTURED),
        None,
        None if images is None else _media(guardrail, images, context.get("images", ()), "images"),
        None if files is None else _media(guardrail, files, context.get("files", ()), "files"),
    )


def _get(answered: JsonMapping, key: str, default: Payload = None) -> Payload:
    return answered.get(key, default)


def _media(guardrail: Guardrail, answered: object, asked: Sequence[str], key: str) -> Sequence[str] | None:
    """The images or files in an answer, `None` if they are those that it was given."""
    media = list(cast("Sequence[object]", answered)) if isinstance(answered, (list, tuple)) else [None]
    if media == list(asked):
        return None
    if len(media) != len(asked) or not all(isinstance(each, str) for each in media):
        raise GuardrailAnswerError(name_of(guardrail), f"answered with other {key}, which cannot be written back")
    return cast("Sequence[str]", media)


def _texts(guardrail: Guardrail, texts: object, asked: Sequence[str]) -> list[str]:
    if texts is _NO_TEXTS:
        return list(asked)
    if not isinstance(texts, (list, tuple)):
        raise GuardrailAnswerError(name_of(guardrail), f"answered {len(asked)} texts with {_a(texts)}")
    given = cast("list[Payload] | tuple[Any, ...]", texts)
    if given == asked:
        return list(asked)
    if len(given) != len(asked):
        raise GuardrailAnswerError(name_of(guardrail), f"answered {len(asked)} texts with {len(given)}")
    if set(map(type, given)) == _STRINGS:
        return list(given)
    for index, text in enumerate(given):
        if not isinstance(text, str):
            raise GuardrailAnswerError(name_of(guardrail), f"answered text {index} with {_a(text)}")
    return list(given)


def _a(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
