"""What each field of BIGHUB's answer has against the call. `strict_answer` weighs the objections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import NamedTuple, TypeAlias, cast

Answer: TypeAlias = Mapping[str, object]


class Weight(Enum):
    """How heavily a field objects."""

    NO = auto()
    """It must not run."""
    NOT_YET = auto()
    """It may not run as things are."""
    PENDING = auto()
    """The verdict: a person is awaited."""
    ASK = auto()
    """A person should look."""


NO, NOT_YET, PENDING, ASK = Weight.NO, Weight.NOT_YET, Weight.PENDING, Weight.ASK


class Objection(NamedTuple):
    """What one field has against the call.

    Attributes:
        weight: how heavily.
        text: for people.
        unreadable: whether it objects only because its value is unknown.
    """

    weight: Weight
    text: str
    unreadable: bool = False


VERDICTS: Mapping[str, Mapping[str, Weight | None]] = {
    "result": {"allowed": None, "blocked": NO, "denied": NO, "requires_approval": PENDING, "limited": ASK},
    "enforced_verdict": {"allowed": None, "proceed": None, "blocked": NO, "requires_approval": PENDING},
    "verdict_override": {"allowed": None, "proceed": None, "blocked": NO, "requires_approval": PENDING},
    "recommendation": {
        "proceed": None,
        "proceed_with_caution": None,
        "review_recommended": ASK,
        "do_not_proceed": NO,
    },
    "enforcement_mode": {"advisory": None, "review": None, "enforced": None},
}
"""What each word of a field says; a word that is not here is a no."""

MODES: Mapping[str, Weight | None] = {
    **dict.fromkeys(("autonomous", "full", "allowed", "shadow"), None),
    # Allowed within limits. The limits cannot be enforced here, so a person looks.
    **dict.fromkeys(("constrained", "limited", "restricted", "conditional"), ASK),
    **dict.fromkeys(("review", "review_required"), ASK),
    # A dry run was not asked for, and its answer is no decision on what really happens.
    **dict.fromkeys(("blocked", "denied", "needs_context", "dry_run"), NO),
}
"""The words of `mode` and `execution_mode`, which BIGHUB writes in either case."""

FLAGS: Mapping[str, tuple[bool, Weight]] = {
    "requires_approval": (True, PENDING),
    "human_review": (True, ASK),
    "needs_review": (True, ASK),
    "should_not_run": (True, NO),
    "needs_more_context": (True, NO),
    "dry_run": (True, NO),
    "kill_switch_active": (True, NO),
    "can_run": (False, NOT_YET),
}
"""What a flag objects with, and at which of its values."""


def objections(answer: Answer) -> Iterator[Objection]:
    """All objections, in the order in which a person would name them."""
    for field, words in VERDICTS.items():
        yield from _word(field, answer.get(field), words)
    for field in ("mode", "execution_mode"):
        yield from _word(field, _folded(answer.get(field)), MODES)
    for field, (objecting, weight) in FLAGS.items():
        yield from _flag(field, answer.get(field), objecting=objecting, weight=weight)
    if answer.get("request_type") in ("clarification_needed", "needs_more_context"):
        yield Objection(NO, f"request_type is {answer['request_type']}")
    yield from _enforcement(answer)
    yield from _switches(answer)
    yield from _nested(answer)
    yield from _edits(answer)
    yield from _allowed(answer)


def _word(field: str, value: object, words: Mapping[str, Weight | None]) -> Iterator[Objection]:
    if value is None or value == "":
        return
    if not isinstance(value, str) or value not in words:
        yield Objection(NO, f"{field} is {_shown(value)}, which is not known", unreadable=True)
    elif (weight := words[value]) is not None:
        yield Objection(weight, f"{field} is {value}")


def _flag(field: str, value: object, *, objecting: bool, weight: Weight) -> Iterator[Objection]:
    if value is None:
        return
    if not isinstance(value, bool):
        yield Objection(NO, f"{field} is {_shown(value)}, not true or false", unreadable=True)
    elif value is objecting:
        yield Objection(weight, f"{field} is {str(value).lower()}")


def _allowed(answer: Answer) -> Iterator[Objection]:
    allowed = answer.get("allowed")
    if allowed is None:
        yield Objection(NOT_YET, "allowed is not said", unreadable=True)
    yield from _flag("allowed", allowed, objecting=False, weight=NOT_YET)


def _enforcement(answer: Answer) -> Iterator[Objection]:
    mode = answer.get("enforcement_mode")
    if mode == "enforced" and not answer.get("enforced_verdict"):
        yield Objection(NO, "enforcement_mode is enforced, and no enforced_verdict is given", unreadable=True)
    if mode == "review" and answer.get("recommendation") != "proceed":
        yield Objection(ASK, "enforcement_mode is review")


def _switches(answer: Answer) -> Iterator[Objection]:
    """Kill switches, whose shape in an answer is not published, and other blocks."""
    blocked_by = answer.get("blocked_by")
    if blocked_by:
        killed = "kill" in str(blocked_by).lower()
        yield Objection(NO if killed else NOT_YET, f"blocked_by is {_shown(blocked_by)}")
    for field in ("kill_switch", "active_switches"):
        switch = answer.get(field)
        inactive = isinstance(switch, dict) and _inactive(cast("Answer", switch))
        if switch and not inactive:
            yield Objection(NO, f"{field} is set")


def _inactive(switch: Answer) -> bool:
    return not switch.get("active_switches") and (switch.get("active") is False or switch.get("is_active") is False)


def _nested(answer: Answer) -> Iterator[Objection]:
    yield from _ceiling(answer.get("catastrophic_ceiling"))
    signal = _inside(_inside(answer, "decision_packet"), "signal")
    yield from _word("decision_packet.signal.recommendation", signal.get("recommendation"), VERDICTS["recommendation"])
    review = _inside(answer, "model_selection").get("review_required")
    yield from _flag("model_selection.review_required", review, objecting=True, weight=ASK)
    forbidden = _inside(answer, "responsible_action_space").get("forbidden")
    proposed = answer.get("proposed_action")
    if proposed is not None and isinstance(forbidden, list) and proposed in forbidden:
        yield Objection(NO, "responsible_action_space.forbidden holds the proposed action")


def _edits(answer: Answer) -> Iterator[Objection]:
    """Edited arguments make another call than this one."""
    if answer.get("edited_arguments") is not None:
        yield Objection(NO, "edited_arguments is given: other arguments than the call's were approved")


def _ceiling(ceiling: object) -> Iterator[Objection]:
    if ceiling is None:
        return
    if not isinstance(ceiling, dict):
        yield Objection(NO, f"catastrophic_ceiling is {_shown(ceiling)}, not an object", unreadable=True)
        return
    active = cast("Answer", ceiling).get("active")
    yield from _flag("catastrophic_ceiling.active", active, objecting=True, weight=NO)


def _inside(answer: Answer, field: str) -> Answer:
    inner = answer.get(field)
    return cast("Answer", inner) if isinstance(inner, dict) else {}


def _folded(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _shown(value: object) -> str:
    """A value of the answer as an error may show it: short, and of containers the type alone."""
    return repr(value)[:60] if isinstance(value, str | int | float) else f"a {type(value).__name__}"
