"""What a wire format is to everything outside of its folder: one record of facts and functions.

The gateway never asks which format it has, only what the record says. A new format is one folder that exports a record,
and one line in `registry.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.formats.answers.answer_fields import FieldShape
from litellm_bighub.formats.answers.found_call import FoundCall, Replacements
from litellm_bighub.formats.format_texts import FormatTexts
from litellm_bighub.formats.requests.approval_answers import ClientApprovals
from litellm_bighub.formats.requests.repair import RequestRepair
from litellm_bighub.formats.requests.results import RequestResults
from litellm_bighub.formats.requests.turns import Turns
from litellm_bighub.formats.stream.gate_protocol import StreamGate
from litellm_bighub.formats.stream.joined_stream import JoinedStream
from litellm_bighub.formats.stream.stream_failure import StreamFailure


@dataclass(frozen=True, slots=True)
class InCode:
    """The functions that take a request of the format as their arguments.

    Attributes:
        function: LiteLLM's asynchronous one, an attribute of its module.
        method: that of LiteLLM's router.
        governed: ours, a public name of this package.
    """

    function: str
    method: str
    governed: str


def _never(_: object) -> bool:
    return False


def _no_turns(_: JsonMapping) -> Turns:
    return Turns()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class TextFormat:
    """A wire format as text checks see it. One that holds no conversation is no more than this.

    Attributes:
        name: what it is called in errors.
        conversation: the field of a request that holds its conversation; empty if it holds none.
        routes: the patterns of its routes, as `routes/route_table.py` spells them.
        texts: where the texts are; `None` if nobody finds them in this format.
        merges_extra_body: whether LiteLLM lays `extra_body` over requests.
        passes_unknown_fields: whether LiteLLM sends on fields of a request that it does not know.
        has_event_objects: whether LiteLLM's own events in streams are objects, not dicts or bytes.
        has_answer_hook: whether LiteLLM's proxy hands whole answers to a hook.
    """

    name: str
    conversation: str = ""
    routes: Sequence[str]
    texts: FormatTexts | None = None
    merges_extra_body: bool = True
    passes_unknown_fields: bool = True
    has_event_objects: bool = False
    has_answer_hook: bool = True

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class Format(TextFormat):
    """A wire format in which tool calls are found and withheld.

    Attributes:
        inner_routes: routes of another format where LiteLLM's hooks are given answers of this one.
        call_types: LiteLLM's names of its requests.
        in_code: the functions that send its requests.
        is_answer: whether a whole answer is in this format, by its shape alone.
        check_answer: raises `UnreadableAnswerError` if a whole answer is none of this format.
        find_calls: every call of a whole answer; raises `PayloadError` if it cannot be read.
        no_calls: types of objects in an answer that make nobody act, or only the provider.
        answer_fields: what the fields of a whole answer carry, so that no other field tells of a withheld call.
        gate: a new gate for a stream, made of the request and of what makes ids for notices.
        joined_stream: what makes one stream of an answer whose calls were blocked and of the model's next answer.
        failed_stream: what a refused stream ends with, in the format's own documented error.
        brought: what a request brings back from earlier answers.
        turns: the answers in a request, and what the coming one goes on from.
        repaired: the fields of a request that change where something is put right in it; it is not changed.
        next_request: the fields of a request that change where the model is told of its blocked calls, made of the
            request, its answer and the notices by the ids of their calls; `None` if the calls cannot be answered.
        wants_refusals: whether notices of a request are refusals, since the caller parses the answer's text.
        client_approvals: how clients answer requests for approval, if the format can show any.
        stores_answers: whether a request may go on from an answer by its id.
        batches: whether LiteLLM answers a request for several models with a list of answers.
    """

    inner_routes: Sequence[str] = ()
    call_types: Sequence[str]
    in_code: InCode
    is_answer: Callable[[object], bool]
    check_answer: Callable[[object], None]
    find_calls: Callable[[object, Replacements], list[FoundCall]]
    no_calls: frozenset[str] = frozenset()
    answer_fields: FieldShape
    gate: Callable[[object, Callable[[], str]], StreamGate]
    joined_stream: Callable[[], JoinedStream]
    failed_stream: Callable[[StreamFailure], Sequence[object]]
    brought: Callable[[JsonMapping], RequestResults]
    repaired: Callable[[JsonMapping, RequestRepair], JsonObject]
    next_request: Callable[[JsonMapping, object, Mapping[str, str]], JsonObject | None]
    turns: Callable[[JsonMapping], Turns] = _no_turns
    wants_refusals: Callable[[object], bool] = _never
    client_approvals: ClientApprovals | None = None
    stores_answers: bool = False
    batches: bool = False
