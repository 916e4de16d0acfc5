"""The real LiteLLM proxy, as a process of its own, for as long as a context is open."""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import yaml

from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.errors import BighubError
from litellm_bighub.formats.payload.copies import text
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.testing import leash

_LOOPBACK = "127.0.0.1"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ERROR = re.compile(r"^\s*(?:\w+\.)*\w*(?:Error|Exception)\b|^Error\b|\bERROR\b", re.MULTILINE)
_MOST = 12
_FROM_ENVIRONMENT = "os.environ/"


class ProxyStartError(BighubError):
    """The proxy ended, or did not get ready; the message ends with the telling lines of its log."""


class _PortTakenError(ProxyStartError):
    """Somebody else took the port between choosing and binding it."""


@dataclass(frozen=True, slots=True)
class RunningProxy:
    """A proxy that answers.

    Attributes:
        base_url: without `/v1`, as in `http://127.0.0.1:40123`.
        master_key: the key that may do everything.
        log_path: all that it has printed; gone when the context closes.
        start_seconds: how long it took to get ready.
    """

    base_url: str
    master_key: str = field(repr=False)
    log_path: Path
    start_seconds: float

    @property
    def openai_url(self) -> str:
        """What an OpenAI client takes as its base URL."""
        return f"{self.base_url}/v1"

    @property
    def log(self) -> str:
        """All that it has printed until now."""
        return self.log_path.read_text(errors="replace")


@contextmanager
def running_proxy(
    config: Path | JsonMapping,
    *,
    env: Mapping[str, str] | None = None,
    on_progress: Callable[[float], None] | None = None,
    num_workers: int = 1,
    timeout_seconds: float = 180.0,
    python: Sequence[str] = (sys.executable,),
) -> Generator[RunningProxy, None, None]:
    """Start LiteLLM's proxy with this config on a free loopback port, and end it with all its processes.

    It runs offline: no price list is fetched, no database is used. Its working directory is the config's folder. It
    ends even if this process is killed.

    Args:
        config: the path of a proxy config, or its content.
        env: more environment variables, as in `{"UPSTREAM_BASE_URL": upstream.base_url}`. The master key is the
            config's `general_settings.master_key`, otherwise a `LITELLM_MASTER_KEY` in them, otherwise one made up.
        on_progress: called with the seconds since the start, about once a second, until the proxy is ready.
        num_workers: how many worker processes serve; it is ready when the first of them is.
        timeout_seconds: how long it may take to get ready.
        python: the command of the Python that runs it; this one if it is not named.

    Raises:
        ProxyStartError: it ended before it was ready, or took too long. The message shows why.
    """
    with tempfile.TemporaryDirectory(prefix="litellm-bighub-", ignore_cleanup_errors=True) as folder:
        path = config if isinstance(config, Path) else _written(config, Path(folder))
        environment = _environment(env or {})
        if own := _master_key(path, environment):
            environment["LITELLM_MASTER_KEY"] = own
        launch = _Launch(path.resolve(), Path(folder) / "proxy.log", environment, num_workers, python)
        try:
            started = launch.ready(timeout_seconds, on_progress)
        except _PortTakenError:
            started = launch.ready(timeout_seconds, on_progress)
        process, proxy = started
        try:
            yield proxy
        finally:
            _end(process)


@dataclass(frozen=True, slots=True)
class _Launch:
    config: Path
    log_path: Path
    env: Mapping[str, str]
    num_workers: int
    python: Sequence[str]

    @property
    def master_key(self) -> str:
        return self.env["LITELLM_MASTER_KEY"]

    def ready(
        self, timeout_seconds: float, on_progress: Callable[[float], None] | None
    ) -> tuple[subprocess.Popen[bytes], RunningProxy]:
        """A proxy that answers, and its process; nothing is left of it if this raises."""
        port = _free_port()
        base_url = f"http://{_LOOPBACK}:{port}"
        process = self._start(port)
        try:
            seconds = self._wait(process, base_url, timeout_seconds, on_progress)
        except BaseException:
            _end(process)
            raise
        return process, RunningProxy(base_url, self.master_key, self.log_path, seconds)

    def _start(self, port: int) -> subprocess.Popen[bytes]:
        proxy = [*self.python, "-m", "litellm.proxy.proxy_cli", "--config", str(self.config)]
        where = ["--host", _LOOPBACK, "--port", str(port), "--num_workers", str(self.num_workers)]
        with self.log_path.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-I", leash.__file__, *proxy, *where],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.config.parent,
                env=self.env,
                start_new_session=True,  # Ctrl-C is for us alone; we then end the proxy
            )

    def _wait(
        self,
        process: subprocess.Popen[bytes],
        base_url: str,
        timeout_seconds: float,
        on_progress: Callable[[float], None] | None,
    ) -> float:
        started = reported = time.monotonic()
        with httpx.Client(base_url=base_url, trust_env=False, timeout=10) as client:
            while not self._ready(client):
                now = time.monotonic()
                if on_progress and now - reported >= 1:
                    reported = now
                    on_progress(now - started)
                if now - started > timeout_seconds:
                    raise self._failed(f"the proxy was not ready after {timeout_seconds:.0f} s")
                try:
                    code = process.wait(0.2)
                except subprocess.TimeoutExpired:
                    continue
                raise self._failed(f"the proxy ended with exit code {code} before it was ready")
        return time.monotonic() - started

    def _ready(self, client: httpx.Client) -> bool:
        """Whether it answers, and knows our key: another proxy on the same port would not."""
        try:
            if client.get("/health/liveliness").is_error:
                return False
            models = client.get("/v1/models", headers={"Authorization": f"Bearer {self.master_key}"})
        except httpx.TransportError:
            return False
        if models.is_client_error:
            problem = (
                "the proxy does not take the master key, or another one answers on the port that was free a moment ago"
            )
            raise _PortTakenError(problem)
        return models.is_success

    def _failed(self, problem: str) -> ProxyStartError:
        log = self.log_path.read_text(errors="replace")
        kind = _PortTakenError if "address already in use" in log.lower() else ProxyStartError
        return kind(f"{problem}\n{telling_lines(log)}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let go of the leash, and wait until the whole group is gone."""
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(2 * leash.GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()


def _written(config: JsonMapping, folder: Path) -> Path:
    path = folder / "proxy_config.yaml"
    path.write_text(yaml.safe_dump(dict(config), sort_keys=False))
    return path


def _master_key(config: Path, env: Mapping[str, str]) -> str:
    """The key that the config names, which LiteLLM prefers to the environment's; empty if it names none."""
    try:
        read: Payload = yaml.safe_load(config.read_text())
    except (OSError, yaml.YAMLError):
        return ""  # the proxy itself says what is wrong
    general: object = get(read, "general_settings")
    key = text(general, "master_key")
    variable = key.removeprefix(_FROM_ENVIRONMENT)
    return key if variable == key else env.get(variable, "")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """Ours, made fit for a proxy without network and database."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "DIRECT_URL"}}
    direct = ",".join(filter(None, [inherited.get("NO_PROXY"), _LOOPBACK, "localhost"]))
    return {
        **inherited,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MASTER_KEY": f"sk-{secrets.token_urlsafe(24)}",
        "NO_PROXY": direct,
        "no_proxy": direct,
        "PYTHONUNBUFFERED": "1",
        "TIMEOUT_WORKER_HEALTHCHECK": "120",  # seconds; a worker that is still importing must not be taken for dead
        **more,
    }


def telling_lines(log: str) -> str:
    """The errors that the log names, without tracebacks; its last lines if it names none."""
    lines = [line.rstrip() for line in _COLOUR.sub("", log).splitlines() if line.strip()]
    errors = list(dict.fromkeys(line for line in lines if _ERROR.search(line) and "Traceback" not in line))
    return "\n".join(f"  {line.strip()}" for line in (errors or lines)[-_MOST:]) or "  (it printed nothing)"
