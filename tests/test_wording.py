"""Every sentence for models and callers: its default, an operator's replacement, and what of that is refused."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from functools import partial
from html.parser import HTMLParser
from itertools import chain
from pathlib import Path
from string import Formatter
from typing import get_args, get_type_hints

import httpx
import pytest
from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from litellm.proxy._types import ProxyException
from litellm.proxy.auth.user_api_key_auth import user_api_key_auth

import litellm_bighub
from litellm_bighub import BighubGuardrail, CallContext, ToolDecisions, Withholding
from litellm_bighub.agent.record.model_messages import refusal
from litellm_bighub.control_plane.approvals.resolution import RefusedSentence, ResolutionRefused
from litellm_bighub.control_plane.inbox.render import NOTES, said
from litellm_bighub.deciders.ledger.tool_results import ConversationThread, judge
from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.domain.decision import Block, BlockCause, RequireApproval
from litellm_bighub.errors import ConfigurationError, UnreadableAnswerError
from litellm_bighub.formats.registry import format_named
from litellm_bighub.formats.requests.approval_answers import Effect
from litellm_bighub.formats.requests.approval_note import approval_note
from litellm_bighub.formats.requests.repair import RequestRepair
from litellm_bighub.gateway.pipeline.answer_format import check_whole_answer
from litellm_bighub.gateway.pipeline.enforcement import Enforcement
from litellm_bighub.gateway.routes.closed_routes import close_routes
from litellm_bighub.gateway.routes.counting_routes import CountingRoutes
from litellm_bighub.gateway.routes.route_guard import route_guard_of
from litellm_bighub.gateway.setup.opt_outs import OptOuts, UnrecordedOptOutError
from litellm_bighub.testing import ScriptedDecider as Scripted
from litellm_bighub.wording import ENGLISH, Wording, read_wording


def placeholders(template: str) -> set[str]:
    return {each for _, each, _, _ in Formatter().parse(template) if each}


NAMES = [each.name for each in fields(Wording)]
TABLE = (Path(__file__).parent.parent / "docs/wording.md").read_text()


def own(name: str) -> str:
    """A replacement that says nothing of the default, with the same placeholders."""
    names = placeholders(getattr(ENGLISH, name))
    if name in {"agent_withheld", "agent_waiting"}:
        names |= {"tool"}
    return f"<{name}{''.join(f' {{{each}}}' for each in sorted(names))}>"


def test_the_defaults_read_as_they_always_did():
    assert ENGLISH.blocked("policy", "pay") == 'The tool call "pay" was blocked by policy and has not been run.'
    assert ENGLISH.waiting("pay", "apr_1").endswith("a person (approval apr_1) and has not been run.")
    assert ENGLISH.waiting("pay", "").endswith("a person and has not been run.")
    assert ENGLISH.because("too much") == " Reason: too much"
    assert not ENGLISH.because("")
    assert (ENGLISH.person_says("stop"), ENGLISH.person_says("")) == (" The person says: stop", "")


@pytest.mark.parametrize("cause", get_args(BlockCause))
def test_every_cause_has_a_sentence(cause):
    assert "pay" in ENGLISH.blocked(cause, "pay")


@pytest.mark.parametrize("name", NAMES)
def test_every_sentence_can_be_replaced(name):
    replaced = read_wording({name: own(name)})

    assert asdict(replaced) == asdict(ENGLISH) | {name: own(name)}


@pytest.mark.parametrize("name", NAMES)
def test_every_sentence_stands_in_the_documentation(name):
    assert f"| `{name}` | {getattr(ENGLISH, name)} |" in TABLE


def test_nothing_is_replaced_by_nothing():
    assert read_wording({}) == read_wording(ENGLISH) == ENGLISH


def test_sentences_come_out_of_a_file(tmp_path):
    path = tmp_path / "wording.yaml"
    path.write_text("blocked_policy: 'Der Aufruf „{tool}“ ist nicht erlaubt: {{}}.'\n", encoding="utf-8")

    assert read_wording(path).blocked("policy", "pay") == "Der Aufruf „pay“ ist nicht erlaubt: {}."
    assert read_wording(str(path)) == read_wording(path)


REFUSED = [
    pytest.param({"blocked_by_policy": "x"}, "blocked_by_policy", "did you mean blocked_policy?", id="unknown name"),
    pytest.param({"reason": 3}, "reason", "is no text", id="no text"),
    pytest.param({"reason": " "}, "reason", "is no text", id="empty"),
    pytest.param({"stream_ended": "{tool}"}, "stream_ended", "{tool}; it has no placeholders", id="no placeholders"),
    pytest.param({"not_run": "{tol}"}, "not_run", "unknown placeholder {tol}; it knows {tool}", id="unknown"),
    pytest.param({"not_run": "{tool.x}"}, "not_run", "unknown placeholder {tool.x}", id="attribute"),
    pytest.param({"not_run": "{tool[0]}"}, "not_run", "unknown placeholder {tool[0]}", id="index"),
    pytest.param({"not_run": "{tool!r}"}, "not_run", "unknown placeholder {tool!r}", id="conversion"),
    pytest.param({"not_run": "{tool:>9}"}, "not_run", "unknown placeholder {tool:>9}", id="format"),
    pytest.param({"not_run": "{}{tool}"}, "not_run", "unknown placeholder {}", id="no name"),
    pytest.param({"not_run": "A call was withheld."}, "not_run", "lacks the placeholder {tool}", id="missing"),
    pytest.param({"edited": "{tool}"}, "edited", "lacks the placeholder {arguments}", id="one of several missing"),
    pytest.param({"not_run": "{tool"}, "not_run", "cannot be read", id="open brace"),
]


@pytest.mark.parametrize(("given", "name", "problem"), REFUSED)
def test_a_replacement_that_cannot_be_used_stops_the_start(given, name, problem):
    with pytest.raises(ConfigurationError) as refused:
        read_wording(given)

    assert refused.value.key == f"wording.{name}"
    assert problem in refused.value.problem


FILES = [
    pytest.param(None, "cannot be read", id="missing"),
    pytest.param(b"\xff", "is not UTF-8", id="no text"),
    pytest.param(b"a: [", "is not valid YAML", id="no YAML"),
    pytest.param(b"- a", "is no mapping", id="a list"),
]


@pytest.mark.parametrize(("content", "problem"), FILES)
def test_a_file_that_cannot_be_used_stops_the_start(content, problem, tmp_path):
    path = tmp_path / "wording.yaml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=problem):
        read_wording(path)


OWN = {name: own(name) for name in NAMES}
DECISIONS = [
    *(pytest.param(Block("no", cause=cause), f"<blocked_{cause} pay>", id=cause) for cause in get_args(BlockCause)),
    pytest.param(RequireApproval("big", "apr_1"), "<needs_approval apr_1 pay>", id="waits"),
    pytest.param(RequireApproval("big", ""), "<needs_approval_without_id pay>", id="waits without an id"),
]
"""What the decider says, and the notice."""


def answer() -> dict[str, object]:
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "pay", "arguments": "{}"}
    return {"id": "resp_1", "object": "response", "status": "completed", "output": [call]}


@pytest.mark.format("responses")
@pytest.mark.parametrize(("decision", "notice"), DECISIONS)
async def test_a_withheld_call_is_told_in_the_operators_words(decision, notice):
    response = answer()
    await Enforcement(ToolDecisions(Scripted(otherwise=decision), wording=OWN)).govern(response, CallContext())

    assert f"'{notice}'" in repr(response)


@pytest.mark.format("responses")
async def test_a_reason_is_told_in_the_operators_words():
    response = answer()
    decisions = ToolDecisions(Scripted(otherwise=Block("too much")), wording=OWN)
    await Enforcement(decisions, Withholding(reveal="reason")).govern(response, CallContext())

    assert "'<blocked_policy pay> <reason too much>'" in repr(response)


def test_the_guardrail_reads_the_setting():
    guardrail = BighubGuardrail(guardrail_name="g", decider_instance=Scripted(), wording={"not_run": "No: {tool}."})

    assert guardrail.tool_decisions.wording == replace(ENGLISH, not_run="No: {tool}.")


def test_the_guardrail_reads_a_file(tmp_path, monkeypatch):
    (tmp_path / "wording.yaml").write_text("not_run: 'No: {tool}.'")
    monkeypatch.setenv("LITELLM_BIGHUB_WORDING", str(tmp_path / "wording.yaml"))
    guardrail = BighubGuardrail(guardrail_name="g", decider_instance=Scripted())

    assert guardrail.tool_decisions.wording.not_run == "No: {tool}."


@pytest.mark.parametrize(
    ("given", "key"),
    [({"nothing": "x"}, "wording.nothing"), (7, "g.wording"), ("/nowhere.yaml", "wording")],
    ids=["unknown", "number", "missing file"],
)
def test_a_setting_that_cannot_be_used_stops_the_start(given, key):
    with pytest.raises(ConfigurationError) as refused:
        BighubGuardrail(guardrail_name="g", decider_instance=Scripted(), wording=given)

    assert refused.value.key == key


WITHHELD = DecidedCall("resp_1", "call_1", "function", "pay", "blocked", False, "ada", 1.0)
EDITED = replace(WITHHELD, verdict="allowed", released=True, arguments={"a": 1}, edited=True)
NOTED = replace(EDITED, edited=False, told="on weekdays only")
HERE = ConversationThread("resp_1")


@pytest.mark.format("responses")
@pytest.mark.parametrize("wording", [ENGLISH, read_wording(OWN)], ids=["default", "own"])
@pytest.mark.parametrize("noted", [WITHHELD, replace(WITHHELD, notice="<anything>")], ids=["no notice", "notice"])
@pytest.mark.parametrize("written", [ENGLISH, read_wording(OWN)], ids=["written in default", "written in own"])
def test_our_own_output_of_a_withheld_call_is_known_when_it_comes_back(wording, noted, written):
    """The default is known as well: an operator may change the wording while conversations go on."""
    responses = format_named("responses")
    sent = responses.repaired({"input": []}, RequestRepair(owed=[noted], wording=written))
    results = responses.brought(sent).results
    (judged,) = judge(results, [noted], HERE, complete=True, wording=wording)

    assert (judged.kind is None) == (written in {wording, ENGLISH} or bool(noted.notice))


RESULT = {"type": "tool_result", "tool_use_id": "call_1", "content": "x"}


@pytest.mark.parametrize("wording", [ENGLISH, read_wording(OWN)], ids=["default", "own"])
@pytest.mark.parametrize(
    ("name", "key", "item", "place"),
    [
        ("responses", "input", {"type": "function_call_output", "call_id": "call_1", "output": "x"}, "input[0]"),
        ("chat", "messages", {"role": "tool", "tool_call_id": "call_1", "content": "x"}, "messages[0]"),
        ("messages", "messages", {"role": "user", "content": [RESULT]}, "messages[0].content[0]"),
    ],
)
@pytest.mark.parametrize("call", [EDITED, NOTED, replace(EDITED, told="once")], ids=["edited", "noted", "both"])
def test_a_note_on_an_approved_call_is_told_once(wording, name, key, item, place, call):
    wire_format, repair = format_named(name), RequestRepair(approved={place: call}, wording=wording)
    once = wire_format.repaired({key: [item]}, repair)

    assert str(once).count(repr(approval_note(call, wording))[1:-1]) == 1
    assert wire_format.repaired(once, repair) == once


@pytest.mark.format("responses")
@pytest.mark.parametrize("effect", get_args(Effect))
def test_what_an_approvals_answer_did_is_told_in_the_operators_words(effect):
    item = {"type": "mcp_approval_response", "approval_request_id": "apr_1", "approve": True}

    *_, told = format_named("responses").client_approvals.readable([item], {"apr_1": effect}, read_wording(OWN))
    assert told == {"role": "user", "content": f"<approval_{effect} apr_1>"}


def test_an_agents_model_hears_the_operators_words():
    heard = partial(refusal, tool="pay", wording=read_wording(OWN))

    assert heard(Block("no"), reveal=False) == "<agent_withheld pay>"
    assert heard(Block("no", cause="denied"), reveal=True) == "<blocked_denied pay> <reason no>"
    assert heard(RequireApproval("big", "apr_1"), reveal=False) == "<agent_waiting pay>"


async def test_a_route_is_refused_in_the_operators_words():
    async def router(scope, receive, send):
        raise AssertionError("the request was let through")

    app = FastAPI()
    app.router.middleware_stack = router
    close_routes(app, route_guard_of("g", None, wording=read_wording(OWN)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy") as client:
        one, every = await client.post("/my/route"), await client.post("/a/../b%0a")

    assert one.json()["error"]["message"] == '<route_refused g POST /my/route> <route_opening ["POST /my/route"]>'
    assert every.json()["error"]["message"].endswith("> <routes_opening>")


@pytest.mark.format("chat")
@pytest.mark.parametrize(
    ("where", "sentence"), [("POST /v1/chat", "<answer_refused"), ("", "<answer_refused_anywhere")]
)
def test_an_answer_that_cannot_be_read_is_refused_in_the_operators_words(where, sentence):
    with pytest.raises(UnreadableAnswerError) as refused:
        check_whole_answer({"choices": 7}, [format_named("chat")], {}, where, read_wording(OWN))

    assert str(refused.value).startswith(f"{sentence} choices is a int")
    assert str(refused.value).endswith(f"{where}>")


def test_what_is_wrong_with_an_answer_may_be_left_out():
    short = read_wording({"answer_refused": "Die Antwort auf {route} wurde abgelehnt."})

    assert short.refused_answer("choices is a str", "/v1") == "Die Antwort auf /v1 wurde abgelehnt."


async def test_a_body_that_is_counted_is_refused_in_the_operators_words():
    app = FastAPI()

    async def onward(scope, receive, send):
        raise AssertionError("the request was let through")

    app.dependency_overrides[user_api_key_auth] = lambda: None
    counting = CountingRoutes(app, onward, list, lambda: read_wording(OWN))
    served = AsyncExitStackMiddleware(counting)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://proxy") as client:
        with pytest.raises(ProxyException) as refused:
            await client.post("/v1/messages/count_tokens", content=b"[]")

    assert refused.value.message == "<body_refused>"


async def test_an_opt_out_that_is_not_recorded_is_refused_in_the_operators_words():
    async def broken(_: object) -> None:
        raise OSError

    with pytest.raises(UnrecordedOptOutError) as refused:
        await OptOuts("g", sinks=[broken], wording=read_wording(OWN)).record(CallContext())

    assert refused.value.detail["error"] == "<opt_out_unrecorded g>"


@pytest.mark.parametrize("note", sorted(NOTES))
def test_every_note_of_the_inbox_has_a_sentence(note):
    assert f"inbox_{note}" in NAMES


SENTENCE = re.compile(r"[A-Z][a-z]*(?: [^ {}\\]+){3,}")
"""A literal that reads like a sentence, with its stop or without; errors and log lines of ours begin in lower case."""
EXCEPTED = {
    "agent/flow/agent_loop.py",  # an error for programs, in the words of bighub_openai
}
FOLDERS = ("agent", "control_plane/channels", "control_plane/inbox", "deciders", "formats", "gateway")


def literals(tree: ast.Module) -> Iterator[str]:
    """The texts of a module that are no docstrings; of an f-string, its last part."""
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_sentence_stands_outside_of_the_module(folder):
    root = Path(litellm_bighub.__file__).parent
    files = (root / folder).rglob("*.py")
    found = {
        path.relative_to(root).as_posix(): text
        for path in files
        for text in literals(ast.parse(path.read_text()))
        if SENTENCE.fullmatch(text)
    }

    assert {path: text for path, text in found.items() if path not in EXCEPTED} == {}


def api_errors() -> Iterator[tuple[str, set[str]]]:
    """Each error that the HTTP API raises by its code: the sentence, and what is filled in."""
    root = Path(litellm_bighub.__file__).parent / "control_plane"
    for node in chain.from_iterable(ast.walk(ast.parse(path.read_text())) for path in root.rglob("*.py")):
        match node:
            case ast.Call(ast.Name("problem") | ast.Attribute(attr="problem"), [_, ast.Constant(code)], keywords):
                given = {each.arg: each.value for each in keywords}
                named = given.pop("sentence", ast.Constant(f"api_{code}"))
                yield ast.literal_eval(named), given.keys() - {"headers"}
            case ast.Call(ast.Name("unauthorized"), [ast.Constant(sentence)]):
                yield sentence, set()
            case ast.Call(ast.Name("WordedError"), [_, _, ast.Constant(sentence), ast.Dict(keys)]):
                yield sentence, {ast.literal_eval(key) for key in keys}


def test_every_error_of_the_http_api_has_a_sentence_with_what_it_fills_in():
    raised = list(api_errors())
    assert [name for name, given in raised if given != placeholders(getattr(ENGLISH, name))] == []
    codes = get_args(get_type_hints(ResolutionRefused)["code"])
    refusals = {f"api_refused_{name}" for name in (*codes, *get_args(RefusedSentence))}
    named = {name for name in NAMES if name.startswith("api_")}
    assert named == {name for name, _ in raised} | refusals


def test_no_error_of_the_http_api_has_words_of_its_own():
    root = Path(litellm_bighub.__file__).parent / "control_plane"
    texts = [path.read_text() for folder in ("http", "inbox") for path in (root / folder).rglob("*.py")]
    assert [text for text in texts if re.search(r"\bHTTPException\(\s*\d", text)] == []


@pytest.mark.parametrize("own", [ENGLISH, replace(ENGLISH, blocked_policy="Nein, {tool} lief nicht.")])
def test_every_notice_is_taken_for_one_and_other_words_are_not(own):
    causes = [own.blocked(cause, "wipe") for cause in get_args(BlockCause)]
    notices = [*causes, own.waiting("wipe", ""), own.waiting("wipe", "apr_1"), own.stream_ended]
    assert all(own.may_be_notice(notice + own.because("large")) for notice in notices)
    assert not own.may_be_notice("It is over.")
    assert not own.may_be_notice("")


TEMPLATES = sorted((Path(litellm_bighub.__file__).parent / "control_plane/inbox/templates").glob("*.html"))


class _Shown(HTMLParser):
    """What of a page is shown or read out: its text, and the attributes that hold text."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value or "" for name, value in attrs if name in {"title", "placeholder", "aria-label", "alt"}]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def shown(template: str) -> list[str]:
    """The texts of a template; what it fills in counts as a word, and so does what is in bold, in code or a link."""
    template = re.sub(r"{#.*?#}|{%.*?%}", "", re.sub(r"{{.*?}}", "X", template), flags=re.DOTALL)
    page = _Shown()
    page.feed(re.sub(r"</?(a|code|em|kbd|q|strong)\b[^>]*>", "", template))
    return [" ".join(text.split()) for text in page.texts]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_sentence_stands_in_a_template(template):
    found = [
        text for text in shown(template.read_text()) if re.search(r"[a-z]{2,}(,? [a-z]{2,}){2,}|[a-z]{2}\.$", text)
    ]

    assert found == []


def test_what_stands_in_a_template_is_found():
    page = (
        '<p>You may <b>{{ x }}</b> <a href="/">do it</a>. {# not that here #}</p><i title="See what it is">{{ y }}.</i>'
    )

    assert shown(page) == ["You may", "X", "do it.", "See what it is", "X."]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_fills_in_what_its_sentences_name(template):
    for name, given in re.findall(r"wording\.(\w+) \| said(?:\((.*?)\) }})?", template.read_text()):
        assert placeholders(getattr(ENGLISH, name)) == set(re.findall(r"(?:^|, )(\w+)=", given)), name


def test_a_sentence_on_a_page_is_escaped_and_shows_code():
    assert said("<b> `{who}` \u0026 {{}}", who="<i>") == "&lt;b&gt; <code>&lt;i&gt;</code> &amp; {}"
