"""Repositories of one ID, a mirror or one place by two ways, share who may hold their locks."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

from janitor.discover.found import Found
from janitor.model import GeneratedHolder, LockID, Secret
from janitor.names import statefulset_pods
from tests.sweep.doubles import LONG_AGO, Scene, alive, observed

DATABASE = GeneratedHolder("StatefulSet shop/db", statefulset_pods("db"))


def mirrored(scene: Scene) -> LockID:
    """The repository `shop-db` with an old lock, and a copy of it as `mirror`."""
    shop = scene.repository()
    lock = shop.lock(time=LONG_AGO, hostname="db-0")
    shutil.copytree(scene.base / "shop-db", scene.base / "mirror")
    scene.repositories["mirror"] = shop
    scene.remember()
    return lock


def discovered(scene: Scene, fields: dict[str, dict[str, Any]], passwords: dict[str, str]) -> None:
    """Each repository with fields of its own."""
    plain = scene.found

    def found(name: str, **_: object) -> Found:
        made = plain(name, holders=(), **fields.get(name, {}))
        return replace(made, password=Secret(passwords.get(name, "test")))

    scene.found = found  # type: ignore[method-assign]


def test_a_lock_in_a_mirror_is_its_originals(scene: Scene) -> None:
    """Else the lock that was copied along stays in the mirror for ever."""
    mirrored(scene)
    original = {"generated": (DATABASE,)}
    discovered(scene, {"shop-db": original, "mirror": {"namespaces": ("dr",)}}, {})
    told, _ = scene.sweep()
    assert told.verdicts == ["holder-absent", "holder-absent"]
    assert [each.removed for each in told.locks] == [True, True]


def test_a_living_holder_in_the_other_owners_namespace_keeps_it(scene: Scene) -> None:
    """Else one owner's `db-0` is judged without the other's, which is alive and holds the lock."""
    mirrored(scene)
    scene.cluster.looks = [observed(alive("db-0", namespace="web"))]
    both = {"generated": (DATABASE,)}
    discovered(scene, {"shop-db": both, "mirror": both | {"namespaces": ("web",)}}, {})
    told, result = scene.sweep()
    assert told.verdicts == ["holder-alive", "holder-alive"]
    assert result.report.removed == 0


def test_without_the_password_nobody_adds_holders(scene: Scene) -> None:
    """Else whoever forges an ID has another's locks removed."""
    mirrored(scene)
    generous = {"generated": (DATABASE,), "namespaces": ("evil",)}
    discovered(scene, {"mirror": generous}, {"mirror": "another"})
    told, _ = scene.sweep()
    assert told.verdicts == ["foreign-host"]
