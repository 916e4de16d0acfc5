"""Wheel and sdist, built as a release builds them, installed as a user installs them."""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from package.conftest import ROOT

UV = Path(sys.executable).parent / "uv"
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]
VERSION = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]


def _run(*command, **more):
    ran = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **more)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def _python(version):
    """This Python of this machine, of pyenv too, whose commands on the path fail for versions that are not chosen."""
    of_pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    for found in (*of_pyenv, shutil.which(f"python{version}")):
        if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            return found
    return None


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with both; the wheel is built out of the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    _run(UV, "build", "--quiet", "--out-dir", folder, ROOT)
    return folder


def _wheel(built):
    (found,) = built.glob("*.whl")
    return found


def test_both_are_named_after_the_version(built):
    names = {path.name for path in built.iterdir() if path.name != ".gitignore"}

    assert names == {f"litellm_bighub-{VERSION}-py3-none-any.whl", f"litellm_bighub-{VERSION}.tar.gz"}


def _metadata(built):
    with zipfile.ZipFile(_wheel(built)) as wheel:
        return email.message_from_bytes(wheel.read(f"litellm_bighub-{VERSION}.dist-info/METADATA"))


def test_a_build_of_ones_own_names_no_url(built):
    metadata = _metadata(built)

    assert metadata.get_all("Project-URL") is None
    assert "](docs/guide/demo.md)" in metadata.get_payload()


def test_a_release_names_the_repository_that_it_comes_from(tmp_path):
    """A wheel made out of its sdist names it, too, where nothing else tells of it."""
    repository, release, again = "https://git.example/team/plugin", tmp_path / "release", tmp_path / "again"
    _run(UV, "build", "--quiet", "--sdist", "--out-dir", release, ROOT, env={**os.environ, "RELEASED_FROM": repository})
    _run(UV, "build", "--quiet", "--wheel", "--out-dir", again, next(release.glob("*.tar.gz")))
    urls = dict(url.split(", ") for url in _metadata(again).get_all("Project-URL"))
    readme = _metadata(again).get_payload()

    assert urls == {
        "Homepage": repository,
        "Documentation": f"{repository}/blob/v{VERSION}/docs/index.md",
        "Source": f"{repository}/tree/v{VERSION}",
        "Issues": f"{repository}/issues",
        "Changelog": f"{repository}/blob/v{VERSION}/CHANGELOG.md",
    }
    assert f"]({repository}/raw/v{VERSION}/docs/images/where-it-sits.svg)" in readme
    assert f"]({repository}/blob/v{VERSION}/docs/guide/demo.md)" in readme
    assert [link for link in re.findall(r"\]\(([^)]*)\)", readme) if "://" not in link] == []


def test_the_release_workflow_says_where_it_releases_from():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    (build,) = [step for step in workflow["jobs"]["build"]["steps"] if step.get("run", "").startswith("uv build")]

    assert build["env"] == {"RELEASED_FROM": "${{ github.server_url }}/${{ github.repository }}"}


def test_the_wheel_has_every_file_of_the_package_and_no_other(built):
    with zipfile.ZipFile(_wheel(built)) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    tracked = _run("git", "ls-files", "litellm_bighub", cwd=ROOT).split()
    demo = {f"litellm_bighub/demo/config/{name}" for name in ("proxy_config.yaml", "bighub_policy.yaml")}

    assert names == {*tracked, *demo}


def test_the_sdist_has_what_the_build_needs_and_no_environment(built):
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames()}

    assert {"pyproject.toml", "README.md", "LICENSE", "litellm_bighub/py.typed"} <= names
    assert not [name for name in names if name.startswith((".venv", ".package", ".clients", "dist/"))]
    assert not [name for name in names if name.endswith((".db", ".env"))]


def test_a_fresh_environment_with_plain_pip_runs_it(built, tmp_path):
    """The dependencies are those of this environment, by a `.pth`: another test resolves them."""
    _run(sys.executable, "-m", "venv", tmp_path / "fresh")
    binaries = tmp_path / "fresh" / "bin"
    _run(binaries / "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", _wheel(built))
    (site,) = (tmp_path / "fresh" / "lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    where = _run(binaries / "python", "-c", "import litellm_bighub; print(litellm_bighub.__file__)", cwd=tmp_path)
    version = _run(binaries / "litellm-bighub", "--version", cwd=tmp_path)
    usage = _run(binaries / "litellm-bighub", "--help", cwd=tmp_path)

    assert where.strip() == str(site / "litellm_bighub" / "__init__.py")
    assert version.strip() == f"litellm-bighub {VERSION}"
    assert "init" in usage
    assert "doctor" in usage


@pytest.mark.parametrize("version", PYTHONS)
def test_every_python_of_this_machine_installs_and_compiles_it(built, tmp_path, version):
    python = _python(version)
    if not python:
        pytest.skip(f"no Python {version} here")
    _run(python, "-m", "venv", tmp_path / "fresh")
    pip = tmp_path / "fresh" / "bin" / "pip"
    _run(pip, "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile", _wheel(built))
    (package,) = (tmp_path / "fresh" / "lib").glob("python*/site-packages/litellm_bighub")

    _run(tmp_path / "fresh" / "bin" / "python", "-W", "error", "-m", "compileall", "-q", package)


@pytest.mark.parametrize("version", PYTHONS)
def test_the_dependencies_can_be_resolved(version):
    resolve = [UV, "pip", "compile", "--quiet", "--extra", "postgres", "--python-version", version]

    resolved = _run(*resolve, "--no-header", ROOT / "pyproject.toml", timeout=120)

    assert re.search(r"^litellm==1\.\d+", resolved, re.MULTILINE)


def test_the_image_installs_what_the_lock_names():
    """The same command as in deploy/Dockerfile."""
    export = re.search(r"uv (export .+?) --output-file", (ROOT / "deploy" / "Dockerfile").read_text())[1]

    exported = _run(UV, *export.split(), cwd=ROOT)

    assert "--hash=sha256:" in exported
    assert re.search(r"^psycopg-binary==", exported, re.MULTILINE)
    assert not re.search(r"^(pytest|mypy|ruff)==", exported, re.MULTILINE)


def test_the_changelog_tells_of_this_version():
    assert f"\n## [{VERSION}]" in (ROOT / "CHANGELOG.md").read_text()
