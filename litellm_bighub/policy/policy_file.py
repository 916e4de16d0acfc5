"""Reading `bighub_policy.yaml`: every mistake is a `ConfigurationError` that names the file and the line."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from litellm_bighub.domain.actor import KEY, USER
from litellm_bighub.errors import ConfigurationError, did_you_mean
from litellm_bighub.policy.argument_condition import compile_expression, refuse_slips
from litellm_bighub.policy.authoring.rule_order import allowing_all, unreached
from litellm_bighub.policy.examples import CheckedExample, check_examples
from litellm_bighub.policy.history.earlier_call_text import EarlierCallText
from litellm_bighub.policy.pack import with_packs
from litellm_bighub.policy.parts.call_parts import PART_FIELDS, ToolParts
from litellm_bighub.policy.policy_text import PolicyText, RuleText, build
from litellm_bighub.policy.rule import Policy
from litellm_bighub.policy.rule_pattern import ActorPattern, AnyOf, Pattern

_IN_A_RULE: Final = 3
MAX_BYTES = 1_000_000
_WILD: Final = frozenset("*?[")
CLAIM_ALLOWS: Final = (
    "the end user is the caller's word, so a rule that names it may block or ask; to let it allow, say"
    " `trusted_end_user: true`"
)
_Model = TypeVar("_Model", bound=BaseModel)


def load_policy(path: Path) -> Policy:
    """Read the policy of a file.

    Raises:
        ConfigurationError: the file cannot be read or its content is no policy.
    """
    return build(load_text(path))


def load_text(path: Path) -> PolicyText:
    """Read a file as it is written, for those who add rules of their own."""
    return parse_policy(read_file(path), path.name)


def load_examples(path: Path) -> tuple[PolicyText, list[tuple[int, CheckedExample]]]:
    """Read a file whose examples may be wrong, and give each with its line."""
    text, root = _parsed(read_file(path), path.name)
    return text, [(line_of(root, one.place), one) for one in check_examples(text)]


def read_file(path: Path) -> str:
    """The text of a file that people write.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_BYTES:
            raise ConfigurationError(path.name, f"a policy has at most {MAX_BYTES} bytes")
        return raw.decode()
    except OSError as error:
        raise ConfigurationError(str(path), f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(path.name, "is not UTF-8 text") from error


def parse_policy(text: str, name: str) -> PolicyText:
    """Read a policy out of a text, and check its examples.

    Args:
        text: YAML.
        name: the file's name, for messages.

    Raises:
        ConfigurationError: with the key `name:line`.
    """
    policy, root = _parsed(text, name)
    for checked in check_examples(policy):
        if checked.problem is not None:
            place = f"rules[{checked.place[1]}].examples.{checked.expected}[{checked.place[-1]}]"
            _fail(name, line_of(root, checked.place), f"{place}: {checked.problem}")
    return policy


def _parsed(text: str, name: str) -> tuple[PolicyText, yaml.Node]:
    """The policy without a look at its examples, and the nodes that know the lines."""
    root, content = read_yaml(text, name)
    policy = validated(PolicyText, content, root, name)
    _refuse_repeated_names(policy, root, name)
    _refuse_claims(policy, root, name)
    _compile_tools(policy, root, name)
    try:
        whole = with_packs(policy)
    except ValueError as error:
        _fail(name, line_of(root, ("include",)), f"include: {error}")
    _refuse_unknown_labels(whole, root, name)
    _refuse_missing_currencies(policy, whole, root, name)
    return whole, root


def read_yaml(text: str, name: str) -> tuple[yaml.Node, object]:
    """A text in YAML as nodes and as content, without repeated keys.

    Raises:
        ConfigurationError: with the key `name:line`.
    """
    try:
        loader = yaml.SafeLoader(text)
    except yaml.YAMLError as error:  # a character that YAML does not allow
        _fail(name, 1, f"not valid YAML: {str(error).splitlines()[0]}")
    try:
        root = loader.get_single_node()
        if root is None:
            _fail(name, 1, "the file is empty")
        _refuse_repeated_keys(root, name)
        return root, loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        _fail(name, mark.line + 1 if mark else 1, f"not valid YAML: {error.problem or error.context}")
    finally:
        loader.dispose()


def validated(model: type[_Model], content: object, root: yaml.Node, name: str) -> _Model:
    """The content as a model.

    Raises:
        ConfigurationError: with the key `name:line` of the first mistake.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = min(error.errors(include_url=False), key=lambda found: line_of(root, found["loc"]))
        hint = _similar_field(model, first["loc"]) if first["type"] == "extra_forbidden" else ""
        message = first["msg"].removeprefix("Value error, ")
        _fail(name, line_of(root, first["loc"]), f"{_place(first['loc'])}{message}{hint}")


def unmarked_actors(path: Path, known: Collection[str] = ()) -> list[str]:
    """A line for each rule that fits no key and no user of a gateway, because its actor says neither.

    Args:
        path: of a valid policy.
        known: actors without a mark that there are; a rule for one of them is as it should be.
    """
    raw = path.read_text(encoding="utf-8")
    policy, root = parse_policy(raw, path.name), yaml.compose(raw, yaml.SafeLoader)
    assert root is not None  # noqa: S101 - for the type checkers; an empty file is no policy
    return [
        f"{path.name}:{line_of(root, ('rules', index, 'actor'))}: rule `{rule.name}`: its actor is no key and no user"
        f" of a gateway; those would be `{KEY}{rule.actor}` and `{USER}{rule.actor}`"
        for index, rule in enumerate(policy.rules)
        if (pattern := ActorPattern(rule.actor)).is_unmarked and not any(map(pattern.matches, known))
    ]


def unread_commands(path: Path) -> list[str]:
    """A line for each rule that allows whatever command a shell is given, because it has no patterns of parts.

    Args:
        path: of a valid policy.
    """
    raw = path.read_text(encoding="utf-8")
    policy, root = parse_policy(raw, path.name), yaml.compose(raw, yaml.SafeLoader)
    assert root is not None  # noqa: S101 - for the type checkers; an empty file is no policy
    shells = [name for name, tool in policy.tools.items() if tool.command is not None]
    found: list[str] = []
    for index, rule in enumerate(policy.rules):
        all_parts = rule.effect == "allow" and not (rule.command or rule.has_parts_beside_commands)
        if all_parts and any(AnyOf(rule.tools).matches(name) for name in shells):
            line = line_of(root, ("rules", index, "name"))
            found.append(f"{path.name}:{line}: rule `{rule.name}`: it allows every command; give it a `command`")
    return found


def misplaced_rules(path: Path) -> list[str]:
    """A line for each rule of the file that no call can reach, and for each that allows all before others.

    Args:
        path: of a valid policy.
    """
    raw = path.read_text(encoding="utf-8")
    policy, root = parse_policy(raw, path.name), yaml.compose(raw, yaml.SafeLoader)
    assert root is not None  # noqa: S101 - for the type checkers; an empty file is no policy
    own = {node.value for node in _names_of_rules(root)}

    def place(rule: RuleText) -> str:
        return f"{path.name}:{line_of(root, ('rules', policy.rules.index(rule), 'name'))}: rule `{rule.name}`: "

    found = [
        f"{place(rule)}it is never reached: `{before.name}` before it fits all that it fits"
        for rule, before in unreached(policy)
        if rule.name in own  # one of a pack may well be replaced
    ]
    return found + [
        f"{place(rule)}it allows every call; rules behind it: {behind}"
        for rule, behind in allowing_all(policy)
        if rule.name in own
    ]


def _names_of_rules(root: yaml.Node) -> list[yaml.Node]:
    """The nodes of the names of the file's own rules."""
    rules = next((value for key, value in root.value if key.value == "rules"), None)
    return [value for rule in (rules.value if rules else ()) for key, value in rule.value if key.value == "name"]


def _refuse_repeated_keys(node: yaml.Node, name: str) -> None:
    """Refuse two equal keys. YAML silently keeps the last one, so a rule would vanish."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            text = str(key.value)
            if text in seen:
                _fail(name, key.start_mark.line + 1, f"`{text}` is there twice")
            seen.add(text)
            _refuse_repeated_keys(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _refuse_repeated_keys(child, name)


def _refuse_repeated_names(policy: PolicyText, root: yaml.Node, name: str) -> None:
    seen: set[str] = set()
    for index, rule in enumerate(policy.rules):
        if rule.name in seen:
            _fail(name, line_of(root, ("rules", index, "name")), f"two rules have the name `{rule.name}`")
        seen.add(rule.name)


def _refuse_claims(policy: PolicyText, root: yaml.Node, name: str) -> None:
    for index, rule in enumerate(policy.rules):
        if rule.allows_by_claim and not policy.trusted_end_user:
            field = "end_user" if rule.end_user != "*" else "when"
            _fail(name, line_of(root, ("rules", index, field)), f"rules[{index}].{field}: {CLAIM_ALLOWS}")


def _refuse_unknown_labels(policy: PolicyText, root: yaml.Node, name: str) -> None:
    """Refuse a label that no result has: the rule would never fit."""
    known = build(policy).labels.all
    for index, rule in enumerate(policy.rules):
        for label in rule.taints:
            if label not in known:
                problem = f"no tool has `output: {label}`{did_you_mean(label, known)}"
                _fail(name, line_of(root, ("rules", index, "taint")), f"rules[{index}].taint: {problem}")


def _refuse_missing_currencies(policy: PolicyText, whole: PolicyText, root: yaml.Node, name: str) -> None:
    """Refuse sums by currency for tools of which nothing says where the currency stands: each call would be blocked."""
    told = [tool for tool, settings in whole.tools.items() if settings.currency is not None]
    for index, rule in enumerate(policy.rules):
        if "currency" in rule.total_by and not any(_may_meet(one, tool) for one in rule.tools for tool in told):
            line = line_of(root, ("rules", index, "total_by"))
            problem = "`tools` says of none of its tools where the currency stands, as in {currency: currency}"
            _fail(name, line, f"rules[{index}].total_by: {problem}")


def _may_meet(one: str, other: str) -> bool:
    """Whether a tool may fit both patterns; of two with wildcards nothing is known."""
    if not _WILD.isdisjoint(one) and not _WILD.isdisjoint(other):
        return True
    return bool(Pattern(one).matches(other) or Pattern(other).matches(one))


def _compile_tools(policy: PolicyText, root: yaml.Node, name: str) -> None:
    for tool, settings in policy.tools.items():
        for field in ("value", "target", "currency", *PART_FIELDS):
            expression: str | None = getattr(settings, field)
            if expression is not None:
                try:
                    compile_expression(expression)
                    refuse_slips(expression)
                except ValueError as error:
                    _fail(name, line_of(root, ("tools", tool, field)), f"tools.{tool}.{field}: {error}")


def line_of(root: yaml.Node, place: tuple[int | str, ...]) -> int:
    """The line of the deepest node that the place leads to; for an unknown key the key's own line."""
    node = root
    line: int = root.start_mark.line + 1
    for step in place:
        found = None
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(step)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = (node.value[step], node.value[step])
        if found is None:  # a part of the form that people need not write
            continue
        line = found[0].start_mark.line + 1
        node = found[1]
    return line


def _similar_field(model: type[BaseModel], place: tuple[int | str, ...]) -> str:
    """The field that an unknown key may stand for."""
    inner: dict[tuple[type[BaseModel], int | str], type[BaseModel]] = {
        (PolicyText, "rules"): RuleText,
        (PolicyText, "tools"): ToolParts,
    }
    found = model if len(place) == 1 else inner.get((model, place[0])) if len(place) == 3 else None
    if len(place) > _IN_A_RULE and {"after", "not_after"} & set(place[_IN_A_RULE - 1 :]):
        found = EarlierCallText
    return did_you_mean(str(place[-1]), found.model_fields) if found else ""


def _place(place: tuple[int | str, ...]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place if step != "patterns")
    text = text.lstrip(".")
    return f"{text}: " if text else ""


def _fail(name: str, line: int, problem: Any) -> NoReturn:
    raise ConfigurationError(f"{name}:{line}", str(problem)) from None
