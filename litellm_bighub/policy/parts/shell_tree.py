"""A shell text as tree-sitter reads it: its commands, redirections and pipelines, and what cannot be trusted in it.

tree-sitter-bash is not bash. So what it says counts only where it can be checked: between the words of a command there
are blanks, every word is one by bash's own rules (`shell_words`), here-documents end where bash ends them, and each
kind of node is one of those that are listed here. Everything else is a problem, and a problem makes a part `unknown`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from litellm_bighub.policy.parts import shell_words
from litellm_bighub.policy.parts.shell_command import Word

MAX_BYTES: Final = 32_768
MAX_NODES: Final = 1_500
MAX_DEPTH: Final = 60
MAX_HEREDOCS: Final = 8
MAX_EXPANSIONS: Final = 100
_MAX_STEPS: Final = 250
"""Of the parser, which counts some hundred of its own as one; a bound of time would decide differently each time."""

_LANGUAGE: Final = Language(tree_sitter_bash.language())
_EXPANSIONS: Final = frozenset(
    {"simple_expansion", "expansion", "command_substitution", "arithmetic_expansion", "process_substitution"}
)
_WORDS: Final = _EXPANSIONS | frozenset(
    {
        "word",
        "number",
        "string",
        "raw_string",
        "ansi_c_string",
        "translated_string",
        "concatenation",
        "brace_expression",
    }
    | {"string_content", "heredoc_content", "variable_name", "special_variable_name", "extglob_pattern", "regex"}
    | {"file_descriptor", "heredoc_start", "heredoc_end", "subscript", "array", "test_operator"}
)
_STATEMENTS: Final = frozenset(
    {"program", "list", "pipeline", "redirected_statement", "subshell", "compound_statement", "negated_command"}
    | {"if_statement", "elif_clause", "else_clause", "for_statement", "while_statement", "do_group", "case_statement"}
    | {"case_item", "command", "command_name", "declaration_command", "unset_command", "comment"}
    | {"file_redirect", "heredoc_redirect", "herestring_redirect", "heredoc_body", "function_definition"}
)
_COMMANDS: Final = frozenset({"command", "declaration_command", "unset_command"})
_REDIRECTS: Final = frozenset({"file_redirect", "heredoc_redirect", "herestring_redirect"})
_SPACED: Final = frozenset({"command", "declaration_command", "unset_command", "file_redirect", "herestring_redirect"})
_PLAIN: Final = re.compile(r"[a-z][\w./+%-]*(?: [\w./+%-][\w./+%,:@=-]*)*", re.ASCII)
_BLANK: Final = re.compile(rb"(?:[ \t]|\\\n)*")
_SPACE: Final = re.compile(rb"(?:[ \t\n]|\\\n)*")
_WITHIN_A_WORD: Final = re.compile(rb"(?:\\[ \t\n])*")
"""What may stand between two nodes that bash joins to one word: behind quotes tree-sitter leaves out escaped blanks."""
_OPERATORS: Final = b";&|()<>\n"
_LOOP_VARIABLE: Final = re.compile(r"[a-z][a-z0-9]{0,30}")
_OF_ZSH: Final = frozenset({"path", "cdpath", "fpath", "argv", "commands", "functions", "aliases", "options", "prompt"})
"""Names that mean something to zsh, which some agents run instead: `path` is `PATH`."""
_VARIABLE: Final = re.compile(rb"(?<!\\)\$[\w@*#?$!-]", re.ASCII)
_UNCLEAR_INPUT: Final = "what it reads is known only when it runs"
_DELIMITER: Final = re.compile(rb"(['\"]?)(\w+)\1", re.ASCII)


@dataclass(slots=True)
class Redirect:
    """A file that is read or written."""

    operator: str
    target: tuple[Word, ...]
    start: int


@dataclass(slots=True)
class TreeCommand:
    """A command as it stands in the text.

    Attributes:
        words: its name and what follows.
        stdin: the text that it reads, if that stands in the call.
        stages: the pipelines that it is in, by where they begin, each with the stage.
        certain_cd: whether what follows runs only if this has succeeded.
    """

    words: list[Word]
    start: int
    assigns: bool = False
    stdin: str | None = None
    stages: list[tuple[int, int]] = field(default_factory=list)
    certain_cd: bool = False


@dataclass(slots=True)
class Tree:
    """All that was found in a text, in its order.

    Attributes:
        problems: why the text may be another than it seems.
        unclear: what is known only when it runs, in a text that is understood.
    """

    commands: list[TreeCommand] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)


def read(text: str) -> Tree:
    """Read a text. Whatever it is, this returns."""
    if (
        len(text) <= MAX_BYTES and _PLAIN.fullmatch(text) is not None
    ):  # most commands; nothing in them means anything to bash but their blanks
        return Tree([TreeCommand([Word(word) for word in text.split(" ")], 0, certain_cd=True)])
    tree = Tree()
    try:
        source = text.encode()
    except UnicodeEncodeError:
        tree.problems.append("it is not valid Unicode")
        return tree
    if len(source) > MAX_BYTES or source.count(b"<<") > MAX_HEREDOCS or source.count(b"${") > MAX_EXPANSIONS:
        tree.problems.append("it is too long")
        return tree
    root = _parse(source)
    if root is None:
        tree.problems.append("it is too long")
        return tree
    if root.has_error or b"\r" in source or not _is_blank_around(root, source):
        tree.problems.append("its syntax is not understood")
    _Reader(source, tree, only_ands=_only_ands(root)).walk(root)
    tree.commands.sort(key=lambda command: command.start)
    tree.redirects.sort(key=lambda redirect: redirect.start)
    return tree


def _is_blank_around(root: Node, source: bytes) -> bool:
    """Whether tree-sitter has left out nothing but blanks before and behind what it has found."""
    if not root.children:
        return _SPACE.fullmatch(source) is not None
    begins, ends = root.children[0].start_byte, root.children[-1].end_byte
    return _SPACE.fullmatch(source, 0, begins) is not None and _SPACE.fullmatch(source, ends) is not None


def _parse(source: bytes) -> Node | None:
    if len(source) < 200:  # too short to take long, and this way is faster
        return Parser(_LANGUAGE).parse(source).root_node
    steps = 0

    def stop(_offset: int, _has_error: bool) -> bool:  # noqa: FBT001 - as the parser calls it
        nonlocal steps
        steps += 1
        return steps > _MAX_STEPS

    try:
        return (
            Parser(_LANGUAGE)
            .parse(lambda offset, _point: source[offset : offset + 4096], encoding="utf8", progress_callback=stop)
            .root_node
        )
    except ValueError:  # it was stopped
        return None


def _only_ands(root: Node) -> bool:
    """Whether the text is one chain of `&&`, so that each command runs only after all before it."""
    statements = [child for child in root.children if child.type != "comment"]
    if len(statements) != 1:
        return False
    node = statements[0]
    while node.type == "list":
        if any(child.type in {"||", ";", "&", "\n"} for child in node.children):
            return False
        node = node.children[0]
    return True


class _Reader:
    """Walks a tree once, with a stack of its own: however deep a text is nested, Python's is not used up."""

    def __init__(self, source: bytes, tree: Tree, *, only_ands: bool) -> None:
        self._source = source
        self._tree = tree
        self._only_ands = only_ands

    def walk(self, root: Node) -> None:
        stack: list[tuple[Node, int, tuple[tuple[int, int], ...], bool]] = [(root, 0, (), True)]
        nodes = 0
        while stack:
            node, depth, stages, certain = stack.pop()
            nodes += 1
            if nodes > MAX_NODES or depth > MAX_DEPTH:
                self._tree.problems.append("it is too long")
                return
            if not node.is_named:
                continue
            kind = node.type
            if kind in _STATEMENTS:
                self._statement(node, stages, certain=certain)
            elif kind not in _WORDS:
                self._assignment_or_problem(node)
            children = node.children
            if not children:
                continue
            certain = certain and kind in {"program", "list"}
            if kind == "pipeline":
                stack.extend(self._stages(node, depth, stages))
            else:
                stack.extend((child, depth + 1, stages, certain) for child in children)

    def _stages(
        self, pipeline: Node, depth: int, outer: tuple[tuple[int, int], ...]
    ) -> Iterator[tuple[Node, int, tuple[tuple[int, int], ...], bool]]:
        number = pipeline.start_byte
        stage = 0  # in a here-document the first child is a `|`: what it feeds is in stage 1
        for child in pipeline.children:
            stage += child.type in {"|", "|&"}
            if child.is_named:
                yield child, depth + 1, (*outer, (number, stage)), False

    def _problem(self, why: str) -> None:
        if why not in self._tree.problems:
            self._tree.problems.append(why)

    def _assignment_or_problem(self, node: Node) -> None:
        if node.type in {"variable_assignment", "variable_assignments"}:
            parent = node.parent
            if parent is None or parent.type not in _COMMANDS:
                self._problem("it sets a variable")
        else:
            self._problem("its syntax is not understood")

    def _statement(self, node: Node, stages: tuple[tuple[int, int], ...], *, certain: bool) -> None:
        kind = node.type
        if kind == "compound_statement" and node.children[0].type == "((":
            self._problem("it calculates")  # which may run what stands in a text, or in a variable
        if kind in _COMMANDS:
            self._command(node, stages, certain=certain)
        elif kind == "comment":
            self._comment(node)
        elif kind == "file_redirect":
            self._file_redirect(node)
        elif kind == "heredoc_redirect":
            self._heredoc(node)
        elif kind == "herestring_redirect":
            self._herestring(node)
        elif kind == "for_statement":
            self._for(node)
        elif kind == "function_definition":
            name = node.child_by_field_name("name")
            self._tree.functions.add("" if name is None else _text(name))
        if kind not in {"command_name", "heredoc_body", "heredoc_redirect"}:
            self._check_gaps(node)

    def _check_gaps(self, node: Node) -> None:
        """Between two nodes there is nothing that tree-sitter has left out, and what stands apart is apart for bash."""
        blank = _BLANK if node.type in _SPACED else _SPACE
        before: Node | None = None
        for child in node.children:
            if before is not None:
                gap = self._source[before.end_byte : child.start_byte]
                ends = self._source[before.end_byte - 1 : before.end_byte]
                begins = self._source[child.start_byte : child.start_byte + 1]
                joined = not gap.replace(b"\\\n", b"") and ends not in _OPERATORS and begins not in _OPERATORS
                in_a_word = before.type in _WORDS | {"command_name"} and child.type in _WORDS and node.type in _SPACED
                known = blank.fullmatch(gap) or (in_a_word and _WITHIN_A_WORD.fullmatch(gap))
                if not known or (joined and node.type not in _SPACED):
                    self._problem("its syntax is not understood")
            before = child

    def _comment(self, node: Node) -> None:
        before = self._source[max(0, node.start_byte - 1) : node.start_byte]
        after = self._source[node.end_byte : node.end_byte + 1]
        joined = self._source[: node.start_byte].endswith(b"\\\n")  # then it may be a part of the word before
        is_one = (not before or before in b" \t\n;&|()") and not joined and after in {b"", b"\n"}
        if not is_one or b"\n" in self._source[node.start_byte : node.end_byte]:
            self._problem("its syntax is not understood")

    def _command(self, node: Node, stages: tuple[tuple[int, int], ...], *, certain: bool) -> None:
        redirects = [child for child in node.children if child.type in _REDIRECTS]
        assigns = node.type == "command" and any(child.type == "variable_assignment" for child in node.children)
        others = {"variable_assignment"} if node.type == "command" else set[str]()
        words = self._words([child for child in node.children if child.type not in _REDIRECTS | others])
        parent = node.parent
        if parent is not None and parent.type == "redirected_statement":
            redirects += [child for child in parent.children if child.type in _REDIRECTS]
        for redirect in redirects:
            if redirect.type == "file_redirect":  # what stands behind the target is words of the command for bash
                words += self._words(redirect.children_by_field_name("destination"))[1:]
        command = TreeCommand(words or [Word("", sure=False)], node.start_byte, assigns, self._stdin(redirects))
        command.stages = [*stages, *_heredoc_pipelines(redirects)]
        command.certain_cd = certain and self._only_ands
        self._tree.commands.append(command)

    def _stdin(self, redirects: list[Node]) -> str | None:
        """The text that a command reads, if that is known."""
        inputs = [
            redirect
            for redirect in redirects
            if redirect.type != "file_redirect" or any(child.type in {"<", "<&"} for child in redirect.children)
        ]
        if len(inputs) != 1 or inputs[0].type == "file_redirect":
            return None
        if inputs[0].type == "heredoc_redirect":
            return _plain_heredoc(inputs[0])
        words = self._words(inputs[0].children[1:])
        return words[0].text if len(words) == 1 and words[0].sure and not words[0].glob else None

    def _file_redirect(self, node: Node) -> None:
        operator = next((child.type for child in node.children if not child.is_named), "")
        destinations = node.children_by_field_name("destination")
        parent = node.parent
        owned = parent is not None and (parent.type == "command" or _is_command_with_redirects(parent))
        if len(list(self._touching(destinations))) > 1 and not owned:  # the others are words of a command
            self._problem("its syntax is not understood")
        if destinations:
            target = next(self._touching(destinations))
            self._tree.redirects.append(Redirect(operator, tuple(self._words(target)), node.start_byte))

    def _for(self, node: Node) -> None:
        variable = node.child_by_field_name("variable")
        if variable is None or not _LOOP_VARIABLE.fullmatch(_text(variable)) or _text(variable) in _OF_ZSH:
            self._problem("it sets a variable")

    def _herestring(self, node: Node) -> None:
        if not all(word.sure for word in self._words(node.children[1:])):
            self._tree.unclear.append(_UNCLEAR_INPUT)

    def _heredoc(self, node: Node) -> None:
        """A here-document that ends where bash ends it, and has nothing but its beginning behind the operator."""
        start = next((child for child in node.children if child.type == "heredoc_start"), None)
        end = next((child for child in node.children if child.type == "heredoc_end"), None)
        delimiter = None if start is None else _DELIMITER.fullmatch(self._source, start.start_byte, start.end_byte)
        operator = node.children[0].type if node.children[0].type != "file_descriptor" else node.children[1].type
        known = {"<<", "<<-", "file_descriptor", "heredoc_start", "heredoc_body", "heredoc_end", "pipeline", "&&", "||"}
        known |= _COMMANDS | {"file_redirect", "list", "redirected_statement"}
        if (
            _is_in_substitution(node)
            or start is None
            or end is None
            or delimiter is None
            or any(child.type not in known for child in node.children)
        ):
            self._problem("its here-document is not understood")
            return
        line = self._source.find(b"\n", start.end_byte)
        at = line + 1
        for content in self._source[at:].split(b"\n") if line >= 0 else ():
            if (content.lstrip(b"\t") if operator == "<<-" else content) == delimiter[2]:
                if end.end_byte != at + len(content) or self._source.count(b"<<", 0, line) != 1:
                    break
                body = self._source[line:at]
                if not delimiter[1] and (
                    b"`" in body or b"\\\n" in body or b"$(" in body or b"${" in body or b"$[" in body
                ):
                    break  # tree-sitter overlooks some of these
                if not delimiter[1] and _VARIABLE.search(body) is not None:
                    self._tree.unclear.append(_UNCLEAR_INPUT)
                return
            at += len(content) + 1
        self._problem("its here-document is not understood")

    def _words(self, nodes: list[Node]) -> list[Word]:
        """The words of nodes side by side; those that touch are one word."""
        return [word for touching in self._touching(nodes) for word in self._word(touching)]

    def _touching(self, nodes: list[Node]) -> Iterator[list[Node]]:
        """The nodes in groups between which there are blanks, not only escaped ones."""
        group: list[Node] = []
        for node in nodes:
            if group and not _WITHIN_A_WORD.fullmatch(self._source, group[-1].end_byte, node.start_byte):
                yield group
                group = []
            group.append(node)
        if group:
            yield group

    def _word(self, nodes: list[Node]) -> Sequence[Word]:
        first, last = nodes[0].start_byte, nodes[-1].end_byte
        source = self._source[first:last]
        text = source.decode()
        spans: list[tuple[int, int]] = []
        if any(node.children or node.type in _EXPANSIONS for node in nodes):
            spans = list(self._expansions(nodes, first))
            if len(text) != len(source):  # the spans count bytes
                spans = [(len(source[:begin].decode()), len(source[:end].decode())) for begin, end in spans]
        found = shell_words.words(text, spans)
        if found is None:
            self._problem("a word is not understood")
            return (Word(text, sure=False),)
        return found

    def _expansions(self, nodes: list[Node], first: int) -> Iterator[tuple[int, int]]:
        """Where the outermost expansions of a word are, in bytes from its beginning."""
        stack = nodes[::-1]
        while stack:
            found = stack.pop()
            if found.type in _EXPANSIONS:
                yield found.start_byte - first, found.end_byte - first
                text = self._source[found.start_byte : found.end_byte]
                if text.startswith(b"`") and b"\\" in text:
                    self._problem("a word is not understood")
            else:
                stack.extend(reversed(found.children))


def _heredoc_pipelines(redirects: list[Node]) -> Iterator[tuple[int, int]]:
    """The pipelines behind a here-document's operator, whose first stage is the command before it."""
    for redirect in redirects:
        for child in redirect.children if redirect.type == "heredoc_redirect" else ():
            if child.type == "pipeline":
                yield child.start_byte, 0


def _is_command_with_redirects(statement: Node) -> bool:
    return statement.type == "redirected_statement" and statement.children[0].type == "command"


def _is_in_substitution(node: Node) -> bool:
    """Whether bash prints and reads it once more before it runs, which it does not do right for here-documents."""
    above = node.parent
    while above is not None:
        if above.type in {"command_substitution", "process_substitution"}:
            return True
        above = above.parent
    return False


def _plain_heredoc(redirect: Node) -> str | None:
    """The text of a here-document without expansions."""
    body = next((child for child in redirect.children if child.type == "heredoc_body"), None)
    start = next((child for child in redirect.children if child.type == "heredoc_start"), None)
    text = "" if body is None else _text(body)
    quoted = start is not None and _text(start)[:1] in {"'", '"'}
    return text if quoted or not {"$", "`", "\\"} & set(text) else None


def _text(node: Node) -> str:
    return (node.text or b"").decode()
