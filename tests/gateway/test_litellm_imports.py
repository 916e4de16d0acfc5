"""What we import from LiteLLM stands in one list, and the installed LiteLLM has all of it."""

import ast
import importlib
from pathlib import Path

import pytest

import litellm_bighub
from litellm_bighub.gateway.litellm_imports import LITELLM_IMPORTS

pytestmark = pytest.mark.filterwarnings("ignore:Items? .* on TypedDict class .* the `ReadOnly` qualifier")

PACKAGE = Path(litellm_bighub.__file__).parent


def imported():
    found = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "litellm":
                found.setdefault(node.module, set()).update(alias.name for alias in node.names)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.split(".")[0] == "litellm":
                        found.setdefault(alias.name, set())
    return found


def test_the_list_is_what_the_code_imports():
    assert {module: frozenset(names) for module, names in imported().items()} == LITELLM_IMPORTS


@pytest.mark.parametrize("module", sorted(LITELLM_IMPORTS))
def test_the_installed_litellm_has_it(module):
    home = importlib.import_module(module)

    assert not [name for name in LITELLM_IMPORTS[module] if not hasattr(home, name)]
