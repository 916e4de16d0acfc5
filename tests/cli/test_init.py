"""From an empty folder to a governed gateway, as a user goes."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import openai
import pytest
import yaml

from litellm_bighub.testing import function_call, running_proxy

COMMAND = Path(sys.executable).parent / "litellm-bighub"
FILES = ["bighub.env", "bighub_policy.schema.json", "bighub_policy.yaml", "proxy_config.yaml"]


def _run(folder: Path, *arguments: str, answers: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith(("LITELLM_BIGHUB_", "OPENAI_"))}
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        env={**known, **environment},
        input=answers,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def _keys(folder: Path) -> dict[str, str]:
    lines = (folder / "bighub.env").read_text().splitlines()
    return dict(shlex.split(line)[0].split("=", 1) for line in lines if not line.startswith("#"))


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.proxy
def test_an_empty_folder_becomes_a_gateway_that_decides(tmp_path, upstream, warm):
    upstream.script("look", [function_call("get_order", {"id": "4711"})])
    upstream.script("wipe", [function_call("delete_order", {"id": "trace-0815"})])

    written = _run(tmp_path, "init", "--yes", "--api-base", upstream.base_url)
    keys = {**_keys(tmp_path), "OPENAI_API_KEY": "sk-no-key-is-needed"}
    examined = _run(tmp_path, "doctor", **keys)

    assert written.returncode == 0, written.stdout + written.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES
    assert (tmp_path / "bighub.env").stat().st_mode & 0o777 == 0o600
    assert keys["LITELLM_MASTER_KEY"] not in written.stdout + written.stderr
    assert "What looks on is on" in written.stdout
    assert "litellm --config proxy_config.yaml" in written.stdout
    assert examined.returncode == 0, examined.stdout + examined.stderr
    with running_proxy(tmp_path / "proxy_config.yaml", env=keys, python=warm) as proxy:
        client = openai.OpenAI(base_url=proxy.openai_url, api_key=keys["LITELLM_MASTER_KEY"], max_retries=0)
        allowed, blocked = (client.responses.create(model="gpt-4.1", input=asked) for asked in ("look", "wipe"))
    assert [item.type for item in allowed.output] == ["function_call"]
    assert "trace-0815" not in blocked.model_dump_json()


def test_what_is_there_is_replaced_only_if_asked_to(tmp_path):
    (tmp_path / "kept").write_text("LITELLM_MASTER_KEY=sk-old\n")
    (tmp_path / "bighub.env").symlink_to(tmp_path / "kept")
    before = _content(tmp_path)

    refused = _run(tmp_path, "init", "--yes")

    assert refused.returncode == 1
    assert refused.stderr == f"bighub.env in {tmp_path}: there already; --force replaces them\n"
    assert _content(tmp_path) == before

    forced = _run(tmp_path, "init", "--yes", "--force")

    assert forced.returncode == 0, forced.stdout + forced.stderr
    assert (tmp_path / "kept").read_text() == "LITELLM_MASTER_KEY=sk-old\n"
    assert (tmp_path / "bighub.env").stat().st_mode & 0o777 == 0o600
    assert _keys(tmp_path)["LITELLM_MASTER_KEY"] != "sk-old"


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ((), FILES[1:]),
        (("--database", "state.db"), FILES),
        (("--decider", "bighub"), ["bighub.env", "proxy_config.yaml"]),
    ],
    ids=["embedded", "a database", "hosted"],
)
def test_a_config_that_is_there_stays_and_hears_what_to_add(tmp_path, arguments, files):
    own = "model_list: []\n"
    (tmp_path / "proxy_config.yaml").write_text(own)

    ran = _run(tmp_path, "init", "--yes", *arguments)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    assert (tmp_path / "proxy_config.yaml").read_text() == own
    told = ran.stdout.partition("\nguardrails:")[2].partition("\nNext:")[0]
    entries = yaml.safe_load(f"guardrails:{told}")["guardrails"]
    assert "litellm_bighub.BighubGuardrail" in [each["litellm_params"]["guardrail"] for each in entries]
    assert ("bighub.env" in ran.stdout.partition("\nNext:")[2]) == ("bighub.env" in files)

    (tmp_path / "proxy_config.yaml").write_text(f"guardrails:{told}")
    for written in set(files) - {"proxy_config.yaml"}:
        (tmp_path / written).unlink()
    again = _run(tmp_path, "init", "--yes", *arguments)

    assert (again.returncode, "there already" in again.stderr) == (1, True)


def test_what_no_option_says_is_asked_for(tmp_path):
    answers = ["anthropic/claude-sonnet-5", "state.db", "embedded", "lenient", "strict", "request", "sk-ant-1", ""]

    ran = _run(tmp_path, "init", "--folder", "new", answers="\n".join(answers))

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "cd new" in ran.stdout
    assert _keys(tmp_path / "new").keys() == {"LITELLM_MASTER_KEY", "ANTHROPIC_API_KEY", "LITELLM_BIGHUB_DATABASE_URL"}
    assert _keys(tmp_path / "new")["LITELLM_BIGHUB_DATABASE_URL"] == f"sqlite:///{tmp_path / 'state.db'}"
    assert yaml.safe_load((tmp_path / "new" / "bighub_policy.yaml").read_text())["default"] == "block"
    params = yaml.safe_load((tmp_path / "new" / "proxy_config.yaml").read_text())["guardrails"][-1]["litellm_params"]
    assert params["on_approval"] == "request"


def test_without_answers_the_options_are_named(tmp_path):
    for answered in range(3):
        ran = _run(tmp_path, "init", answers="\n" * answered)

        assert (ran.returncode, ran.stderr.splitlines()[-1].partition(";")[2]) == (
            1,
            " --yes asks nothing and takes the defaults, and each question has an option (--help)",
        )
        assert "Aborted" not in ran.stderr
    assert not list(tmp_path.iterdir())


def test_a_database_that_cannot_be_reached_is_found_by_the_doctor(tmp_path):
    ran = _run(tmp_path, "init", "--yes", "--database", f"postgresql://u:very-secret@/x?host={tmp_path}/none")

    assert ran.returncode == 1
    assert "the database cannot be written" in " ".join(ran.stdout.split())
    assert "very-secret" not in ran.stdout + ran.stderr + (tmp_path / "proxy_config.yaml").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--model", "gpt-4.1"), "--model gpt-4.1: write provider/model"),
        (("--database", "mysql://u:very-secret@db/x"), "--database mysql://…: sqlite, the path of a file"),
        (("--database", "postgresql://u:very-secret'@db/x"), "--database: has spaces, quotes or backslashes"),
        (("--on-approval", "maybe"), "maybe"),
        (("--decider", "nobody"), "nobody"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_written(tmp_path, arguments, says):
    ran = _run(tmp_path, "init", "--yes", *arguments)

    assert ran.returncode in {1, 2}
    assert says in ran.stderr
    assert "very-secret" not in ran.stderr
    assert not list(tmp_path.iterdir())


def test_the_version_is_told():
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    told = _run(Path(), "--version").stdout

    assert f'version = "{told.removeprefix("litellm-bighub ").strip()}"' in project
