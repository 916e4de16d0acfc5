"""The command line, as a process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from litellm_bighub.cli.app import COMMANDS, app

COMMAND = [sys.executable, "-c", "from litellm_bighub.cli.app import run; run()"]
# A child of a background job or of `nohup` inherits that SIGINT is ignored; a terminal's foreground job does not.
IN_THE_FOREGROUND = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from litellm_bighub.cli.app import run; run()"
)


def _run(*arguments, timeout=300):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=timeout, check=False)


def test_help_names_every_command_and_imports_nothing_heavy():
    slow = {"litellm", "openai", "uvicorn", "sqlalchemy", "pydantic", "yaml", "asyncio", "rich"}
    code = "from litellm_bighub.cli.app import run; import atexit, sys; sys.argv = ['litellm-bighub', '--help']; "
    code += f"atexit.register(lambda: print('imported:', {slow} & set(sys.modules))); run()"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert printed.splitlines()[-1] == "imported: set()"
    for name, command in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(command.help)}$", printed, re.MULTILINE)


def test_every_command_of_the_table_is_there_and_tells_what_it_takes():
    names = {command.name or command.callback.__name__ for command in app.registered_commands}

    assert names | {group.name for group in app.registered_groups} == COMMANDS.keys()
    assert all("Usage: " in _run(name, "--help").stdout for name in COMMANDS)


def test_a_command_that_nobody_knows_is_told_with_what_may_be_meant():
    told = _run("polcy", "check")

    assert told.returncode == 2
    assert "Did you mean 'policy'?" in told.stderr


def test_a_config_that_does_not_exist_is_told(tmp_path):
    told = _run("demo", "--config", str(tmp_path / "none.yaml"))

    assert told.returncode == 2
    assert "does not exist" in told.stderr


@pytest.mark.proxy
def test_a_proxy_that_cannot_start_is_told_without_a_traceback(tmp_path):
    config = tmp_path / "proxy_config.yaml"
    config.write_text("guardrails: [{guardrail_name: g, litellm_params: {guardrail: no_such.Thing, mode: pre_call}}]\n")

    told = _run("demo", "--config", str(config))

    assert told.returncode == 1
    assert "litellm-bighub: the proxy ended with exit code" in told.stderr
    assert "no_such" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.proxy
def test_ctrl_c_ends_everything(tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}  # where the demo makes the folder that it runs in
    command = [sys.executable, "-c", IN_THE_FOREGROUND, "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout.readline().startswith("Starting")
        assert re.fullmatch(r"\d+ s", process.stdout.readline().strip())
        assert str(tmp_path) in _commands_but(process.pid)

        process.send_signal(signal.SIGINT)
        process.wait(60)

    assert process.returncode == 130
    assert str(tmp_path) not in _commands_but(process.pid)
    assert not list(tmp_path.iterdir())


def _commands_but(pid):
    """The command lines of all other processes."""
    listed = subprocess.run(["ps", "-eww", "-o", "pid,args"], capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in listed.splitlines() if line.split()[0] != str(pid))
