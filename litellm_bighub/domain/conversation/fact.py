"""Facts about the calls of a conversation, for rules that ask what came before a call.

A fact is a text of this form, and goes with the last time at which it was so:

    <tool            the result of a released call of the tool came back
    >tool            such a call was released
    <tool a,b 0f1e…  the same of a call whose arguments `a` and `b` have this digest; `*` where others are possible, too
    ?<tool  ?>tool   it may be so: the request says it, or it happened in the window of a key and user
    ^<tool  ^>tool   it is so for the key and user, in whichever conversation
    ^                whoever wrote the history looked for these; without it, calls of the key and user may be missing
    =0f1e… tool      what a single call adds when its result comes back; the digest is that of the call
    .a,b 0f1e…       the call that is judged has these arguments, which its question holds redacted or not at all
    @mark            the conversation, or what it goes on from, which began under this mark
    @mark/a/b        what the key and user of this mark did between two times

Values of arguments stand there as digests alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import chain
from math import isfinite
from typing import Final, TypeAlias

from litellm_bighub.domain.call import Arguments, is_readable
from litellm_bighub.domain.secret_patterns import REDACTED

Facts: TypeAlias = Mapping[str, float]
RETURNED: Final = "<"
RELEASED: Final = ">"
MAYBE: Final = "?"
OF_CALLER: Final = "^"
ANY_VALUE: Final = "*"
ANY_TOOL: Final = "\t"
PATH: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
"""Where an argument stands that is compared."""
MOST_VALUES: Final = 50
"""So many values of the same arguments of a tool are told apart; older ones are then possible."""
MOST_CHARACTERS: Final = 100_000
"""So long is a history at most that goes over HTTP."""
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?", re.ASCII)
_OF_CALL: Final = "="
_JUDGED: Final = "."
_THREAD: Final = "@"
_KINDS: Final = frozenset({RETURNED, RELEASED, MAYBE, OF_CALLER, _OF_CALL, _JUDGED, _THREAD})
_SIGNS: Final = frozenset({MAYBE, OF_CALLER})
_HIDDEN: Final = REDACTED.removesuffix("]")


@dataclass(frozen=True, slots=True)
class FollowedCall:
    """Calls that a rule asks for when it judges later ones.

    Attributes:
        tools: patterns of their names.
        fields: where the arguments stand that are compared.
    """

    tools: tuple[str, ...]
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """What counts as a conversation: all under a mark, or what happened there between two times."""

    mark: str
    since: float = float("-inf")
    until: float = float("inf")


def is_fact(text: str) -> bool:
    """Whether it is a fact; no name of a tool begins like one."""
    return text[:1] in _KINDS


def text_of(facts: Facts) -> str:
    """Facts as a call's context has them. Not empty even without any: nobody knows of other calls then.

    Facts and their times stand between semicolons, which no fact holds. The quotes of JSON would be escaped, and
    escaped again, in the event of every decision. What another fact says as well is left out.
    """
    return ";".join(["", *(f"{fact};{facts[fact]!r}" for fact in sorted(facts) if not _is_implied(fact, facts)), ""])


def _is_implied(fact: str, facts: Facts) -> bool:
    """Whether it says that a call was released whose result came back, then or later."""
    sign, kind = ("", fact[:1]) if fact[:1] not in _SIGNS else (fact[:1], fact[1:2])
    if kind != RELEASED:
        return False
    returned = facts.get(f"{sign}{RETURNED}{fact[len(sign) + 1 :]}")
    return returned is not None and returned >= facts[fact]


@lru_cache(maxsize=64)
def from_text(text: str) -> Facts:
    """The facts of a call's context; those of nobody else's words are there without more.

    Raises:
        ValueError: it is not what `text_of` gives.
    """
    before, *told, after = text.split(";")
    facts, times = told[::2], [float(time) for time in told[1::2]]
    if before or after or not _KINDS.issuperset(fact[:1] for fact in facts) or not all(map(isfinite, times)):
        raise ValueError("these are no facts")
    return dict(zip(facts, times, strict=True))


def facts_of(text: str) -> Facts | None:
    """The facts of a call's context; `None` where nobody knows them, or tells what is none."""
    try:
        return from_text(text) if text else None
    except ValueError:
        return None


def with_facts(text: str, new: Facts) -> str:
    """A call's history with new facts; where nobody knows it, nobody does."""
    known = facts_of(text)
    if known is None:
        return ""
    return text_of({**known, **{fact: max(time, known.get(fact, time)) for fact, time in new.items()}})


def joined(text: str, before: str) -> str:
    """The histories of a call and of the same call when it was asked about; where nobody knows one, nobody does."""
    known, earlier = facts_of(text), facts_of(before)
    if known is None or earlier is None:
        return ""
    together = {**earlier, **{fact: max(time, earlier.get(fact, time)) for fact, time in known.items()}}
    if OF_CALLER not in known:  # what the key and user did since then may be missing
        together.pop(OF_CALLER, None)
    return text_of(together)


def is_thread(fact: str) -> bool:
    """Whether it says which conversation it is."""
    return fact.startswith(_THREAD)


def of_call(tool: str, arguments: Arguments, followed: Iterable[FollowedCall]) -> set[str]:
    """What is known of a call, without the sign that says what became of it."""
    name = tool if is_readable(tool) else ANY_TOOL
    facts = {name}
    for one in followed:
        if one.fields and any(fnmatchcase(name, pattern) for pattern in one.tools):
            facts.add(f"{name} {','.join(one.fields)} {digest_of([value_at(arguments, path) for path in one.fields])}")
    return facts


def value_at(arguments: Arguments, path: str) -> str | None:
    """An argument as it is compared: a number and its digits in a text are the same. `None` if it is not there."""
    found: object = arguments
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    if found is None or isinstance(found, str):
        return found
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    return json.dumps(found, sort_keys=True, default=dict)


def digest_of(values: Sequence[str | None]) -> str:
    """What values are compared by; `*` where one is missing, which may be any."""
    if None in values:
        return ANY_VALUE
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:24]


def of_judged(arguments: Arguments, shown: Arguments | None, compared: Iterable[tuple[str, ...]]) -> dict[str, float]:
    """What is compared of the call that is judged, where its question shows it otherwise.

    Args:
        arguments: its own.
        shown: those that its question holds; `None` if it holds none.
        compared: where the arguments stand that rules compare, in their order.
    """
    facts: dict[str, float] = {}
    for paths in compared:
        values = [value_at(arguments, path) for path in paths]
        if shown is None or values != [value_at(shown, path) for path in paths]:
            facts[f"{_JUDGED}{','.join(paths)} {digest_of(values)}"] = 0.0
    return facts


def judged_digest(arguments: Arguments, paths: Sequence[str], history: str) -> str:
    """What the call that is judged is compared by: as its question tells, or else as its arguments say.

    Args:
        arguments: as the question shows them. What is redacted there may be any.
        paths: where the arguments stand, in their order.
        history: as the call's context has it.
    """
    head = f"{_JUDGED}{','.join(paths)} "
    told = [fact.removeprefix(head) for fact in facts_of(history) or () if fact.startswith(head)]
    if told:
        return told[0] if len(told) == 1 else ANY_VALUE
    values = [value_at(arguments, path) for path in paths]
    return digest_of([None if value is None or _HIDDEN in value else value for value in values])


def of_one_call(call_id: str, digest: str, tool: str) -> str:
    """How the facts begin that a single call adds when its result comes back."""
    named = hashlib.sha256(json.dumps([call_id, digest, tool]).encode()).hexdigest()[:24]
    return f"{_OF_CALL}{named} "


def of_calls(facts: Facts) -> dict[str, list[str]]:
    """The facts that single calls add when their results come back, by how those of a call begin."""
    found: dict[str, list[str]] = {}
    for fact in facts:
        if fact[:1] == _OF_CALL:
            found.setdefault(fact[: fact.index(" ") + 1], []).append(fact)
    return found


def unsure(tool: str) -> set[str]:
    """A result that may be one of this tool, whatever its arguments were."""
    name = tool if is_readable(tool) else ANY_TOOL
    return {f"{MAYBE}{RETURNED}{name}", f"{MAYBE}{RETURNED}{name} {ANY_VALUE}"}


def possible(facts: Facts) -> dict[str, float]:
    """Facts of calls as what may be so in another conversation."""
    return {
        fact if fact.startswith(MAYBE) else MAYBE + fact: time
        for fact, time in facts.items()
        if fact[:1] in {RETURNED, RELEASED, MAYBE}
    }


def of_caller(facts: Facts) -> dict[str, float]:
    """Facts of calls as those of a key and user, and that these are all."""
    found = {OF_CALLER + fact: time for fact, time in facts.items() if fact[:1] in {RETURNED, RELEASED}}
    return {OF_CALLER: 0.0, **found}


def kept(facts: Facts) -> dict[str, float]:
    """Those that hold on in a conversation."""
    return {fact: time for fact, time in facts.items() if fact[:1] in {RETURNED, RELEASED, MAYBE, _THREAD}}


def thread(name: str, since: float | None = None, until: float | None = None) -> str:
    """A conversation that began under a mark, or what the key and user of a mark did between two times."""
    return f"{_THREAD}{name}" if since is None else f"{_THREAD}{name}/{since!r}/{until!r}"


def spans(facts: Facts) -> tuple[Span, ...]:
    """What the conversation goes on from; nothing where that is not known."""
    found: list[Span] = []
    for fact in facts:
        name, *times = fact[1:].split("/")
        if is_thread(fact) and all(map(_NUMBER.fullmatch, times)) and len(times) in {0, 2}:
            found.append(Span(name, *map(float, times)))
    return tuple(found)


def shortened(text: str) -> str:
    """A history that is short enough, in which more values are possible only. Nobody knows one that stays too long."""
    facts = facts_of(text) or {}
    shorter = (text_of(folded(facts, most)) for most in (MOST_VALUES, MOST_VALUES // 5, 0))
    return next((each for each in chain([text], shorter) if len(each) <= MOST_CHARACTERS), "")


def folded(facts: Mapping[str, float], most: int = MOST_VALUES) -> dict[str, float]:
    """Facts, no more than can be carried along: of many values of the same arguments the older ones become `*`."""
    if len(facts) <= most:
        return dict(facts)
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for fact in facts:
        head, _, digest = fact.rpartition(" ")
        if fact[:1] == _OF_CALL:
            groups[_OF_CALL].append(fact)
        elif is_fact(fact) and head and digest != ANY_VALUE:
            groups[head].append(fact)
    left = dict(facts)
    for head, group in groups.items():
        for old in sorted(group, key=lambda fact: facts[fact], reverse=True)[most:]:
            time = left.pop(old)
            if head != _OF_CALL:
                any_ = f"{head} {ANY_VALUE}"
                left[any_] = max(time, left.get(any_, time))
    return left
