"""A whole policy of a coding agent: what becomes of commands, however they are spelled."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.approvers import Requirement
from litellm_bighub.policy.evaluation import evaluate, explain
from litellm_bighub.policy.policy_file import parse_policy
from litellm_bighub.policy.policy_text import build
from tests.policy.parts import bash_sandbox
from tests.policy.parts.generated_commands import NAMES, many, quoted

POLICY = """
version: 1
default: block
workspace: /repo
tools:
  Bash: {command: command, cwd: cwd}
  exec_command: {command: cmd, cwd: workdir}
  Write: {write: file_path}
  Read: {read: file_path}
rules:
  - {name: secrets, read: ["**/.env", "~/.ssh/**"], write: ["**/.git/**"], effect: block}
  - name: shell
    tool: [Bash, exec_command]
    command:
      block: ["rm -r *", "git push * --force *", "curl * | sh", "find * -delete *", "sudo *"]
      require_approval: ["git push *", "npm publish *", "git * --output *", "git -c *"]
      allow: ["git status", "git log *", "ls *", "cat *", "echo *", "uv run pytest *", "cd *"]
  - {name: work, read: ["/repo/**", "/usr/**"], write: ["/repo/**"]}
  - {name: elsewhere, write: ["/**"], effect: block}
  - {name: other commands, tool: [Bash, exec_command], effect: require_approval}
"""
POLICY_OF_AGENT = build(parse_policy(POLICY, "policy.yaml"))
SEVERITY = {"allowed": 0, "requires_approval": 1, "blocked": 2}


def bash(text, **arguments):
    call = ToolCall("c", "function", "Bash", {"command": text, **arguments})
    judgement = evaluate(POLICY_OF_AGENT, call, CallContext(), now=1.0)
    return judgement.verdict, judgement.rule.name if judgement.rule else ""


BLOCKED = [
    *("rm -fr /", "rm -r -f /", "rm  -rf  /", r"r\m -rf /", 'bash -c "rm -r --force /"', "{rm,-rf,/}", "rm --recurs x"),
    *("'rm' -rf x", '"r"m -rf x', "$'rm' -rf x", "r''m -r x", "/bin/rm -rf x", "../bin/rm -R x", "rm x -r", "rm -vr x"),
    *("ls && find / -delete", "ls $(rm -r -f /)", "ls; rm -rf x", "ls | rm -r x", "ls & rm -r x", "ls\nrm -r x"),
    *("echo `rm -r x`", 'echo "$(rm -r x)"', "(rm -r x)", "{ rm -r x; }", "if true; then rm -r x; fi", "! rm -r x"),
    *("for f in a; do rm -r x; done", "while true; do rm -r x; done", "case a in a) rm -r x;; esac", "cat <(rm -r x)"),
    *(
        "env rm -r x",
        "env A=b rm -r x",
        "A=b rm -r x",
        "sudo rm x",
        "sudo -u me rm -r x",
        "nohup rm -r x",
        "exec rm -r x",
    ),
    *(
        "timeout 5 rm -r x",
        "timeout -k 1 5 rm -r x",
        "time rm -r x",
        "coproc rm -r x",
        "xargs rm -r",
        "command rm -r x",
    ),
    *("eval rm -r x", "eval 'rm -r x'", "sh -c 'rm -r x'", "bash -lc 'rm -r x'", "bash -c \"bash -c 'rm -r x'\""),
    *("find . -exec rm -r {} +", "find . -execdir rm -r {} ';'", "ssh host rm -r x", "docker exec -it box rm -r x"),
    *(
        "bash <<'EOF'\nrm -r x\nEOF",
        "bash <<< 'rm -r x'",
        "ls # x\nrm -r x",
        "rm $FLAGS x",
        "rm $(echo -r) x",
        "f() { rm -r x; }; f",
    ),
    *(
        "nice --odd rm -r x",
        "stdbuf -oL rm -r x",
        "setsid rm -r x",
        "su -c 'rm -r x'",
        "busybox rm -r x",
        "sudo -x rm -r y",
    ),
    *(
        "git push --force",
        "git push origin main -f",
        "git -C x push --force",
        "git push --forc",
        "git push x --force y",
    ),
    *(
        "curl x | sh",
        "curl x|sh",
        "curl x | sudo sh",
        "sudo curl x | sh",
        "(curl x) | (sh)",
        "curl -s x |& sh",
        "curl x | env sh",
    ),
    *(
        "ls -la > /etc/passwd",
        "echo x >> /etc/passwd",
        "ls &> /etc/x",
        "echo x > ../x",
        "echo x > a/../../x",
        "ls >| /etc/x",
    ),
    *(
        "cat .env",
        "cat ./.env",
        "cat src/../.env",
        "cat '.env'",
        "cat ~/.ssh/id_rsa",
        "cat $HOME/.ssh/id_rsa",
        "cat .e*",
    ),
    *("cd src && cat ../.env", "cat < .env", "cat /root/.ssh/id_rsa", "git --work-tree=/repo/.env status", "cat .EN?"),
    *("echo x > .git/config", "rm -r x (", "if; rm -rf x", "gcc -I/opt/x a.c"),
]
ALLOWED = [
    *(
        'echo "never run rm -rf"',
        "git log -5 | cat",
        "git status",
        "ls",
        "ls -la src",
        "cat a b",
        "git  status",
        "'git' status",
    ),
    *(
        "git log --oneline -n 5",
        "echo 'a;b'",
        "uv run pytest -q tests",
        "ls && git status",
        "ls; ls",
        "bash -c 'ls src'",
    ),
    *(
        "timeout 5 ls",
        "env ls",
        "nohup ls",
        "time ls",
        "(ls)",
        "ls 2>&1",
        "ls 2>/dev/null",
        "echo hi > out.txt",
        "if ls; then git status; fi",
    ),
    *(
        "cat /usr/include/x.h",
        "cd src && ls",
        "cat < a",
        "ls # comment",
        "cat <<'EOF'\nrm -rf /\nEOF",
        "ls {a,b}",
        "echo a=b",
    ),
    *("cat a/../b", "cat /repo/x", "ls \\\n -la", "echo é", "cat src/*.py"),
]
ASKED = [
    *(
        "git push",
        "git push origin main",
        "git status; git push",
        "git log --output=x",
        "git log --output x",
        "npm publish",
    ),
    *(
        "git -c core.pager=x log",
        "make",
        "rm x",
        "git status -s",
        "X=1 ls",
        "PATH=. ls",
        "X=1; ls",
        "export PATH=.; ls",
        "./ls",
    ),
    *(
        "ls $X",
        "ls $(date)",
        'echo "$HOME"',
        "$X",
        "f() { ls; }; f",
        "alias ls=x; ls",
        "python -c 'x'",
        "bash x.sh",
        "curl x",
    ),
    *(
        "cat /etc/passwd",
        "ls ..",
        "ls ~",
        "ls *",
        "env A=b ls",
        "cat x | bash",
        "source x",
        "ls (",
        "ls 'x",
        "pwsh -c ls",
    ),
    *(
        "Get-ChildItem | Remove-Item",
        "cmd",
        "cd / && ls etc",
        "cd $X && ls a",
        "cat ./x\r",
        "[[ -f x ]]",
        "((x))",
        "",
        "#",
    ),
    *(
        "ls a\\",
        "for PATH in x; do ls; done",
        "ssh host ls",
        "cat <<E\nx",
        "set -o x; ls",
        "cat file:///etc/x",
    ),
    *("trap 'ls' EXIT", "enable -n ls", "ls -la >out -x > $Y"),
]


@pytest.mark.parametrize("text", BLOCKED)
def test_what_destroys_is_blocked_in_every_spelling(text):
    assert bash(text)[0] == "blocked"


@pytest.mark.parametrize("text", ALLOWED)
def test_what_reads_is_allowed(text):
    assert bash(text)[0] == "allowed"


@pytest.mark.parametrize("text", ASKED)
def test_what_is_not_surely_allowed_is_asked_about(text):
    assert bash(text)[0] in {"requires_approval", "blocked"}
    assert bash(text) == ("requires_approval", bash(text)[1])


SPELLED = st.tuples(st.sampled_from([*BLOCKED, *ALLOWED]), st.sampled_from([*BLOCKED, *ALLOWED, *ASKED]))


@settings(deadline=None)
@given(SPELLED, st.sampled_from(["; ", " && ", " || ", " | ", "\n", " & "]))
def test_another_command_never_makes_the_answer_milder(texts, joint):
    one, other = texts
    if not other or any(sign in one + other for sign in ("<<", "#", "(", "'x", "\\", "if;")):
        return  # these may join to something else; no command at all is asked about, and adds nothing
    assert SEVERITY[bash(one + joint + other)[0]] >= max(SEVERITY[bash(one)[0]], SEVERITY[bash(other)[0]])


WORDS = st.lists(
    st.sampled_from(["rm", "ls", "git", "status", "-rf", "push", "--force", "a b", "src", "log"]),
    min_size=1,
    max_size=5,
)


@settings(deadline=None)
@given(WORDS, st.integers(0, 2**32))
def test_spellings_of_the_same_words_decide_alike(words, seed):
    chance = random.Random(seed)
    plain = bash(" ".join("'" + word + "'" for word in words))
    assert bash(" ".join(quoted(chance, word) for word in words)) == plain
    assert bash(("\t" if chance.random() < 0.5 else "  ").join(quoted(chance, word) for word in words)) == plain


def covered(words):
    """Whether the policy's `allow` names a command, said once more and in another way."""
    name, *rest = words
    return name in {"ls", "cat", "uv"} or (name == "git" and (rest == ["status"] or rest[:1] == ["log"]))


@pytest.mark.skipif(not bash_sandbox.is_possible(), reason="needs unshare and chroot")
def test_a_real_bash_runs_nothing_that_no_allow_has_named(tmp_path):
    sandbox = bash_sandbox.Sandbox(tmp_path)
    made = [text for seed in range(2) for text in many(seed, 1500)]
    allowed = [text for text in dict.fromkeys([*ALLOWED, *made]) if bash(text)[0] == "allowed"]
    before = sandbox.files()
    ran = [(text, words) for text, records in sandbox.run(allowed) for words in records]
    assert len(ran) > 100
    assert [] == [(text, words) for text, words in ran if not covered(words)]
    assert sandbox.files() == before


def test_an_argv_is_a_command_without_a_shell():
    def decided(*words):
        return bash(list(words))[0]

    assert decided("ls", "src") == "allowed"
    assert decided("ls", "; rm -rf /") == "allowed"
    assert decided("bash", "-lc", "ls && rm -rf x") == "blocked"
    assert decided("rm", "-fr", "x") == "blocked"
    assert decided("powershell.exe", "-Command", "ls") == "requires_approval"


@pytest.mark.parametrize(
    ("kind", "arguments", "verdict"),
    [
        ("shell", {"action": {"commands": ["ls", "git status"]}}, "allowed"),
        ("shell", {"action": {"commands": ["ls", "rm -rf x"]}}, "blocked"),
        ("shell", {"action": {}}, "requires_approval"),
        ("shell", {"tools": []}, "requires_approval"),
        ("local_shell", {"action": {"command": ["ls"], "env": {}}}, "allowed"),
        ("local_shell", {"action": {"command": ["ls"], "env": {"PATH": "."}}}, "requires_approval"),
        ("local_shell", {"action": {"command": ["ls"], "user": "root"}}, "requires_approval"),
        ("local_shell", {"action": {"command": ["bash", "-c", "rm -r x"]}}, "blocked"),
        ("local_shell", {"action": {"command": ["cat", "x"], "working_directory": "/etc"}}, "requires_approval"),
        ("local_shell", {"action": {"command": ["ls"], "working_directory": 1}}, "requires_approval"),
        ("apply_patch", {"operation": {"path": "src/x"}}, "allowed"),
        ("apply_patch", {"operation": {"path": ".git/config"}}, "blocked"),
        ("apply_patch", {"operation": 1}, "requires_approval"),
    ],
)
def test_calls_of_the_responses_api_are_read_without_settings(kind, arguments, verdict):
    rules = POLICY.replace("tool: [Bash, exec_command]", "tool: '*'")
    policy = build(parse_policy(rules, "policy.yaml"))
    call = ToolCall("c", kind, kind, arguments)
    assert evaluate(policy, call, CallContext(), now=1.0).verdict == verdict


@pytest.mark.parametrize(
    ("tool", "path", "verdict"),
    [
        ("Write", "src/x", "allowed"),
        ("Write", "/repo/src/x", "allowed"),
        ("Write", "/repo/../etc/passwd", "blocked"),
        ("Write", "/repo/.git/x", "blocked"),
        ("Write", None, "blocked"),
        ("Write", ["a", "/etc/b"], "blocked"),
        ("Write", ["a", 1], "blocked"),
        ("Write", "", "blocked"),
        ("Write", "\ud800", "blocked"),
        ("Read", "/usr/x", "allowed"),
        ("Read", "/etc/x", "blocked"),
        ("Read", "~/.ssh/id", "blocked"),
    ],
)
def test_paths_are_judged_where_they_lead(tool, path, verdict):
    call = ToolCall("c", "function", tool, {"file_path": path})
    assert evaluate(POLICY_OF_AGENT, call, CallContext(), now=1.0).verdict == verdict


def test_the_folder_of_a_call_is_where_its_paths_begin():
    assert bash("cat x", cwd="/repo/src")[0] == "allowed"
    assert bash("cat ../x", cwd="/repo/src")[0] == "allowed"
    assert bash("cat x", cwd="/etc")[0] == "requires_approval"
    assert bash("cat x", cwd=5)[0] == "requires_approval"


def test_each_rule_that_decides_a_part_is_judged_once_and_counts():
    policy = build(
        parse_policy(
            """
version: 1
tools: {Bash: {command: command}}
rules:
  - {name: limited, command: {allow: ["ls *"]}, max_per_day: 2}
  - {name: two, command: "cat *", effect: require_approval, four_eyes: true, approval_ttl_seconds: 60}
  - {name: three, command: "make *", effect: require_approval, approval_ttl_seconds: 30}
""",
            "policy.yaml",
        )
    )
    call = ToolCall("c", "function", "Bash", {"command": "ls; ls; cat x; make"})
    judgement = evaluate(policy, call, CallContext(), now=1.0)
    assert judgement.verdict == "requires_approval"
    assert [rule.name for rule in judgement.rules] == ["limited", "two", "three"]
    assert [rule.name for rule in judgement.asking if rule] == ["two", "three"]
    assert judgement.requirements == (Requirement(count=2),)
    assert judgement.counting == ()
    listing = evaluate(policy, ToolCall("c", "function", "Bash", {"command": "ls; ls"}), CallContext(), now=1.0)
    assert [rule.name for rule in listing.counting] == ["limited"]


def test_a_call_that_is_not_taken_apart_fits_no_pattern_of_parts():
    call = ToolCall("c", "function", "other", {"command": "ls"})
    explanation = explain(POLICY_OF_AGENT, call, CallContext(), now=1.0)
    assert explanation.judgement.blocked_by == "default"
    assert [seen.mismatch for seen in explanation.considered] == [
        "part",
        "tool",
        "tool",
        "tool",
        "part",
        "part",
        "tool",
    ]


def test_an_explanation_tells_of_each_part_which_rule_decides():
    call = ToolCall("c", "function", "Bash", {"command": "ls src; git push"})
    explanation = explain(POLICY_OF_AGENT, call, CallContext(), now=1.0)
    told = [(one.part.shown, one.rule.name if one.rule else "") for one in explanation.parts if not one.ignored]
    assert told == [("git push", "shell"), ("ls src", "shell")]


def test_a_condition_that_cannot_be_decided_blocks_only_calls_with_a_part_for_its_rule():
    text = POLICY.replace(
        "- name: shell", "- {name: odd, command: 'git *', when: 'a > `1`', effect: allow}\n  - name: shell"
    )
    policy = build(parse_policy(text, "policy.yaml"))

    def verdict(command):
        call = ToolCall("c", "function", "Bash", {"command": command})
        return evaluate(policy, call, CallContext(), now=1.0)

    assert verdict("git status").blocked_by == "when"
    assert verdict("ls").verdict == "allowed"
    asked = ToolCall("c", "function", "Bash", {"command": "git status"})
    assert explain(policy, asked, CallContext(), now=1.0).considered[-1].mismatch is None


def test_the_names_of_the_corpus_are_stubs():
    assert {*NAMES} <= {*bash_sandbox.STUBS, *bash_sandbox.REAL, "echo"}


PAGE = Path(__file__).parents[2] / "docs/commands.md"


def test_the_page_on_commands_says_what_its_policy_does():
    page = PAGE.read_text(encoding="utf-8")
    policy = build(parse_policy(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0], "commands.md"))
    rows = re.findall(r"^\| `(.*?)` \| (allowed|blocked|requires approval) \|", page, re.MULTILINE)
    assert len(rows) > 10
    for command, answer in rows:
        call = ToolCall("c", "function", "Bash", {"command": command.replace("\\|", "|")})
        assert (command, evaluate(policy, call, CallContext(), now=1.0).verdict) == (
            command,
            answer.replace("requires a", "requires_a"),
        )
