"""What a container of a pod template gets as environment, evaluated as the kubelet does it.

From the kubelet's `makeEnvironmentVariables`: `envFrom` first, where later sources win, then `env`
in its order over it; `$(NAME)` sees what stands before it. A value that only the running pod can
know, or whose source cannot be read, is not guessed: it is told as unknown, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from janitor.discover.expansion import TooLong, expand
from janitor.discover.reader import MissingObject, Reader, list_at, mapping_at, strings_at, text_at
from janitor.model import Secret

_SERVICE = re.compile(r"[A-Z0-9_]+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)")
"""What the kubelet adds for each Service of the namespace."""
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")
_MOST = 2000
"""Variables of one container; nobody writes more by hand."""


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """The template of a workload's pods, with what the API knows of the pods to come."""

    namespace: str
    spec: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def containers(self) -> tuple[Mapping[str, Any], ...]:
        """Init containers first, then the ordinary ones."""
        both = (*list_at(self.spec, "initContainers"), *list_at(self.spec, "containers"))
        return tuple(each for each in both if isinstance(each, Mapping))


@dataclass(slots=True)
class Environment:
    """The variables of one container."""

    values: dict[str, Secret] = field(default_factory=dict, repr=False)
    unknown: dict[str, str] = field(default_factory=dict)
    """Name to why it is not known."""
    missing: list[str] = field(default_factory=list)
    """Why a source of `envFrom` is not known: any variable may be in there."""

    def put(self, name: str, value: Secret) -> None:
        """The variable, in place of what it was."""
        self.unknown.pop(name, None)
        self.values[name] = value

    def put_unknown(self, name: str, why: str) -> None:
        """The same where its value is not known."""
        self.values.pop(name, None)
        self.unknown[name] = why


def environment_of(
    container: Mapping[str, Any], template: PodTemplate, reader: Reader
) -> Environment:
    """The container's environment. Never raises: what is not known is in the result."""
    environment = Environment()
    for source in list_at(container, "envFrom")[:_MOST]:
        _add_source(environment, source, template, reader)
    for variable in list_at(container, "env")[:_MOST]:
        name = text_at(variable, "name") if isinstance(variable, Mapping) else ""
        if name:
            _add_variable(environment, name, variable, template, reader)
    return environment


def words_of(container: Mapping[str, Any], environment: Environment) -> tuple[str | None, ...]:
    """The command and its arguments, expanded; None for one that is not known."""
    written = (*list_at(container, "command"), *list_at(container, "args"))
    return tuple(_word(each, environment) for each in written if isinstance(each, str))


def mentions_restic(container: Mapping[str, Any], environment: Environment) -> bool:
    """Whether anything of it says that restic may run in it: rather one too many."""
    names = (*environment.values, *environment.unknown)
    written = (
        text_at(container, "image"),
        *list_at(container, "command"),
        *list_at(container, "args"),
    )
    return (
        bool(environment.missing)
        or any(name.startswith("RESTIC_") for name in names)
        or any("restic" in each.lower() for each in written if isinstance(each, str))
    )


# --- envFrom ----------------------------------------------------------------------------------


def _add_source(
    environment: Environment, source: object, template: PodTemplate, reader: Reader
) -> None:
    if not isinstance(source, Mapping):
        return
    prefix = text_at(source, "prefix")
    for kind, read in (("configMapRef", reader.config_map), ("secretRef", reader.secret)):
        reference = mapping_at(source, kind)
        if not reference:
            continue
        try:
            keys = read(template.namespace, text_at(reference, "name"))
        except MissingObject as problem:
            if not (problem.absent and reference.get("optional") is True):
                environment.missing.append(str(problem))
            continue
        for key, value in keys.items():
            if "=" not in prefix + key:
                environment.put(prefix + key, value)


# --- env --------------------------------------------------------------------------------------


def _add_variable(
    environment: Environment,
    name: str,
    variable: Mapping[str, Any],
    template: PodTemplate,
    reader: Reader,
) -> None:
    text = text_at(variable, "value")
    source = mapping_at(variable, "valueFrom")
    if text:
        expanded = _expanded(text, environment)
        if isinstance(expanded, Secret):
            environment.put(name, expanded)
        else:
            environment.put_unknown(name, expanded.why)
    elif source:
        _add_from(environment, name, source, template, reader)
    else:
        environment.put(name, Secret(""))


def _add_from(
    environment: Environment,
    name: str,
    source: Mapping[str, Any],
    template: PodTemplate,
    reader: Reader,
) -> None:
    for kind, read in (("secretKeyRef", reader.secret), ("configMapKeyRef", reader.config_map)):
        if reference := mapping_at(source, kind):
            _add_key(environment, name, reference, partial(read, template.namespace))
            return
    if "fieldRef" in source:
        path = text_at(source, "fieldRef", "fieldPath")
        value = _field(path, template)
        if value is None:
            environment.put_unknown(name, f"only the running pod knows its {path or 'field'}")
        else:
            environment.put(name, Secret(value))
        return
    environment.put_unknown(name, "only the running pod knows it")


def _add_key(
    environment: Environment,
    name: str,
    reference: Mapping[str, Any],
    keys_of: Callable[[str], Mapping[str, Secret]],
) -> None:
    of, key = text_at(reference, "name"), text_at(reference, "key")
    optional = reference.get("optional") is True
    try:
        keys = keys_of(of)
    except MissingObject as problem:
        if not (problem.absent and optional):
            environment.put_unknown(name, str(problem))
        return
    if key in keys:
        environment.put(name, keys[key])
    elif not optional:
        environment.put_unknown(name, f"{of!r} has no key {key!r}")


def _field(path: str, template: PodTemplate) -> str | None:
    """A field of the pods to come; None where only each pod itself knows it."""
    if path == "metadata.namespace":
        return template.namespace
    if path == "spec.serviceAccountName":
        return text_at(template.spec, "serviceAccountName") or "default"
    if found := _SUBSCRIPT.fullmatch(path):
        # controllers add labels of their own, so an absent one is not known to be absent
        return strings_at(template.metadata, found[1]).get(found[2])
    return None


# --- $(NAME) ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Unknown:
    why: str


def _word(text: str, environment: Environment) -> str | None:
    expanded = _expanded(text, environment)
    return expanded.reveal() if isinstance(expanded, Secret) else None


def _expanded(text: str, environment: Environment) -> Secret | _Unknown:
    reasons: list[str] = []

    def known(name: str) -> str | None:
        if name in environment.values:
            return environment.values[name].reveal()
        if name in environment.unknown:
            reasons.append(environment.unknown[name])
        elif environment.missing:
            reasons.append(environment.missing[0])
        elif _SERVICE.fullmatch(name):
            reasons.append(f"only the running pod knows {name}")
        return None

    try:
        expanded = expand(text, known)
    except TooLong:
        return _Unknown("its value would be longer than any variable can be")
    return _Unknown(reasons[0]) if reasons else Secret(expanded)
