"""Examines a proxy's config without starting the proxy: what is on, what only seems on, and what is not covered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from litellm_bighub.doctor.decider_check import check_decider
from litellm_bighub.doctor.findings import Finding, Level
from litellm_bighub.doctor.proxy_config import GuardrailEntry, GuardrailKind, ProxyConfig, kind_of
from litellm_bighub.doctor.text_coverage import TextCoverage, covers, opened
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.gateway.hooks.native_guardrail import NOT_BY_DEFAULT
from litellm_bighub.gateway.routes.route_guard import route_guard_of
from litellm_bighub.gateway.setup.configuration import read_settings
from litellm_bighub.gateway.setup.guardrail_mode import check_calls_mode, check_texts_mode, unchecked_texts
from litellm_bighub.gateway.setup.litellm_parameters import refused_by_litellm
from litellm_bighub.gateway.setup.litellm_release import SUPPORTED, installed_release, is_hijacked, is_supported
from litellm_bighub.gateway.setup.opt_outs import check_opt_outs
from litellm_bighub.settings import GuardrailSettings, TextGuardrailSettings

_OURS = "litellm_bighub.BighubGuardrail"
_LITELLMS = frozenset({"guardrail", "mode", "default_on"})
_LITELLM = "litellm"
_NAMELESS: Final = "AI_AGENT"
"""The actor where neither authentication nor the operator names one."""


@dataclass(frozen=True, slots=True)
class ExaminedGuardrail:
    """One guardrail of the config with its kind."""

    entry: GuardrailEntry
    kind: GuardrailKind


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found.

    Attributes:
        guardrails: the config's guardrails, in their order.
        covers: who looks at which answers.
        opened: routes on which nobody decides on tool calls, and the guardrails that open them.
        findings: what there is to say.
    """

    guardrails: Sequence[ExaminedGuardrail]
    covers: Sequence[TextCoverage]
    opened: Sequence[tuple[str, str]]
    findings: Sequence[Finding]

    @property
    def healthy(self) -> bool:
        """Whether everything that seems on is on."""
        return all(finding.level is not Level.OFF for finding in self.findings)


def examine(config: ProxyConfig) -> Examination:
    """Examine a config."""
    home = config.path.resolve().parent
    guardrails = [ExaminedGuardrail(entry, kind_of(entry, home)) for entry in config.guardrails]
    findings = [litellm_release(allowed=_allowed(guardrails)), *_of_all(config, guardrails)]
    for guardrail in guardrails:
        findings += _of_one(config, guardrail, guardrails, home)
    return Examination(guardrails, covers(config), opened(config), findings)


def _allowed(guardrails: Sequence[ExaminedGuardrail]) -> bool:
    """Whether all guardrails of ours start on a release of LiteLLM that is not supported."""
    ours = [guardrail for guardrail in guardrails if guardrail.kind in {GuardrailKind.CALLS, GuardrailKind.TEXTS}]
    return bool(ours) and all(guardrail.entry.params.get("allow_unsupported_litellm") is True for guardrail in ours)


def _of_all(config: ProxyConfig, guardrails: Sequence[ExaminedGuardrail]) -> Iterator[Finding]:
    if not config.models:
        yield Finding(Level.NOTE, "model_list", "names no model")
    if all(guardrail.kind is not GuardrailKind.CALLS for guardrail in guardrails):
        yield Finding(Level.OFF, "guardrails", "no BighubGuardrail among them: no tool call is decided on")
    if all(guardrail.kind is not GuardrailKind.TEXTS for guardrail in guardrails):
        yield Finding(Level.NOTE, "guardrails", "no TextGuardrail among them: rewrites in streams are lost")
    settings = config.section("litellm_settings")
    callbacks = [settings.get(key) for key in ("callbacks", "success_callback", "failure_callback")]
    if not any("prometheus" in each if isinstance(each, list) else each == "prometheus" for each in callbacks):
        yield Finding(Level.NOTE, "metrics", "litellm_settings.callbacks lacks prometheus: nobody can scrape /metrics")


def _of_one(
    config: ProxyConfig, guardrail: ExaminedGuardrail, guardrails: Sequence[ExaminedGuardrail], home: Path
) -> Iterator[Finding]:
    entry = guardrail.entry
    match guardrail.kind:
        case GuardrailKind.CALLS:
            yield from _switched_on(config, entry)
            yield from _calls(config, entry, home)
        case GuardrailKind.TEXTS:
            yield from _switched_on(config, entry)
            yield from _texts(entry, guardrails)
        case GuardrailKind.OTHER:
            yield from _others(entry, guardrails)
        case GuardrailKind.UNKNOWN:
            yield Finding(Level.OFF, entry.name, f"{entry.guardrail} cannot be imported; the proxy would not start")


def _switched_on(config: ProxyConfig, entry: GuardrailEntry) -> Iterator[Finding]:
    if problem := refused_by_litellm(entry.params):
        yield Finding(Level.OFF, entry.name, f"LiteLLM would start without it: {problem}")
    if entry.default_on:
        yield Finding(Level.FINE, entry.name, "on for every request")
    elif models := _models_with(config, entry.name):
        yield Finding(Level.WARNING, entry.name, f"on for these models alone: {', '.join(models)}")
    else:
        yield Finding(Level.OFF, entry.name, f"default_on is not true: {NOT_BY_DEFAULT}")


def _models_with(config: ProxyConfig, name: str) -> list[str]:
    models = config.content.get("model_list")
    return [
        str(model.get("model_name"))
        for model in (models if isinstance(models, list) else ())
        if isinstance(model, dict) and name in ((model.get("litellm_params") or {}).get("guardrails") or ())
    ]


def _calls(config: ProxyConfig, entry: GuardrailEntry, home: Path) -> Iterator[Finding]:
    given = {key: value for key, value in entry.params.items() if key not in _LITELLMS and key != "on_decision"}
    try:
        settings, _ = read_settings(GuardrailSettings, entry.name, given)
        check_calls_mode(entry.name, entry.params.get("mode"))
        check_opt_outs(entry.name, entry.params.get("mode"), settings.may_opt_out)
        guard = route_guard_of(entry.name, sorted(entry.events), settings.open_routes)
    except ConfigurationError as error:
        yield Finding(Level.OFF, entry.name, f"the proxy would not start: {error}")
        return
    yield from _opting_out(entry.name, settings.may_opt_out)
    if settings.actor == _NAMELESS:
        says = (
            f"whom {' and '.join(settings.actor_from)} do not name is called {_NAMELESS}; name agents: docs, Who asks"
        )
        general = config.section("general_settings")
        known = any(general.get(each) for each in ("master_key", "custom_auth", "enable_jwt_auth"))
        yield Finding(Level.NOTE if known else Level.WARNING, entry.name, says)
    if guard.open_routes.rows and settings.ungoverned_routes == "refuse":
        says = f"open_routes opens {guard.open_routes}: nobody decides on tool calls there"
        yield Finding(Level.WARNING, entry.name, says)
    if entry.guardrail != _OURS and settings.decider == "embedded" and not (home / settings.policy).exists():
        yield Finding(Level.NOTE, entry.name, "a class of your own, without a policy: its decider is not examined")
        return
    yield from check_decider(entry.name, settings, home)


def _opting_out(name: str, teams: Sequence[str]) -> Iterator[Finding]:
    if teams:
        yield Finding(Level.WARNING, name, f"keys of these teams may opt out of it: {', '.join(teams)}")


def _texts(entry: GuardrailEntry, guardrails: Sequence[ExaminedGuardrail]) -> Iterator[Finding]:
    given = {key: value for key, value in entry.params.items() if key not in _LITELLMS}
    try:
        settings, _ = read_settings(TextGuardrailSettings, entry.name, given)
        check_texts_mode(entry.name, entry.params.get("mode"))
        check_opt_outs(entry.name, entry.params.get("mode"), settings.may_opt_out)
    except ConfigurationError as error:
        yield Finding(Level.OFF, entry.name, f"the proxy would not start: {error}")
        return
    yield from _opting_out(entry.name, settings.may_opt_out)
    for event, says in unchecked_texts(entry.params.get("mode")).items():
        yield Finding(Level.OFF if event == "post_call" else Level.WARNING, entry.name, says)
    known = {guardrail.entry.name for guardrail in guardrails} - {entry.name}
    for missing in (name for name in settings.apply if name not in known):
        yield Finding(Level.OFF, entry.name, f"applies {missing}, which is no guardrail of this config")
    if not settings.apply:
        yield Finding(Level.OFF, entry.name, "applies no guardrail")
    names = [guardrail.entry.name for guardrail in guardrails]
    later = [
        guardrail.entry.name
        for guardrail in guardrails[: names.index(entry.name)]
        if guardrail.kind is GuardrailKind.CALLS
    ]
    if later:
        says = f"stands behind {later[0]}, which so decides on arguments that are rewritten after it; put it before"
        yield Finding(Level.WARNING, entry.name, says)


def _others(entry: GuardrailEntry, guardrails: Sequence[ExaminedGuardrail]) -> Iterator[Finding]:
    appliers = [
        guardrail.entry.name
        for guardrail in guardrails
        if guardrail.kind is GuardrailKind.TEXTS and entry.name in (guardrail.entry.params.get("apply") or ())
    ]
    match appliers, entry.default_on:
        case [first, *_], False:
            yield Finding(Level.FINE, entry.name, f"run by {first}, in streams too")
        case [first, *_], True:
            yield Finding(Level.WARNING, entry.name, f"runs twice: by {first}, and on its own as default_on is true")
        case [], True if "post_call" in entry.events:
            says = "not covered in streams, which LiteLLM delivers unchecked; let a TextGuardrail apply it"
            yield Finding(Level.WARNING, entry.name, says)
        case [], False:
            yield Finding(Level.NOTE, entry.name, "off unless a request, key or team names it")
        case _:
            yield Finding(Level.FINE, entry.name, "on for requests; looks at no answer")


def litellm_release(installed: str | None = None, *, allowed: bool = False) -> Finding:
    """What to say of the release, by default the one that is installed.

    Args:
        installed: in its place.
        allowed: whether all guardrails of ours start on a release that is not supported.
    """
    installed = installed_release() if installed is None else installed
    if is_supported(installed):
        return Finding(Level.FINE, _LITELLM, f"{installed} is supported ({SUPPORTED})")
    says = f"{installed or 'a release without a version'} is not supported ({SUPPORTED})"
    if is_hijacked(installed):
        return Finding(Level.OFF, _LITELLM, f"{installed} was hijacked: remove it ({SUPPORTED} is supported)")
    if allowed:
        return Finding(Level.WARNING, _LITELLM, f"{says}; allow_unsupported_litellm starts it all the same")
    return Finding(Level.OFF, _LITELLM, f"{says}: the proxy would not start")
