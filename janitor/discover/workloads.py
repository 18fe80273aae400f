"""Workloads written by hand: one label on a CronJob, Deployment or StatefulSet, and nothing else.

Each container of the pod template that names a repository is one, with the environment that the
kubelet would give it; the names of its holders come from the workload itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from janitor import names
from janitor.cluster.errors import ClusterError
from janitor.discover.container import Container, read_container
from janitor.discover.draft import Draft
from janitor.discover.reader import Each, FoundObject, ObjectKind, Reader, mapping_at, text_at
from janitor.discover.template import PodTemplate, environment_of, mentions_restic
from janitor.model import GeneratedHolder, RepositoryState

_GROUPS = {
    "CronJob": ("batch", "cronjobs"),
    "Job": ("batch", "jobs"),
    "Deployment": ("apps", "deployments"),
    "StatefulSet": ("apps", "statefulsets"),
    "DaemonSet": ("apps", "daemonsets"),
}


def kind_called(kind: str, component: str) -> ObjectKind:
    """One of these kinds, read by the rights of this component."""
    group, plural = _GROUPS[kind]
    return ObjectKind(group, kind, plural, component)


KINDS = tuple(kind_called(kind, "discover-workloads") for kind in _GROUPS)


def find_workloads(
    reader: Reader, *, namespaces: tuple[str, ...] | None, selector: str, each: Each
) -> tuple[Draft, ...]:
    """The repositories of the workloads that the selector selects. Raises ClusterError."""
    found: list[FoundObject] = []
    for kind in KINDS:
        listed = reader.list(kind, namespaces, selector=selector)
        found.extend(listed or ())
    cronjobs = {_key(one) for one in found if one.reference.kind == "CronJob"}
    wanted = [one for one in found if _maker(one) not in cronjobs]
    drafts = each(lambda one: _drafts(one, reader), wanted)
    return tuple(draft for some in drafts for draft in some)


def holders_of(
    reader: Reader, workloads: Sequence[tuple[str, str]], namespaces: Sequence[str]
) -> tuple[tuple[GeneratedHolder, ...], str | None]:
    """What these workloads (kind and name) call their pods, and which containers run restic.

    Returns a sentence in place of a part where one is in none of the namespaces, or cannot be read.
    """
    holders: list[GeneratedHolder] = []
    for kind, name in workloads:
        found: list[FoundObject] = []
        try:
            for namespace in namespaces:
                one = reader.get(kind_called(kind, "owners"), namespace, name)
                found.extend(() if one is None else (one,))
        except ClusterError as error:
            return (), str(error)
        if not found:
            where = ", ".join(namespaces)
            return (), f"there is no {kind} {name} in {where}: `workloads` names it"
        for one in found:
            holders.extend(pods_of(one, _restic_containers(one, reader)))
    return tuple(holders), None


def pods_of(one: FoundObject, containers: tuple[str, ...]) -> tuple[GeneratedHolder, ...]:
    """The hostnames of a workload's pods, by the rules of names.py.

    Pods of the hostNetwork have their Nodes' names, which no workload can claim.
    """
    template = template_of(one)
    if template is None or template.spec.get("hostNetwork") is True:
        return ()
    expressions = [_expression(one)]
    hostname = text_at(template.spec, "hostname")
    if hostname and one.reference.kind != "StatefulSet":
        expressions.append(names.fixed_hostname(hostname))
    if template.spec.get("setHostnameAsFQDN") is True:
        subdomain = text_at(template.spec, "subdomain").lower()
        domain = rf"\.{names.fixed_hostname(subdomain)}\..*"
        expressions += [f"(?:{expression}){domain}" for expression in expressions]
    return tuple(
        GeneratedHolder(str(one.reference), expression, containers) for expression in expressions
    )


def template_of(one: FoundObject) -> PodTemplate | None:
    """The template of the workload's pods; None where it has none that could be read."""
    content = one.content
    if one.reference.kind == "CronJob":
        content = mapping_at(content, "spec", "jobTemplate")
    template = mapping_at(content, "spec", "template")
    spec = mapping_at(template, "spec")
    if not spec:
        return None
    return PodTemplate(one.reference.namespace, spec, mapping_at(template, "metadata"))


# --- one workload -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Workload:
    """A workload and its containers that run restic."""

    found: FoundObject
    template: PodTemplate
    containers: tuple[Container, ...]


def _drafts(one: FoundObject, reader: Reader) -> tuple[Draft, ...]:
    """One for each container with a repository; one that says what is missing, if none has."""
    template = template_of(one)
    if template is None:
        return (_broken(one, f"{one.reference} has no pod template"),)
    containers = tuple(read_container(each, template, reader) for each in template.containers)
    naming = [each for each in containers if each.names_a_repository]
    if not naming:
        return (_broken(one, _nothing_named(one, containers)),)
    running = tuple(each.name for each in containers if each.mentions_restic)
    workload = _Workload(one, template, tuple(naming))
    return tuple(_draft(workload, each, pods_of(one, running)) for each in naming)


def _draft(
    workload: _Workload, container: Container, holders: tuple[GeneratedHolder, ...]
) -> Draft:
    reference = workload.found.reference
    name = f"workloads/{reference.namespace}/{reference.name}"
    if len(workload.containers) > 1:
        name = f"{name}/{container.name}"
    problem = container.problem
    return Draft(
        name=name,
        source="workloads",
        owners=(reference,),
        annotations=workload.found.annotations,
        location=container.location,
        volume=container.volume,
        variables=container.variables,
        insecure_tls=container.insecure_tls,
        generated=holders,
        namespaces=(reference.namespace,),
        state=RepositoryState.INCOMPLETE if problem else None,
        problem=f"container {container.name} of {reference}: {problem}" if problem else None,
    )


def _broken(one: FoundObject, problem: str) -> Draft:
    reference = one.reference
    return Draft(
        name=f"workloads/{reference.namespace}/{reference.name}",
        source="workloads",
        owners=(reference,),
        annotations=one.annotations,
        namespaces=(reference.namespace,),
        state=RepositoryState.INCOMPLETE,
        problem=problem,
    )


def _nothing_named(one: FoundObject, containers: Sequence[Container]) -> str:
    unknown = next((each for each in containers if each.problem), None)
    if unknown is not None:
        return f"container {unknown.name} of {one.reference}: {unknown.problem}"
    return (
        f"no container of {one.reference} has RESTIC_REPOSITORY or RESTIC_REPOSITORY_FILE in its "
        "environment, or restic's `--repo` among its arguments: what a script computes is not "
        "known here, so set the variable"
    )


def _restic_containers(one: FoundObject, reader: Reader) -> tuple[str, ...]:
    """Those that may run restic; none, which means all, where nothing says so."""
    template = template_of(one)
    if template is None:
        return ()
    return tuple(
        text_at(each, "name")
        for each in template.containers
        if mentions_restic(each, environment_of(each, template, reader))
    )


def _expression(one: FoundObject) -> str:
    name, content = one.reference.name, one.content
    match one.reference.kind:
        case "CronJob":
            job = mapping_at(content, "spec", "jobTemplate", "spec")
            return names.cronjob_pods(name, indexed=_indexed(job))
        case "Job":
            return names.job_pods(name, indexed=_indexed(mapping_at(content, "spec")))
        case "Deployment":
            return names.deployment_pods(name)
        case "StatefulSet":
            return names.statefulset_pods(name)
        case _:
            return names.daemonset_pods(name)


def _indexed(job: Mapping[str, Any]) -> bool:
    return text_at(job, "completionMode") == "Indexed"


def _key(one: FoundObject) -> tuple[str, str]:
    return one.reference.namespace, one.reference.name


def _maker(one: FoundObject) -> tuple[str, str] | None:
    """The CronJob that made this Job: namespace and name."""
    owners = one.content.get("metadata", {}).get("ownerReferences")
    for owner in owners if isinstance(owners, list) else ():
        if isinstance(owner, Mapping) and owner.get("kind") == "CronJob":
            return one.reference.namespace, text_at(owner, "name")
    return None
