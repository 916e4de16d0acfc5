"""Reading a proxy's config without starting the proxy: what is on, what only looks so, and what is not covered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from litellm_bighub.doctor.covered import Cover, covers, opened
from litellm_bighub.doctor.deciding import deciding
from litellm_bighub.doctor.findings import Finding, Level
from litellm_bighub.doctor.kinds import Kind, kind_of
from litellm_bighub.doctor.proxy_config import Entry, ProxyConfig
from litellm_bighub.doctor.releases import litellm_release
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.gateway.closing import closer_of
from litellm_bighub.gateway.configuration import check_litellms, read_settings
from litellm_bighub.settings import GuardrailSettings, TextGuardrailSettings

_OURS = "litellm_bighub.BighubGuardrail"
_LITELLMS = frozenset({"guardrail", "mode", "default_on"})


@dataclass(frozen=True, slots=True)
class Patient:
    """One guardrail with what it is."""

    entry: Entry
    kind: Kind


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found.

    Attributes:
        patients: the config's guardrails, in their order.
        covers: who looks at which answers.
        opened: routes on which nobody decides on tool calls, and the guardrails that open them.
        findings: what there is to say.
    """

    patients: Sequence[Patient]
    covers: Sequence[Cover]
    opened: Sequence[tuple[str, str]]
    findings: Sequence[Finding]

    @property
    def healthy(self) -> bool:
        """Whether everything that looks on is on."""
        return all(finding.level is not Level.OFF for finding in self.findings)


def examine(config: ProxyConfig) -> Examination:
    """Examine a config."""
    home = config.path.resolve().parent
    patients = [Patient(entry, kind_of(entry, home)) for entry in config.guardrails]
    findings = [litellm_release(), *_of_all(config, patients)]
    for patient in patients:
        findings += _of_one(config, patient, patients, home)
    return Examination(patients, covers(config), opened(config), findings)


def _of_all(config: ProxyConfig, patients: Sequence[Patient]) -> Iterator[Finding]:
    if not config.models:
        yield Finding(Level.NOTE, "model_list", "names no model")
    if all(patient.kind is not Kind.CALLS for patient in patients):
        yield Finding(Level.OFF, "guardrails", "no BighubGuardrail among them: no tool call is decided on")
    if all(patient.kind is not Kind.TEXTS for patient in patients):
        yield Finding(Level.NOTE, "guardrails", "no ResponsesTextGuardrail among them: rewrites in streams are lost")
    settings = config.section("litellm_settings")
    callbacks = [settings.get(key) for key in ("callbacks", "success_callback", "failure_callback")]
    if not any("prometheus" in each if isinstance(each, list) else each == "prometheus" for each in callbacks):
        yield Finding(Level.NOTE, "metrics", "litellm_settings.callbacks lacks prometheus: nobody can scrape /metrics")


def _of_one(config: ProxyConfig, patient: Patient, patients: Sequence[Patient], home: Path) -> Iterator[Finding]:
    entry = patient.entry
    match patient.kind:
        case Kind.CALLS:
            yield from _switched_on(config, entry)
            yield from _calls(entry, home)
        case Kind.TEXTS:
            yield from _switched_on(config, entry)
            yield from _texts(entry, patients)
        case Kind.OTHER:
            yield from _others(entry, patients)
        case Kind.UNKNOWN:
            yield Finding(Level.OFF, entry.name, f"{entry.guardrail} cannot be imported; the proxy would not start")


def _switched_on(config: ProxyConfig, entry: Entry) -> Iterator[Finding]:
    if "post_call" not in entry.events:
        yield Finding(Level.OFF, entry.name, "mode lacks post_call: no answer is looked at")
    if "pre_call" not in entry.events:
        yield Finding(Level.WARNING, entry.name, "mode lacks pre_call: no request is looked at")
    if entry.default_on:
        yield Finding(Level.FINE, entry.name, "on for every request")
    elif models := _models_with(config, entry.name):
        yield Finding(Level.WARNING, entry.name, f"on for these models alone: {', '.join(models)}")
    else:
        says = "default_on is false: it runs only where a request, key or team names it, so a caller may leave it out"
        yield Finding(Level.OFF, entry.name, says)


def _models_with(config: ProxyConfig, name: str) -> list[str]:
    models = config.content.get("model_list")
    return [
        str(model.get("model_name"))
        for model in (models if isinstance(models, list) else ())
        if isinstance(model, dict) and name in ((model.get("litellm_params") or {}).get("guardrails") or ())
    ]


def _calls(entry: Entry, home: Path) -> Iterator[Finding]:
    given = {key: value for key, value in entry.params.items() if key not in _LITELLMS and key != "on_decision"}
    try:
        settings, litellms = read_settings(GuardrailSettings, entry.name, given)
        check_litellms(entry.name, None, litellms)
        closer = closer_of(entry.name, sorted(entry.events), settings.open_routes)
    except ConfigurationError as error:
        yield Finding(Level.OFF, entry.name, f"the proxy would not start: {error}")
        return
    if closer.open_routes.rows and settings.ungoverned_routes == "refuse":
        says = f"open_routes opens {closer.open_routes}: nobody decides on tool calls there"
        yield Finding(Level.WARNING, entry.name, says)
    if entry.guardrail != _OURS and settings.decider == "embedded" and not (home / settings.policy).exists():
        yield Finding(Level.NOTE, entry.name, "a class of your own, without a policy: its decider is not examined")
        return
    yield from deciding(entry.name, settings, home)


def _texts(entry: Entry, patients: Sequence[Patient]) -> Iterator[Finding]:
    given = {key: value for key, value in entry.params.items() if key not in _LITELLMS}
    try:
        settings, _ = read_settings(TextGuardrailSettings, entry.name, given)
    except ConfigurationError as error:
        yield Finding(Level.OFF, entry.name, f"the proxy would not start: {error}")
        return
    known = {patient.entry.name for patient in patients} - {entry.name}
    for missing in (name for name in settings.apply if name not in known):
        yield Finding(Level.OFF, entry.name, f"applies {missing}, which is no guardrail of this config")
    if not settings.apply:
        yield Finding(Level.OFF, entry.name, "applies no guardrail")
    yield Finding(Level.NOTE, entry.name, "covers Responses; the text of chat and Messages is not its business")
    names = [patient.entry.name for patient in patients]
    later = [patient.entry.name for patient in patients[: names.index(entry.name)] if patient.kind is Kind.CALLS]
    if later:
        says = f"stands behind {later[0]}, which so decides on arguments that are rewritten after it; put it before"
        yield Finding(Level.WARNING, entry.name, says)


def _others(entry: Entry, patients: Sequence[Patient]) -> Iterator[Finding]:
    appliers = [
        patient.entry.name
        for patient in patients
        if patient.kind is Kind.TEXTS and entry.name in (patient.entry.params.get("apply") or ())
    ]
    match appliers, entry.default_on:
        case [first, *_], False:
            yield Finding(Level.FINE, entry.name, f"run by {first}, in Responses streams too")
        case [first, *_], True:
            yield Finding(Level.WARNING, entry.name, f"runs twice: by {first}, and on its own as default_on is true")
        case [], True if "post_call" in entry.events:
            says = "not covered in streams, which LiteLLM delivers unchecked; let a ResponsesTextGuardrail apply it"
            yield Finding(Level.WARNING, entry.name, says)
        case [], False:
            yield Finding(Level.NOTE, entry.name, "off unless a request, key or team names it")
        case _:
            yield Finding(Level.FINE, entry.name, "on for requests; looks at no answer")
