"""The files of `deploy/`, checked as far as that goes without Docker and Kubernetes."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from litellm_bighub.cli import starter_files
from litellm_bighub.cli.starter_files import ApprovalChoice, DeciderChoice, Pack, StarterChoices
from litellm_bighub.policy.policy_file import parse_policy
from litellm_bighub.settings import GuardrailSettings
from litellm_bighub.telemetry.prometheus import PrometheusInstruments
from package.conftest import ROOT

DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "litellm-bighub"
CHECK_CHART = """
import json, sys
import helm_python as helm, kubernetes_validate, yaml
chart_folder, values, version = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
assert not helm.lint(chart_folder)["errors"]
with helm.Chart.load(chart_folder) as chart:
    rendered = chart.render(values, name="demo", namespace="prod")
found = [each for text in rendered.values() for each in yaml.safe_load_all(text) if each]
for each in found:
    kubernetes_validate.validate(each, version, strict=True)
print(json.dumps(found))
"""
LITELLMS = {"guardrail", "mode", "default_on"}
NEEDED = {"image": {"repository": "registry.example/bighub"}, "existingSecret": "keys"}


def _run(*command, **more):
    ran = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **more)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def _rendered(tools, values, version="1.33"):
    found = subprocess.run(
        [tools / "python", "-c", CHECK_CHART, CHART, json.dumps(values), version],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return {(each["kind"], each["metadata"]["name"]): each for each in json.loads(found.stdout)}


def test_hadolint_has_nothing_to_say(tools):
    _run(tools / "hadolint", DEPLOY / "Dockerfile")


def test_what_the_image_copies_is_let_through():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    let_through = re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)

    assert sorted(name for line in copied for name in line.split()) == sorted(let_through)
    assert all((ROOT / name).exists() for name in let_through)


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.compose-spec", DEPLOY / "compose.yaml"),
        ("vendor.github-workflows", ROOT / ".github" / "workflows" / "release.yml"),
    ],
    ids=["compose", "release"],
)
def test_the_schema_holds(tools, schema, path):
    _run(tools / "check-jsonschema", "--builtin-schema", schema, path)


def test_every_variable_of_compose_is_named_in_the_example_and_every_file_is_there():
    text = (DEPLOY / "compose.yaml").read_text()
    named = set(re.findall(r"^(\w+)=", (DEPLOY / ".env.example").read_text(), re.MULTILINE))
    mounted = re.findall(r"(\./[\w./-]+):/", text)

    assert set(re.findall(r"\$\{(\w+)", text)) == named
    assert mounted
    assert all((DEPLOY / path).exists() for path in mounted)


def test_the_config_of_compose_is_what_init_writes():
    setup = StarterChoices("openai/gpt-4.1", "", "postgresql://", DeciderChoice.EMBEDDED, ApprovalChoice.WAIT, Pack.ASK)

    assert (DEPLOY / "config" / "proxy_config.yaml").read_text() == starter_files.config(setup)
    schema_of_editors, _, policy = starter_files.policy(Pack.ASK).partition(
        "\n"
    )  # no schema lies beside the deployed one
    assert starter_files.SCHEMA in schema_of_editors
    assert (DEPLOY / "config" / "bighub_policy.yaml").read_text() == policy


def test_the_dashboard_asks_for_metrics_that_there_are():
    registry = CollectorRegistry()
    PrometheusInstruments(registry)
    known = set(re.findall(r"^# TYPE (\w+)", generate_latest(registry).decode(), re.MULTILINE))
    dashboard = json.loads((DEPLOY / "grafana" / "dashboards" / "litellm-bighub.json").read_text())
    asked = {
        re.sub(r"_bucket$", "", name)
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"litellm_bighub_\w+", target["expr"])
    }

    assert asked == {name for name in known if not name.endswith("_created")}


@pytest.mark.parametrize("version", ["1.25", "1.33"])
def test_the_chart_renders_what_kubernetes_takes(tools, version):
    found = _rendered(tools, NEEDED, version)

    gateway = found["Deployment", "demo-gateway"]["spec"]
    assert gateway["replicas"] == 2
    assert found["PodDisruptionBudget", "demo-gateway"]["spec"]["maxUnavailable"] == 1
    assert ("NetworkPolicy", "demo-serve") in found
    for name in ("gateway", "serve"):
        spec = found["Deployment", f"demo-{name}"]["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()
        labels = found["Deployment", f"demo-{name}"]["spec"]["template"]["metadata"]["labels"]
        assert found["Service", f"demo-{name}"]["spec"]["selector"].items() <= labels.items()


def test_the_chart_carries_a_config_and_a_policy_that_can_be_read(tools):
    data = _rendered(tools, NEEDED)["ConfigMap", "demo"]["data"]

    params = yaml.safe_load(data["proxy_config.yaml"])["guardrails"][0]["litellm_params"]
    GuardrailSettings(**{key: value for key, value in params.items() if key not in LITELLMS})
    assert parse_policy(data["bighub_policy.yaml"], "values.yaml").rules


def test_the_chart_takes_every_other_choice(tools):
    more = {
        "serve": {"replicas": 2, "trustProxy": ["10.0.0.1"]},
        "podDisruptionBudget": {"enabled": False},
        "networkPolicy": {"serveFrom": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}]},
        "imagePullSecrets": [{"name": "pull"}],
    }

    found = _rendered(tools, {**NEEDED, **more})

    (container,) = found["Deployment", "demo-serve"]["spec"]["template"]["spec"]["containers"]
    assert "--trust-proxy=10.0.0.1" in container["args"]
    assert not [kind for kind, _ in found if kind == "PodDisruptionBudget"]


@pytest.mark.parametrize("component", ["gateway", "serve"])
def test_systemd_starts_commands_that_there_are(component):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(DEPLOY / "systemd" / f"litellm-bighub-{component}.service")
    command = shlex.split(unit["Service"]["ExecStart"])

    assert command[0].startswith("/opt/litellm-bighub/bin/")
    name = command[0].rsplit("/", 1)[1]
    options = {word for word in command if word.startswith("--")}
    local = [Path(sys.executable).parent / name, *(["serve"] if component == "serve" else [])]
    usage = re.sub(r"\x1b\[[0-9;]*m", "", _run(*local, "--help"))
    assert all(option in usage for option in options)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_systemd_reads_the_units():
    """That the commands are not installed under /opt is all that it may find."""
    units = sorted((DEPLOY / "systemd").glob("*.service"))
    ran = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)

    told = (ran.stdout + ran.stderr).splitlines()
    assert [line for line in told if "litellm-bighub" in line and "is not executable" not in line] == []


def test_caddy_takes_its_file(tools):
    _run(tools / "caddy", "validate", "--adapter", "caddyfile", "--config", DEPLOY / "proxy" / "Caddyfile")


@pytest.mark.skipif(shutil.which("nginx") is None, reason="no nginx here")
def test_nginx_takes_its_file(tmp_path):
    key = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=gateway.example")
    _run(*key, "-keyout", tmp_path / "gateway.key", "-out", tmp_path / "gateway.pem")
    for end in ("key", "pem"):
        shutil.copy(tmp_path / f"gateway.{end}", tmp_path / f"inbox.{end}")
    servers = (DEPLOY / "proxy" / "nginx.conf").read_text().replace("/etc/nginx/tls", str(tmp_path))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    own = "".join(f"{kind}_temp_path {tmp_path}/temporary; " for kind in kinds)
    whole = f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; {own} {servers} }}"
    (tmp_path / "nginx.conf").write_text(whole)

    _run("nginx", "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf")
