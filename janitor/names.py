"""The names that Kubernetes generates, as patterns.

`generateName` appends five characters of an alphabet without vowels and without `0 1 3` to at
most 58 characters of the base (apiserver: `storage/names/generate.go`, apimachinery:
`util/rand`). Controllers pass `<owner>-` as the base, so a long owner loses its tail and even the
dash. Pure: matching by these rules, and not by `name-*`, keeps the pods of `app-far` apart from
those of `app`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from janitor.model import OwnerReference, Pod

_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
RANDOM_LENGTH = 5
"""So many characters `generateName` appends."""
_BASE_LENGTH = 63 - RANDOM_LENGTH
_DIGIT = "[0-9]"
_NUMBER = "(?:0|[1-9][0-9]*)"
_HASH_LENGTHS = range(6, 11)
_CRONJOB_DIGITS = 8
_CRONJOB_LATENESS = timedelta(days=1)
"""How long after its scheduled minute a CronJob's pod may have been created, for the Job's name
to be taken as one of a CronJob's."""

_HAS_RANDOM_SUFFIX = re.compile(f"(?:.*-|.{{{_BASE_LENGTH}}}){_RANDOM}{{{RANDOM_LENGTH}}}", re.S)


def has_random_suffix(name: str) -> bool:
    """Whether the name ends as `generateName` makes it, so that no other cluster has it too."""
    return _HAS_RANDOM_SUFFIX.fullmatch(name) is not None


def generated_base(owner: str) -> str:
    """What the names begin with, lower-cased, that `generateName` makes for this owner's pods."""
    return f"{owner.lower()}-"[:_BASE_LENGTH]


def fits_family(hostname: str, pod: Pod) -> bool:
    """Whether the controller that owns this pod gives its pods such hostnames."""
    return any(
        re.fullmatch(pattern, hostname.lower()) is not None for pattern in family_patterns(pod)
    )


def family_patterns(pod: Pod) -> tuple[str, ...]:
    """Patterns of the hostnames (whole, lower-cased) that this pod's controller gives its pods.

    A pod without a controller has no family: nothing says that another would have such a name.
    """
    controller = next((owner for owner in pod.owners if owner.controller), None)
    if controller is None:
        return ()
    fixed = (re.escape(pod.hostname.lower()),) if pod.hostname else ()
    return *fixed, *_pod_names(controller, pod)


# --- what a workload calls its pods ----------------------------------------------------------


def job_pods(job: str, *, indexed: bool = False) -> str:
    """The hostnames of a Job's pods. Those of an Indexed Job have `<job>-<index>` as hostname."""
    name = job.lower()
    return f"{re.escape(name)}-{_NUMBER}" if indexed else _generated(name)


def cronjob_pods(cronjob: str, *, indexed: bool = False) -> str:
    """The hostnames of the pods of every Job that a CronJob makes: `<cronjob>-<minutes>`."""
    name = cronjob.lower()
    if indexed:
        return f"{re.escape(name)}-{_DIGIT}{{{_CRONJOB_DIGITS}}}-{_NUMBER}"
    return _generated(f"{name}-", *[_DIGIT] * _CRONJOB_DIGITS)


def deployment_pods(deployment: str) -> str:
    """The hostnames of the pods of every ReplicaSet of a Deployment: `<deployment>-<hash>`."""
    name = deployment.lower()
    return "|".join(_generated(f"{name}-", *[_RANDOM] * length) for length in _HASH_LENGTHS)


def replicaset_pods(replica_set: str) -> str:
    """The hostnames of the pods of a ReplicaSet that no Deployment owns."""
    return _generated(replica_set.lower())


def daemonset_pods(daemon_set: str) -> str:
    """The hostnames of a DaemonSet's pods."""
    return _generated(daemon_set.lower())


def statefulset_pods(stateful_set: str) -> str:
    """The hostnames of a StatefulSet's pods: the ordinals."""
    return f"{re.escape(stateful_set.lower())}-{_NUMBER}"


def fixed_hostname(hostname: str) -> str:
    """The one hostname of a template with `spec.hostname`."""
    return re.escape(hostname.lower())


# --- names that are made of names ------------------------------------------------------------

Letters = tuple[str, ...]
"""A name as one class of characters for each of its letters, so that it can be cut as operators
cut names that they make of others."""
DIGIT: Letters = (_DIGIT,)
RANDOM_SUFFIX: Letters = (_RANDOM,) * RANDOM_LENGTH
"""What `rand.String(5)` of apimachinery gives."""


def letters(text: str) -> Letters:
    """A known text, lower-cased as hostnames are compared."""
    return tuple(map(re.escape, text.lower()))


def pods_of_job(job: Letters) -> str:
    """The hostnames of the pods of a Job with this name."""
    return _generated("", *job)


# --- what a pod in view tells of its siblings ------------------------------------------------


def _pod_names(controller: OwnerReference, pod: Pod) -> tuple[str, ...]:
    """Patterns of the hostnames of pods that this controller, and its own controller, make."""
    name = controller.name.lower()
    match controller.kind:
        case "StatefulSet":
            return (f"{re.escape(name)}-{_NUMBER}",)
        case "ReplicaSet":
            return _generated(name), *_of_deployment(name, pod.template_hash)
        case "Job":
            return _generated(name), *_of_indexed_job(name, pod), *_of_cronjob(name, pod)
        case "DaemonSet":
            return (_generated(name),)
        case _:
            return (_generated(pod.generate_name.lower(), dash=""),) if pod.generate_name else ()


def _of_indexed_job(job: str, pod: Pod) -> tuple[str, ...]:
    """The other indexes of an Indexed Job, whose pods have the hostname `<job>-<index>`."""
    indexes = f"{re.escape(job)}-{_NUMBER}"
    indexed = pod.hostname is not None and re.fullmatch(indexes, pod.hostname.lower())
    return (indexes,) if indexed else ()


@lru_cache(maxsize=4096)
def _of_deployment(replica_set: str, template_hash: str | None) -> tuple[str, ...]:
    """Other ReplicaSets of the Deployment whose `pod-template-hash` ends this one's name."""
    deployment = replica_set.removesuffix(f"-{template_hash}")
    if not template_hash or not deployment or deployment == replica_set:
        return ()
    return tuple(_generated(f"{deployment}-", *[_RANDOM] * length) for length in _HASH_LENGTHS)


def _of_cronjob(job: str, pod: Pod) -> tuple[str, ...]:
    """Other Jobs of the CronJob that made this one: its name ends in the scheduled minute."""
    cronjob, dash, digits = job.rpartition("-")
    if not (cronjob and dash and re.fullmatch(f"{_DIGIT}{{{_CRONJOB_DIGITS}}}", digits)):
        return ()
    scheduled = datetime.fromtimestamp(int(digits) * 60, UTC)
    if pod.created is None or not timedelta(0) <= pod.created - scheduled <= _CRONJOB_LATENESS:
        return ()
    return (_generated(f"{cronjob}-", *[_DIGIT] * _CRONJOB_DIGITS),)


@lru_cache(maxsize=4096)
def _generated(owner: str, *classes: str, dash: str = "-") -> str:
    """The pattern of pods of `<owner><one character of each class>-`, cut as the server cuts."""
    characters = [*map(re.escape, owner), *classes, dash][:_BASE_LENGTH]
    return "".join(characters) + f"{_RANDOM}{{{RANDOM_LENGTH}}}"
