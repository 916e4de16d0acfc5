"""What the pages say to type into a shell works: each page's commands run, in their order, in a folder of their own.

A few commands cannot run here: they need a registry, a cluster, root or a model. Of these is checked what they name.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from importlib.metadata import metadata
from pathlib import Path
from threading import Thread

import pytest
import typer.main
import yaml
from packaging.requirements import Requirement

from litellm_bighub.cli import starter_files
from litellm_bighub.cli.app import app
from litellm_bighub.control_plane.serve_settings import FILE
from litellm_bighub.testing import SlackServer, leash
from tests.control_plane import postgres
from tests.docs.blocks import ROOT, SHELLS, blocks_of, commands_of

RUN_ELSEWHERE = [*sorted(ROOT.glob("examples/*/README.md")), ROOT / "CONTRIBUTING.md", ROOT / "benchmarks/RESULTS.md"]
"""`tests/test_examples.py` starts the examples; of these pages is checked what their commands name."""
PAGES = [ROOT / "README.md", *sorted(path for path in ROOT.glob("docs/**/*.md") if "reference" not in path.parts)]
BLOCKS = {page: [block for block in blocks_of(page) if block.language in SHELLS] for page in [*PAGES, *RUN_ELSEWHERE]}
RUN = {
    "chmod",
    "cp",
    "curl",
    "export",
    "litellm",
    "litellm-bighub",
    "mkdir",
    "mv",
    "pg_dump",
    "pg_restore",
    "psql",
    "sqlite3",
}
SLACK = ROOT / "docs/tutorials/slack.md"
COMMAND = Path(sys.executable).with_name("litellm-bighub")
PROVED = ROOT / "docs/tutorials/proxy.md"
"""The one page whose `doctor --prove` runs, since each starts a proxy; `tests/doctor` and `tests/cli` run many more."""


# What cannot run here


def make(*targets):
    makefile = (ROOT / "Makefile").read_text()
    assert all(f"\n{target}:" in makefile for target in targets)


def pip(command, what):
    installed, wanted = metadata("litellm-bighub"), Requirement(what)
    assert (command, wanted.name) == ("install", installed["Name"])
    assert wanted.extras <= set(installed.get_all("Provides-Extra"))


def venv(*words):
    assert words[:2] == ("-m", "venv")


def script(path, *_):
    """A program of an example, which `tests/test_examples.py` runs."""
    assert list(ROOT.glob(f"examples/*/{path}"))


def compose(word, *words):
    """`compose.yaml` itself is checked by `make package`."""
    options = dict(zip(words[::2], words[1::2], strict=False))
    services = yaml.safe_load((ROOT / options["-f"]).read_text())["services"]
    command, *more = words[4:]
    assert (word, options["--env-file"]) == ("compose", "deploy/.env")
    assert (command, more) == ("up", ["--build", "--detach"]) or (command == "logs" and set(more) <= set(services))


def helm(install, _, chart, *words):
    """The chart itself is rendered by `make package`."""
    values = yaml.safe_load((ROOT / chart / "values.yaml").read_text())
    options = list(zip(words[::2], words[1::2], strict=True))
    assert install == "install"
    for option, assigned in options:
        name, value = assigned.split("=")
        branch = values
        for part in name.split("."):
            branch = branch[part]
        assert option in {"--set", "--set-file"}
        assert option == "--set" or value in {starter_files.CONFIG, starter_files.POLICY}


def kubectl(*words):
    *secret, file = words
    assert secret == ["create", "secret", "generic", "bighub"]
    assert file == f"--from-env-file={starter_files.KEYS}"


def systemctl(command, *words):
    units = {path.stem for path in (ROOT / "deploy/systemd").iterdir()}
    assert command == "daemon-reload" or (command, words[0], set(words[1:])) == ("enable", "--now", units)


def useradd(*words):
    for unit in (ROOT / "deploy/systemd").iterdir():
        assert f"\nUser={words[-1]}\n" in unit.read_text()


def cp(*words):
    """It copies to a folder of the system."""
    sources = words[:-1]
    assert all(list(ROOT.glob(source)) for source in sources)


def litellm_bighub(*words):
    """It is installed in a folder of the system: read to its end, as it would be read, and not run."""
    command, name = typer.main.get_command(app), "litellm-bighub"
    while hasattr(command, "commands"):
        name, *words = words
        command = command.commands[name]
    command.make_context(name, list(words))


def a_client():
    """`make clients` drives it with these settings."""


NAMED = {
    "claude": a_client,
    "codex": a_client,
    "cp": cp,
    "docker": compose,
    "helm": helm,
    "kubectl": kubectl,
    "litellm-bighub": litellm_bighub,
    "make": make,
    "pip": pip,
    "python": script,
    "python3": venv,
    "systemctl": systemctl,
    "useradd": useradd,
}
"""Programs that are not run, and what is checked of their words."""


def _runs(words):
    return (words[0] in RUN or re.match(r"[A-Z_]+=", words[0])) and not any(
        word.startswith(("/opt/", "/etc/")) for word in words
    )


@pytest.mark.parametrize("block", [block for blocks in BLOCKS.values() for block in blocks], ids=str)
def test_what_cannot_run_here_names_what_exists(block):
    for _, words in commands_of(block.code):
        if not _runs(words):
            NAMED[Path(words[0]).name](*words[1:])


# What runs


PREAMBLE = r"""
set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || :; wait' EXIT

until_it_says() {  # LOG PATTERN: waits until the last program of the background has printed it
  until grep -q "$2" "$1"; do kill -0 $! || { cat "$1"; exit 1; }; sleep 0.1; done
}
bighub() { $PROGRAM -c 'from litellm_bighub.cli.app import run; run()' "$@"; }
initialise() {  # a person who takes each default is asked by no fork: a fork has no input
  case "$*" in *--yes*) bighub "$@" ;; *) "$COMMAND" "$@" <<<$'\n\n\n\n\n\n' ;; esac
}
litellm-bighub() {
  case "$1" in
    serve) bighub "$@" --port 0 >serve.log 2>&1 & until_it_says serve.log 'The inbox:' ;;
    init) rm -f proxy_config.yaml bighub*; initialise "$@" ;;
    *) bighub "$@" ;;
  esac
}
litellm() {
  $PROGRAM -m litellm.proxy.proxy_cli "$@" --host 127.0.0.1 --port "$FREE_PORT" >litellm.log 2>&1 &
  until_it_says litellm.log 'Application startup complete'
}
curl() {  # the page's `serve`, wherever it listens
  URL=$(grep -o 'http://127[^/]*' serve.log)
  command curl --silent --show-error --fail-with-body "${@//http:\/\/127.0.0.1:8765/$URL}"
}
operator_key() { bighub keys create operator --scope webhooks:write --scope kill_switch:write | sed 's/.*: //'; }
first_key() { [ -f first_key ] || bighub keys list | grep -om1 'bhk_[-_[:alnum:]]*' >first_key; cat first_key; }
"""


def _script(page, database):
    """The page's commands, with what stands for something of the reader's replaced by something that is there."""
    for block in BLOCKS[page]:
        code = "".join(f"{command}\n" for command, words in commands_of(block.code) if _runs(words))
        if "curl " in code:
            yield "[ -f serve.log ] || litellm-bighub serve; KEY=${KEY:-$(operator_key)}\n"
        code = re.sub(r"(postgresql://\w+@)db\.internal(/\w+)", rf"\1\2?host={database}", code)
        yield re.sub(r"bhk_\w+", "$(first_key)", code)


def _files(page, folder):
    """What a reader has by now: the page's own files, otherwise README's; `deploy/`, and a policy to try."""
    shown = [block for each in (page, ROOT / "README.md") for block in blocks_of(each) if block.language == "yaml"]
    config = next(block for block in shown if "guardrails:" in block.code)
    policy = next(block for block in shown if "rules:" in block.code and "version:" in block.code)
    (folder / starter_files.CONFIG).write_text(config.code)
    (folder / starter_files.POLICY).write_text(policy.code)
    (folder / "new_policy.yaml").write_text(policy.code)
    if served := [block for block in blocks_of(page) if block.language == "yaml" and "\nslack:" in block.code]:
        (folder / FILE).write_text(served[0].code)
    for block in blocks_of(page):
        if block.language == "json" and '"bighub"' in block.code:
            (folder / "key.json").write_text(block.code)
    shutil.copytree(ROOT / "deploy", folder / "deploy")


@contextmanager
def _database(page):
    """Where the socket of a PostgreSQL is, for a page that names one."""
    if not any("db.internal" in block.code for block in BLOCKS[page]):
        yield ""
        return
    found = postgres.binaries()
    if found is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with postgres.cluster(found) as socket:
        yield socket


def _free_port():
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return chosen.getsockname()[1]


@pytest.mark.proxy
@pytest.mark.parametrize("page", [page for page in PAGES if BLOCKS[page] and page != SLACK], ids=lambda page: page.stem)
def test_commands_run(page, tmp_path, warm):
    _run(page, tmp_path, warm)


@pytest.mark.proxy
def test_a_call_that_waits_is_answered_in_slack(tmp_path, warm):
    def answer():
        slack.wait_until(lambda server: server.messages, 240)
        [message] = slack.messages
        slack.press(message, "Approve", account="U024BE7LH")
        slack.wait_until(lambda _: "Approved by ann" in message.words)
        (tmp_path / "answered").touch()

    with SlackServer("C024BE91L") as slack:
        Thread(target=answer, daemon=True).start()
        tokens = (("xoxb-…", slack.bot_token), ("xapp-…", slack.app_token))
        url = {"LITELLM_BIGHUB_SERVE_SLACK__API_URL": slack.api_url}
        _run(SLACK, tmp_path, warm, given=tokens, environment=url, then="until [ -f answered ]; do sleep 0.1; done")

    assert "refund-agent" in slack.messages[0].words
    link = slack.messages[0].buttons["Answer in the inbox"]["url"]
    assert link.startswith("https://bighub.example/inbox/approvals/apr_")


def _run(page, tmp_path, warm, *, given=(), environment=(), then=""):
    _files(page, tmp_path)
    with _database(page) as database:
        script = PREAMBLE + "".join(_script(page, database)) + then
        for placeholder, value in given:
            script = script.replace(placeholder, value)
        if page != PROVED:
            script = script.replace(" --prove", "")
        (tmp_path / "script").write_text(script)
        knows = {"PROGRAM": shlex.join(warm), "COMMAND": str(COMMAND), "FREE_PORT": str(_free_port())}
        knows |= {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        command = [sys.executable, "-I", leash.__file__, "bash", "script"]
        with (
            (tmp_path / "printed").open("w") as printed,
            subprocess.Popen(
                command,
                cwd=tmp_path,
                env=knows | dict(environment),
                stdin=subprocess.PIPE,
                stdout=printed,
                stderr=subprocess.STDOUT,
            ) as ran,
        ):
            code = ran.wait(250)

    assert code == 0, (tmp_path / "printed").read_text()[-3000:]
