"""Fixtures for the whole suite, and the rule that no test reaches beyond this machine."""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from litellm_bighub.demo.run import copied_config
from litellm_bighub.testing import ScriptedUpstream, running_proxy
from tests.warm import warm_python

pytest_plugins = ["pytester", "tests.format_marks", "tests.lessons_plugin"]

ROOT = Path(__file__).parent.parent

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # read when litellm is imported, which a test does later

settings.register_profile("any speed", deadline=None)  # a busy machine is slow; how fast we are, benchmarks say
settings.load_profile("any speed")


def _refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple) and not _is_loopback(str(address[0])):
        raise PermissionError(f"a test tried to connect to {address[0]}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


sys.addaudithook(_refuse_network)


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in a hook of its own
def pytest_collection_modifyitems(items):
    """One of the two workers has all tests that need a running proxy, so that each proxy is started only once."""
    for item in items:
        if item.get_closest_marker("proxy") or "warm" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("proxies"))


@pytest.fixture(scope="session")
def _upstream():
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def upstream(_upstream):
    """A scripted provider, fresh for each test; the same one that stands behind `proxy`."""
    _upstream.reset()
    return _upstream


@pytest.fixture(scope="session")
def warm(tmp_path_factory):
    """The command of a Python that has LiteLLM's proxy imported.

    Started as users start theirs are `proxy`, those of the doctor's proof, the demo and the command line, the ones with
    several workers, and the one that is told to stop; the others are forks, each with a config of its own.
    """
    with warm_python(tmp_path_factory.mktemp("warm")) as command:
        yield command


@pytest.fixture(scope="session")
def proxy(_upstream):
    """The real proxy, started once from the repository's own config: a start takes many seconds."""
    with (
        copied_config(ROOT / "proxy_config.yaml") as (config, _),
        running_proxy(config, env={"UPSTREAM_BASE_URL": _upstream.base_url}) as proxy,
    ):
        yield proxy
