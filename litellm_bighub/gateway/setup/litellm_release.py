"""Whether the installed LiteLLM is one that this package supports. Imports nothing of LiteLLM's."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from packaging.specifiers import SpecifierSet

from litellm_bighub.errors import ConfigurationError
from litellm_bighub.gateway.litellm_imports import LITELLM_IMPORTS

SUPPORTED: Final = SpecifierSet(">=1.104,!=1.107.*,<2")
_HIJACKED: Final = tuple(SpecifierSet(f"=={release}") for release in ("1.82.7", "1.82.8", "1.107.0"))
_LITELLM: Final = "litellm"
_SETTING: Final = "allow_unsupported_litellm"

logger = logging.getLogger(__name__)


def installed_release() -> str:
    """The version of the installed LiteLLM, empty if it does not say."""
    try:
        return version(_LITELLM)
    except PackageNotFoundError:
        return ""


def is_supported(release: str) -> bool:
    """Whether this package is made for a release."""
    return SUPPORTED.contains(release, prereleases=True)


def is_hijacked(release: str) -> bool:
    """Whether somebody else than its makers published a release."""
    return any(each.contains(release, prereleases=True) for each in _HIJACKED)


def check_release(*, allows_unsupported: bool, release: str | None = None) -> None:
    """Refuse a release that is not supported.

    Args:
        allows_unsupported: whether the operator starts it all the same.
        release: in place of the installed one.

    Raises:
        ConfigurationError: it is not supported and not allowed, or nobody may allow it.
    """
    release = installed_release() if release is None else release
    if is_hijacked(release):
        raise ConfigurationError(_LITELLM, f"{release} was hijacked and cannot be allowed; supported is {SUPPORTED}")
    if is_supported(release):
        return
    says = f"{release or 'a release without a version'} is not supported; supported is {SUPPORTED}"
    if not allows_unsupported:
        raise ConfigurationError(_LITELLM, f"{says} ({_SETTING}: true starts it all the same)")
    logger.warning("%s: %s; %s is on", _LITELLM, says, _SETTING)


def allowed_in_code() -> bool:
    """Whether the environment lets functions and agents in code run on a release that is not supported."""
    return os.environ.get(f"LITELLM_BIGHUB_{_SETTING.upper()}", "").lower() in {"1", "true", "yes", "on"}


def check_imports(borrowed: Mapping[str, frozenset[str]] = LITELLM_IMPORTS) -> None:
    """See to it that LiteLLM has all that we import from it, also where that is imported later.

    Raises:
        ConfigurationError: something is missing.
    """
    for module, names in sorted(borrowed.items()):
        try:
            home = importlib.import_module(module)
        except Exception as error:  # whatever it is: LiteLLM would start without us on a ValueError
            raise ConfigurationError(_LITELLM, f"{_lacks(module)}: {type(error).__name__}") from error
        for name in sorted(names):
            if not hasattr(home, name):
                raise ConfigurationError(_LITELLM, _lacks(f"{module}.{name}"))


def failed_import(error: Exception) -> ConfigurationError | None:
    """What to say of an error with which this package could not be imported; `None` if that is not LiteLLM's fault."""
    release = installed_release()
    missing = error.name if isinstance(error, ImportError) and error.name else ""
    of_litellm = missing == _LITELLM or missing.startswith(f"{_LITELLM}.")
    if not of_litellm and is_supported(release):
        return None
    if isinstance(error, ConfigurationError):
        return error
    lacks = _lacks(missing) if of_litellm else f"{release or 'it'} cannot be used: {type(error).__name__}"
    return ConfigurationError(_LITELLM, f"{lacks}; supported is {SUPPORTED}")


def _lacks(name: str) -> str:
    return f"{installed_release() or 'it'} lacks {name}"
