"""Which releases of LiteLLM stop the start, in a process of its own whose LiteLLM says to be another release."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from litellm_bighub.errors import ConfigurationError
from litellm_bighub.gateway.litellm_imports import LITELLM_IMPORTS
from litellm_bighub.gateway.setup.litellm_release import SUPPORTED, check_imports, check_release
from tests.gateway.guardrails_of_ours import POLICY

pytestmark = pytest.mark.filterwarnings("ignore:Items? .* on TypedDict class .* the `ReadOnly` qualifier")

ROOT = Path(__file__).parents[3]
BUILD = """
from tests.gateway.guardrails_of_ours import BOTH
from tests.gateway.guardrails_of_ours import built
kind = BOTH[{index}]
print("started:", built(kind, **{params}).guardrail_name)
"""
UNSUPPORTED = ["1.98.0", "1.103.11", "1.104.0rc1", "1.107.3", "2.0.0", "2.0.0rc1", "not-a-version"]
HIJACKED = ["1.82.7", "1.82.8", "1.107.0"]


def runner(tmp_path, command):
    """Runs code where `litellm` has this version, and is what is installed, or a stub of it."""
    (tmp_path / "bighub_policy.yaml").write_text(POLICY)

    def run(code, release, *, stub=None, **env):
        if release:
            (tmp_path / f"litellm-{release}.dist-info").mkdir()
            metadata = f"Metadata-Version: 2.1\nName: litellm\nVersion: {release}\n"
            (tmp_path / f"litellm-{release}.dist-info" / "METADATA").write_text(metadata)
        for path, content in (stub or {}).items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(content)
        path = os.pathsep.join([str(tmp_path), str(ROOT)])
        env = {**os.environ, "PYTHONPATH": path, "LITELLM_LOCAL_MODEL_COST_MAP": "True", **env}
        return subprocess.run(
            [*command, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=env, check=False
        )

    return run


@pytest.fixture
def python(tmp_path):
    return runner(tmp_path, [sys.executable, "-W", "ignore"])


@pytest.fixture
def imported(tmp_path, warm):
    """The same, with LiteLLM imported already: what is looked at comes after that."""
    return runner(tmp_path, warm)


def last_line(done):
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(("index", "release"), [(0, "1.103.11"), (1, "2.0.0")], ids=["calls", "texts"])
def test_an_unsupported_release_stops_the_start(imported, index, release):
    done = imported(BUILD.format(index=index, params={}), release)

    assert done.returncode != 0
    told = last_line(done)
    assert told.startswith("litellm_bighub.errors.ConfigurationError: litellm: ")
    assert f"{release} is not supported; supported is" in told
    assert ">=1.104" in told
    assert "allow_unsupported_litellm" in told


def test_the_operator_can_allow_it(imported):
    done = imported(BUILD.format(index=1, params={"allow_unsupported_litellm": True}), "2.0.0")

    assert done.stdout == "started: ours\n"
    [told] = [line for line in done.stderr.splitlines() if "allow_unsupported_litellm" in line]
    assert "2.0.0 is not supported" in told


def test_nobody_can_allow_a_hijacked_one(imported):
    done = imported(BUILD.format(index=0, params={"allow_unsupported_litellm": True}), "1.107.0")

    assert done.returncode != 0
    assert "litellm: 1.107.0 was hijacked and cannot be allowed" in last_line(done)


OLD = {"litellm/__init__.py": "", "litellm/caching/__init__.py": ""}
BROKEN = {"litellm/__init__.py": "raise TypeError('made for another Python')"}


@pytest.mark.parametrize(("name", "stub"), [("BighubGuardrail", OLD), ("TextGuardrail", BROKEN), ("aresponses", OLD)])
def test_of_an_old_release_the_message_is_ours(python, name, stub):
    done = python(f"from litellm_bighub import {name}", "1.98.0", stub=stub)

    assert done.returncode != 0
    told = last_line(done)
    assert told.startswith("litellm_bighub.errors.ConfigurationError: litellm: 1.98.0 ")
    assert "supported is" in told
    assert "ImportError" not in done.stderr
    assert "ModuleNotFoundError" not in done.stderr


def test_of_a_supported_release_that_lacks_something_the_message_names_it(python):
    done = python("from litellm_bighub import BighubGuardrail", "1.109.0", stub=OLD)

    assert "ConfigurationError: litellm: 1.109.0 lacks litellm." in last_line(done)


def test_an_error_that_is_not_litellms_stays_what_it_is(python):
    done = python("from litellm_bighub import ToolDecisions", "", stub={"jmespath.py": "raise ImportError('broken')"})

    assert last_line(done) == "ImportError: broken"


def test_functions_in_code_are_not_for_an_unsupported_release_either(imported):
    done = imported("from litellm_bighub import aresponses", "2.0.0")

    assert "litellm: 2.0.0 is not supported" in last_line(done)


def test_the_environment_can_allow_it_in_code(python):
    allow = {"LITELLM_BIGHUB_ALLOW_UNSUPPORTED_LITELLM": "true"}
    done = python("from litellm_bighub import aresponses; print('here')", "2.0.0", **allow)

    assert done.stdout == "here\n"


def test_the_doctor_tells_the_same(python, tmp_path):
    (tmp_path / "proxy_config.yaml").write_text("guardrails: []\n")
    doctor = "from litellm_bighub.cli.app import run; import sys; sys.argv = ['litellm-bighub', 'doctor']; run()"
    done = python(doctor, "1.98.0", stub=OLD)

    assert done.returncode == 1
    assert done.stderr.startswith("litellm-bighub: litellm: 1.98.0 lacks litellm")


@pytest.mark.parametrize("release", [*UNSUPPORTED, ""])
def test_what_is_not_supported(release):
    with pytest.raises(ConfigurationError, match="is not supported; supported is"):
        check_release(allows_unsupported=False, release=release)
    check_release(allows_unsupported=True, release=release)


@pytest.mark.parametrize("release", [*HIJACKED, "1.107.0+local"])
@pytest.mark.parametrize("allowed", [True, False])
def test_what_was_hijacked(release, allowed):
    with pytest.raises(ConfigurationError, match="was hijacked"):
        check_release(allows_unsupported=allowed, release=release)


@pytest.mark.parametrize("release", ["1.104.0", "1.106.2", "1.110.2", "1.106.2.dev1", version("litellm")])
def test_what_is_supported(release):
    check_release(allows_unsupported=False, release=release)


def test_the_supported_releases_are_those_that_the_package_asks_for():
    asked = next(parsed for line in requires("litellm-bighub") or () if (parsed := Requirement(line)).name == "litellm")

    assert asked.specifier == SUPPORTED


def test_this_litellm_has_all_that_is_imported_late():
    check_imports()


@pytest.mark.parametrize("module", sorted(LITELLM_IMPORTS))
def test_one_name_that_is_missing_stops_the_start(module):
    with pytest.raises(ConfigurationError, match=rf"^litellm: .* lacks {module}\.gone"):
        check_imports({module: LITELLM_IMPORTS[module] | {"gone"}})
    with pytest.raises(ConfigurationError, match=rf"^litellm: .* lacks {module}\.no_such_module"):
        check_imports({f"{module}.no_such_module": frozenset()})


def test_it_is_looked_for_when_a_proxys_guardrail_is_built(imported):
    """`_partition_post_call_callbacks` is imported in a function alone."""
    code = """
import litellm.proxy.proxy_server
del litellm.proxy.utils._partition_post_call_callbacks
"""
    done = imported(code + BUILD.format(index=0, params={}), "")

    assert done.returncode != 0
    assert "lacks litellm.proxy.utils._partition_post_call_callbacks" in last_line(done)
