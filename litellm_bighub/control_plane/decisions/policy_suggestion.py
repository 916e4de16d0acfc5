"""The smallest rules that would have allowed what people approved again and again, or what shadow mode recorded.

The record holds redacted arguments: a call of which something is hidden is not suggested. Nor is one that a rule
blocked, that a person denied or edited, or that cannot be read. Each rule is tried on the record before it is shown:
with it exactly its own calls are allowed, and no other that was not allowed before.
"""

from __future__ import annotations

import difflib
import glob
import json
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from itertools import chain
from typing import Final, TypeAlias, TypeGuard

import yaml

from litellm_bighub.control_plane.decisions.replay import hides_arguments, recorded_call, replay
from litellm_bighub.domain.actor import KEY, USER
from litellm_bighub.domain.call import ToolCall, restored_context
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.policy.evaluation import PolicyJudgement, find
from litellm_bighub.policy.pack import read_pack
from litellm_bighub.policy.parts.part import Part, WholeCall
from litellm_bighub.policy.parts.path_use import PathUse
from litellm_bighub.policy.parts.recipient import Recipient
from litellm_bighub.policy.parts.shell_command import Command
from litellm_bighub.policy.parts.url_use import UrlUse
from litellm_bighub.policy.policy_file import parse_policy, read_yaml
from litellm_bighub.policy.policy_text import AddedRules, build
from litellm_bighub.policy.rule import Policy, Rule
from litellm_bighub.policy.rule_pattern import Pattern

MOST_FAMILIES: Final = 50
_ENOUGH: Final = 3
"""So many different words, paths or values are taken for one that varies."""
_FEW: Final = 5
"""So many different values of an argument are listed."""
_PLAIN_WORD: Final = re.compile(r"[\w@%+=:,./-]+", re.ASCII)
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
Key: TypeAlias = str
"""A call and its caller, as one text: equal calls have the same."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What people said: the ids of approvals that were approved as they were asked for, and of those denied or edited.

    One that only some of several people have approved so far is in neither.
    """

    approved: frozenset[str]
    refused: frozenset[str]

    @classmethod
    def of(cls, resolved: Iterable[JsonObject]) -> Answers:
        """Out of the events `approval.resolved`. One that anybody has edited was not approved as it was asked for."""
        approved: set[str] = set()
        refused: set[str] = set()
        for event in resolved:
            answer, is_edited = event["body"].get("answer"), "after" in event["body"]
            if is_edited or answer not in {"approve", "approve_first"}:
                refused.add(event["subject"])
            elif answer == "approve":
                approved.add(event["subject"])
        return cls(frozenset(approved - refused), frozenset(refused))


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What may be added to the file.

    Attributes:
        diff: of the file, in the unified form; empty if nothing is suggested.
        text: the file with it.
        rules: how many rules that are.
        calls: how many recorded calls they would have allowed.
        left_out: why calls were left out, with their number.
    """

    diff: str
    text: str
    rules: int = 0
    calls: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class CallFamily:
    """Calls that one rule would allow."""

    who: JsonObject
    """The fields of a rule that say which tool and whose call it is for."""
    anchor: str
    """The name of the rule that asked; empty for the default."""
    calls: dict[Key, tuple[ToolCall, Sequence[Part]]] = field(default_factory=dict)
    times: set[str] = field(default_factory=set)
    """The approvals, or the decisions of shadow mode."""

    @property
    def examples(self) -> Iterable[str]:
        """Each call in a line."""
        for call, parts in self.calls.values():
            shown = [part.shown for part in parts if not part.restricts_only and not isinstance(part, WholeCall)]
            yield "; ".join(shown) or json.dumps(call.arguments)


class LeftOut(Enum):
    """Why no rule is suggested for a call, in the words of the command. The inbox has a sentence for each name."""

    REFUSED = "a rule blocked the same call, or a person denied or edited it"
    HELD = "a rule of a key or team asks, which counts whatever the policy file allows"
    LIMITED = "the rule that asks has limits, sums or hours, which a suggested rule would not have"
    HIDDEN = "something is hidden in its arguments"
    WRAPPED = "a wrapper or a variable before the command changes what it runs"
    UNSURE = "a word is known only when the command runs"
    UNREAD = "a part cannot be read, or no pattern stands for it alone"
    INEXACT = "no rule allows exactly these"


class _NoPatternError(Exception):
    """No pattern allows the part."""

    def __init__(self, why: LeftOut) -> None:
        super().__init__(why.value)
        self.why = why


def suggest(
    raw: str, name: str, added: AddedRules, recorded: Sequence[JsonObject], answers: Answers, *, least: int
) -> Suggestion:
    """Suggest rules for a file.

    Args:
        raw: the file.
        name: its name.
        added: the rules that were added by API.
        recorded: decisions, the oldest first.
        answers: of people.
        least: how often a call, or one like it, must have been approved or recorded.

    Raises:
        ConfigurationError: the file is no policy, or its rules stand in one line.
    """
    before = parse_policy(raw, name)
    record = JudgedRecord(build(before, added), recorded)
    families, why = families_of(record, recorded, answers)
    left_out = Counter(one.value for one in why.values())
    kept: list[tuple[CallFamily, JsonObject]] = []
    for family in families:
        if len(family.times) < least:
            left_out[f"approved or recorded less than {least} times"] += len(family.calls)
            continue
        tried = rules_for(family, record.policy)
        rule = next((rule for rule in tried if _is_exact(record, raw, name, added, [(family, rule)])), None)
        if rule is None or len(kept) == MOST_FAMILIES:
            left_out[LeftOut.INEXACT.value if rule is None else "too many"] += len(family.calls)
        else:
            kept.append((family, rule))
    if not kept or not _is_exact(record, raw, name, added, kept):
        return Suggestion("", raw, left_out=left_out)
    text = _with(raw, name, kept)
    diff = "".join(difflib.unified_diff(raw.splitlines(keepends=True), text.splitlines(keepends=True), name, name))
    return Suggestion(diff, text, len(kept), sum(len(family.calls) for family, _ in kept), left_out)


class JudgedRecord:
    """The record, judged by the policy as it is.

    Attributes:
        keys: of the recorded calls.
        allowed: which of them the policy allows.
    """

    def __init__(self, policy: Policy, recorded: Sequence[JsonObject]) -> None:
        self.policy = policy
        self._recorded = recorded
        self.keys = [key_of(event) for event in recorded]
        self.allowed = self._allowed(policy)

    def _allowed(self, policy: Policy) -> list[bool]:
        return [one.after == "allowed" for one in replay(policy, self._recorded)]

    def allows_only(self, policy: Policy, families: Iterable[CallFamily]) -> bool:
        """Whether a policy allows these calls, and otherwise what is allowed today."""
        after = self._allowed(policy)
        new = {key for key, was, now in zip(self.keys, self.allowed, after, strict=True) if now and not was}
        lost = any(was and not now for was, now in zip(self.allowed, after, strict=True))
        return not lost and new == {key for family in families for key in family.calls}


def _is_exact(
    record: JudgedRecord, raw: str, name: str, added: AddedRules, rules: Sequence[tuple[CallFamily, JsonObject]]
) -> bool:
    """Whether the file with these rules allows their calls, and otherwise what it allows today."""
    written = _with(raw, name, rules)
    try:
        text = parse_policy(written, name)
    except ConfigurationError:
        return False
    return record.allows_only(build(text, added), [family for family, _ in rules])


def key_of(event: JsonObject) -> Key:
    """Of a recorded call."""
    body = event["body"]
    who = [event["actor"], event["domain"], *(body.get(name) for name in ("key", "user", "team"))]
    return json.dumps([event["tool"], body["type"], who, body["arguments"]], sort_keys=True)


def families_of(
    record: JudgedRecord, recorded: Sequence[JsonObject], answers: Answers
) -> tuple[list[CallFamily], dict[Key, LeftOut]]:
    """Calls that people approved or shadow mode recorded, as one rule may allow them; and why others were left out."""
    left_out: dict[Key, LeftOut] = {}
    refused = {key for event, key in zip(recorded, record.keys, strict=True) if is_refused(event, answers)}
    families: dict[tuple[str, ...], CallFamily] = {}
    for event, key, allowed in zip(recorded, record.keys, record.allowed, strict=True):
        body = event["body"]
        asked = body["approval_id"] in answers.approved
        if allowed or not (asked or _is_of_shadow_mode(event)):
            continue
        call = recorded_call(record.policy, event)
        parts = record.policy.parts.of(call)
        asking = asking_rules(record.policy, call, event)
        why = LeftOut.REFUSED if key in refused else _why_left_out(event, parts, asking)
        if why is not None:
            left_out.setdefault(key, why)
            continue
        who = _who(event)
        of = (*chain(*who.items()), *sorted({_kin(part) for part in parts}))
        family = families.setdefault(of, CallFamily(who, asking[0].name if asking else ""))
        family.calls[key] = (call, parts)
        family.times.add(body["approval_id"] if asked else event["subject"])
    return sorted(families.values(), key=lambda family: -len(family.times)), left_out


def _why_left_out(event: JsonObject, parts: Sequence[Part], asking: Sequence[Rule]) -> LeftOut | None:
    if any(rule.holder for rule in asking):
        return LeftOut.HELD
    if any(rule.limits_use or rule.max_totals or rule.hours for rule in asking):
        return LeftOut.LIMITED
    if hides_arguments(event):
        return LeftOut.HIDDEN
    try:
        _patterns(parts)
    except _NoPatternError as error:
        return error.why
    return None


def _who(event: JsonObject) -> JsonObject:
    """What an approval is bound to, and the team. Of the key, whose hash changes with it, only where nothing names it.

    Keys that share an actor may have other rules in their metadata, which are judged beside the suggested one.
    """
    body, actor = event["body"], event["actor"]
    who = {"tool": event["tool"], "actor": actor, "domain": event["domain"]}
    who |= {name: body.get(name) for name in ("user", "team")}
    if not who["user"] and not actor.startswith((KEY, USER)):
        who["key"] = body.get("key")
    return {"type": event["body"]["type"]} | {name: glob.escape(value) for name, value in who.items() if value}


def is_refused(event: JsonObject, answers: Answers) -> bool:
    """Whether a rule blocked the call, or a person denied or edited it."""
    body = event["body"]
    if body["approval_id"]:  # of an edit, the answers may be older than what is looked at
        return body["approval_id"] in answers.refused or bool(body.get("edited"))
    return bool(event["verdict"] == "blocked" and body["blocked_by"] != "default")


def _is_of_shadow_mode(event: JsonObject) -> bool:
    """Whether it passed in shadow mode, and no rule would have stopped it."""
    body = event["body"]
    return bool(not body["enforced"] and event["verdict"] != "allowed" and body["blocked_by"] == "default")


def asking_rules(policy: Policy, call: ToolCall, event: JsonObject) -> list[Rule]:
    """The rules that would ask today; a new one has to stand before the first."""
    found = find(policy, call, restored_context(event["actor"], event["domain"], event["body"]), event["time"])
    if isinstance(found, PolicyJudgement):
        return []
    return [rule for rule in found if rule is not None and _asks(rule, call.value)]


def _asks(rule: Rule, value: float | None) -> bool:
    above = rule.require_approval_above
    return rule.effect != "allow" or (above is not None and value is not None and value > above)


def _kin(part: Part) -> str:
    """What parts of one family share."""
    if isinstance(part, Command):
        operand = next((word.text for word in part.argv[1:] if not word.text.startswith("-")), "")
        return f"command {part.argv[0].text} {operand if _PLAIN_NAME.fullmatch(operand) else ''}".rstrip()
    if isinstance(part, UrlUse):
        return f"{part.scheme}://{part.hosts[0]}:{part.port}"
    if isinstance(part, PathUse):
        return f"{part.kind} {'' if part.path is None or part.restricts_only else posixpath.dirname(part.path)}"
    return part.kind


def _patterns(parts: Sequence[Part]) -> dict[str, list[str]]:
    """A pattern for each part that needs one.

    Raises:
        _NoPatternError: there is none.
    """
    found: dict[str, list[str]] = {}
    for part in parts:
        if part.restricts_only or isinstance(part, WholeCall):
            continue
        kind, pattern = _pattern(part)
        if pattern not in found.setdefault(kind, []):
            found[kind].append(pattern)
    return found


def _pattern(part: Part) -> tuple[str, str]:
    match part:
        case Command() if part.assigns or part.moved:
            raise _NoPatternError(LeftOut.WRAPPED)
        case Command() if not all(word.sure and not word.glob and _can_stand(word.text) for word in part.argv):
            raise _NoPatternError(LeftOut.UNSURE)
        case Command():
            return "command", " ".join(_quoted(word.text) for word in part.argv)
        case PathUse(path=str(path)) if not part.glob and not set("*?[]{}") & set(path):
            return part.kind, path
        case UrlUse() if part.sure and not set("*?#") & set(part.shown):
            return "url", part.shown
        case Recipient():
            return "recipient", part.shown
        case _:
            raise _NoPatternError(LeftOut.UNREAD)


def _can_stand(word: str) -> bool:
    return not ("'" in word and '"' in word)


def _quoted(word: str) -> str:
    if _PLAIN_WORD.fullmatch(word):
        return word
    return f'"{word}"' if "'" in word else f"'{word}'"


def rules_for(family: CallFamily, policy: Policy) -> Iterable[JsonObject]:
    """Rules for the calls, the shortest first; the last holds each call as it is."""
    exact: dict[str, list[str]] = {}
    for _, parts in family.calls.values():
        for kind, patterns in _patterns(parts).items():
            exact[kind] = list(dict.fromkeys([*exact.get(kind, []), *patterns]))
    rule = family.who
    if not exact:
        yield {**rule, **_of_values([call for call, _ in family.calls.values()], policy)}
        return
    wide = dict(exact)
    if "command" in exact:
        wide["command"] = _with_star(exact["command"])
    if len(exact.get("url", ())) >= _ENOUGH:
        wide["url"] = sorted({re.sub(r"^([a-z]+://[^/]+).*", r"\1/**", url) for url in exact["url"]})
    if wide != exact:
        yield {**rule, **wide}
    yield {**rule, **exact}


def _with_star(commands: list[str]) -> list[str]:
    """One pattern for commands that differ in one word, with `*` for what differs; never for dangerous ones.

    A word varies if at least three are different, begin alike and are no options.
    """
    rows = [command.split(" ") for command in commands]
    if len(rows) < _ENOUGH or len({len(row) for row in rows}) != 1 or any("'" in row or '"' in row for row in commands):
        return commands
    varying = [at for at, words in enumerate(zip(*rows, strict=True)) if len(set(words)) > 1]
    if len(varying) != 1 or varying[0] == 0 or not all(map(_is_harmless, commands)):
        return commands
    words = [row[varying[0]] for row in rows]
    start, end = posixpath.commonprefix(words), posixpath.commonprefix([word[::-1] for word in words])[::-1]
    if not start or start.startswith("-") or min(map(len, words)) < len(start) + len(end):
        return commands
    row = list(rows[0])
    row[varying[0]] = f"{start}*{end}"
    return [" ".join(row)]


def _is_harmless(command: str) -> bool:
    """Whether the pack for coding agents allows such a command: of others every word stays as it was approved."""
    pack = _coding_pack()
    parts = pack.parts.of(ToolCall("", "function", "Bash", {"command": command}))
    shell = [rule for rule in pack.rules if rule.name in {"shell", "reading and building"}]
    return all(
        next((rule.effect for rule in shell if rule.fits(part)), "block") == "allow"
        for part in parts
        if isinstance(part, Command)
    )


@cache
def _coding_pack() -> Policy:
    return build(read_pack("coding-agent").model_copy(update={"workspace": "/w"}))


def _of_values(calls: Sequence[ToolCall], policy: Policy) -> JsonObject:
    """A condition on the value, and on the other arguments that are not too many different ones.

    A bound of the rule would block calls that ask a person today; it stands only where no argument is the value itself.
    """
    tool = next((each for name, each in policy.tools.items() if Pattern(name).matches(calls[0].name)), None)
    measured = None if tool is None else tool.value
    found: JsonObject = {}
    values = [call.value for call in calls if call.value is not None]
    is_number = all(_is_number(call.arguments.get(measured or "")) for call in calls)
    if measured and not is_number and len(values) == len(calls) and min(values) >= 0:
        found |= {"min_value": min(values), "max_value": max(values)}
    tests: list[str] = []
    for name in sorted({name for call in calls for name in call.arguments}):
        if (name == measured and found) or not _PLAIN_NAME.fullmatch(name):
            continue
        held = [call.arguments.get(name) for call in calls]
        numbers = [one for one in held if _is_number(one)]
        different = list({json.dumps(one, sort_keys=True): one for one in held}.values())
        if len(numbers) == len(held) and (name == measured or len(different) >= _ENOUGH):
            low, high = json.dumps(min(numbers)), json.dumps(max(numbers))
            tests.append(f"type({name}) == 'number' && {name} >= `{low}` && {name} <= `{high}`")
        elif len(different) <= _FEW:
            literal = json.dumps(different).replace("`", "\\`")
            tests.append(f"contains(`{literal}`, {name})")
    return found | ({"when": " && ".join(tests)} if tests else {})


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _with(raw: str, name: str, rules: Sequence[tuple[CallFamily, JsonObject]]) -> str:
    """The file with the rules, each before the one that asks, or behind all."""
    root, _ = read_yaml(raw, name)
    listed = next((value for key, value in root.value if key.value == "rules"), None)
    lines = raw.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    names = {
        str(value.value): rule.start_mark.line
        for rule in (listed.value if listed else ())
        for key, value in rule.value
        if key.value == "name"
    }
    if listed is None or not listed.value:
        lines = [line for line in lines if not line.startswith("rules:")]
        lines.append("rules:\n")
        end, indent = len(lines), ""
    elif listed.flow_style:
        raise ConfigurationError(f"{name}:{listed.start_mark.line + 1}", "put each rule on a line of its own first")
    else:
        end, indent = _end(lines, listed), " " * listed.start_mark.column
    taken = set(names)
    inserted: dict[int, list[str]] = {}
    for number, (family, rule) in enumerate(rules, 1):
        title = next(f"suggested {at}" for at in range(number, 10_000) if f"suggested {at}" not in taken)
        taken.add(title)
        inserted.setdefault(names.get(family.anchor, end), []).append(_written(title, family, rule, indent))
    return "".join(
        "".join(inserted.get(at, ())) + (lines[at] if at < len(lines) else "") for at in range(len(lines) + 1)
    )


def _end(lines: Sequence[str], listed: yaml.Node) -> int:
    """The line behind the last rule. The parser's mark stands behind blank lines and comments, too."""
    end = min(listed.end_mark.line + (listed.end_mark.column > 0), len(lines))
    while end > 0 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


def _written(title: str, family: CallFamily, rule: JsonObject, indent: str) -> str:
    example = next(iter(family.examples))[:100]
    plain = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in example)
    says = f"# times: {len(family.times)}, different calls: {len(family.calls)}, as: {plain}"
    text = yaml.safe_dump(
        [{"name": title, **rule, "effect": "allow"}], sort_keys=False, width=10_000, default_flow_style=None
    )
    return "".join(f"{indent}{line}\n" for line in (says, *text.splitlines()))
