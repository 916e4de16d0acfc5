"""With one format's folder and its line taken away, everything else still imports, runs and type-checks."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from litellm_bighub.formats.registry import FORMATS
from tests.formats.toy import house

REMOVABLE = tuple(known.name for known in FORMATS)
IMPORT_ALL = """
import importlib, pkgutil, sys
import litellm_bighub
assert litellm_bighub.__file__.startswith(sys.argv[1]), litellm_bighub.__file__
names = [module.name for module in pkgutil.walk_packages(litellm_bighub.__path__, "litellm_bighub.")]
for name in names:
    if not name.startswith("litellm_bighub.control_plane.store.migrations"):
        importlib.import_module(name)
for name in litellm_bighub.__all__:
    getattr(litellm_bighub, name)
from litellm_bighub.formats.registry import FORMATS
print(len(names), *(known.name for known in FORMATS))
"""


@pytest.fixture(scope="module", params=REMOVABLE)
def without(request, tmp_path_factory):
    """The format's name, and where the package is without it."""
    folder = tmp_path_factory.mktemp("house")
    house.remove_format(house.copied(folder), request.param)
    return request.param, folder


def test_everything_else_imports(without):
    name, folder = without
    done = house.run(folder, "-c", IMPORT_ALL, str(folder))
    assert done.returncode == 0, done.stderr[-4000:]
    count, *formats = done.stdout.splitlines()[-1].split()
    assert int(count) > 250
    assert formats == [each for each in REMOVABLE if each != name]


def test_nothing_else_names_its_modules(without):
    name, folder = without
    named = [path for path in folder.rglob("*.py") if f"formats.{name}" in path.read_text()]
    assert named == []


@pytest.mark.skipif(not version("litellm").startswith("1.106."), reason="types are checked with the locked release")
@pytest.mark.xdist_group("types")
@pytest.mark.parametrize("kept", REMOVABLE[:2])
def test_everything_else_type_checks(tmp_path, types_cache, kept):
    package = house.copied(tmp_path)
    for name in REMOVABLE:
        if name != kept:
            house.remove_format(package, name)
    done = house.type_checked(tmp_path, types_cache, "-p", house.PACKAGE)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
