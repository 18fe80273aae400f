"""Made-up environments of containers, for the kubelet and for the janitor alike."""

from __future__ import annotations

import random
from typing import Any

from janitor.discover.reader import MissingObject
from janitor.discover.template import PodTemplate, environment_of
from janitor.model import Secret

SECRETS = {
    "s-one": {"A": "a", "B": "b $(A) $$", "T_PLAIN": "from-one", "with-dash": "d", "C": ""},
    "s-two": {"A": "a2", "D": "line\nbreak", "T_PLAIN": "from-two", "1DIGIT": "1"},
}
CONFIG_MAPS = {"c-one": {"A": "ca", "E": "e", "T_CONF": "$(A)"}, "c-two": {"F": "f"}}
LABELS = {"app": "db"}
VALUES = (
    "plain",
    "",
    "$(T_0)",
    "$(T_1)-$(T_2)",
    "$$(T_0)",
    "$$$(T_0)",
    "$(MISSING)",
    "$(T_3",
    "$T_0 ${T_0}",
    "$(A)$(B)",
    "$(P_A)",
    "a$",
    "$()",
    "$(T_0$(T_1))",
    "quotes \" and ' and \\",
)


def containers(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """So many containers' `env` and `envFrom`; the same for the same seed."""
    source = random.Random(seed)
    return [_container(source) for _ in range(count)]


def _container(source: random.Random) -> dict[str, Any]:
    return {
        "envFrom": [_source(source) for _ in range(source.randrange(3))],
        "env": [_variable(source) for _ in range(source.randrange(1, 9))],
    }


def _source(source: random.Random) -> dict[str, Any]:
    kind, names = source.choice((("secretRef", SECRETS), ("configMapRef", CONFIG_MAPS)))
    name = source.choice((*names, "none"))
    made: dict[str, Any] = {kind: {"name": name}}
    if name == "none":
        made[kind]["optional"] = True
    if source.random() < 0.3:
        made["prefix"] = source.choice(("P_", "T_", "RESTIC_"))
    return made


def _variable(source: random.Random) -> dict[str, Any]:
    name = f"T_{source.randrange(6)}"
    if source.random() < 0.6:
        return {"name": name, "value": source.choice(VALUES)}
    return {"name": name, "valueFrom": _from(source)}


def _from(source: random.Random) -> dict[str, Any]:
    choice = source.randrange(4)
    if choice == 0:
        path = source.choice(("metadata.namespace", "metadata.labels['app']"))
        return {"fieldRef": {"fieldPath": path}}
    kind, names = (("secretKeyRef", SECRETS), ("configMapKeyRef", CONFIG_MAPS))[choice % 2]
    name = source.choice(tuple(names))
    if choice == 3:
        return {kind: {"name": name, "key": "none", "optional": True}}
    return {kind: {"name": name, "key": source.choice(tuple(names[name]))}}


class Shelf:
    """The Secrets and ConfigMaps of this module, as a `Reader` of them."""

    def secret(self, _namespace: str, name: str) -> dict[str, Secret]:
        return _keys(SECRETS, name)

    def config_map(self, _namespace: str, name: str) -> dict[str, Secret]:
        return _keys(CONFIG_MAPS, name)


def _keys(found: dict[str, dict[str, str]], name: str) -> dict[str, Secret]:
    if name not in found:
        raise MissingObject(f"there is no {name}", absent=True)
    return {key: Secret(value) for key, value in found[name].items()}


def of_the_janitor(container: dict[str, Any], namespace: str) -> dict[str, str]:
    """What the janitor makes of the container's environment; it must know all of it."""
    template = PodTemplate(namespace, {}, {"labels": LABELS})
    found = environment_of(container, template, Shelf())  # type: ignore[arg-type]
    assert (found.unknown, found.missing) == ({}, [])
    return {name: value.reveal() for name, value in found.values.items()}
