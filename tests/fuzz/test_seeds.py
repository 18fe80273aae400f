"""What inputs are made from is valid, so that a fuzzer gets past every check in turn."""

from __future__ import annotations

import json
from pathlib import Path

from janitor.cluster.configmap import ConfigMapShelf
from janitor.discover.configuration import load_configuration
from janitor.keyring import Keyring
from janitor.model import Lock, LockID, Secret
from janitor.restic.config import read_config
from janitor.restic.key import parse_key
from janitor.restic.lock import read_lock
from janitor.state import decode
from janitor.store.location import parse_location
from tests.forge import PASSWORD, compress, name_of
from tests.fuzz import configuration, kubernetes, locations, seeds, sweeping
from tests.fuzz.answers import whole
from tests.fuzz.apiservers import _CONFIGMAP, _client
from tests.fuzz.wire import wire
from tests.sweep.doubles import scene_in


def dumped(document: object) -> bytes:
    return json.dumps(document).encode()


def test_the_files_of_a_repository_are_restics() -> None:
    """Else nothing behind the first check of a file is ever fuzzed."""
    key = dumped(seeds.KEY)
    opened = Keyring().open("a", parse_key(name_of(key), key), Secret(PASSWORD))
    assert opened == seeds.KEYS
    assert read_config(seeds.sealed(dumped(seeds.CONFIG)), seeds.KEYS).version == 2
    for plain in (dumped(seeds.LOCK), b"\x02" + compress(dumped(seeds.LOCK))):
        stored = seeds.sealed(plain)
        content = read_lock(name_of(stored), stored, seeds.KEYS, 2)
        assert isinstance(content, Lock)
        assert content.hostname == seeds.HOST


def test_the_state_is_one() -> None:
    """As above."""
    locks = decode(json.dumps(seeds.STATE)).repositories["shop-db"]
    assert [locks[LockID(each)].put_back for each in seeds.IDS[:2]] == [False, True]


def test_the_configuration_is_one(tmp_path: Path) -> None:
    """As above."""
    path = tmp_path / "janitor.yaml"
    path.write_bytes(dumped(configuration._FILE))
    assert len(load_configuration(path, process={}).repositories) == 3


def test_the_locations_are_restics() -> None:
    """As above."""
    schemes = {parse_location(each).scheme for each in locations._PLACES}
    assert len(schemes) == 9


def test_the_lists_are_a_cluster_with_a_living_holder() -> None:
    """As above; and the law about living holders would hold of a doubt as well."""
    lists = {
        "nodes": seeds.page("NodeList", seeds.NODES),
        "events": seeds.page("EventList", seeds.EVENTS),
        "pods": seeds.page("PodList", seeds.PODS),
    }
    seen = kubernetes.observed(**{name: (dumped(each),) for name, each in lists.items()})
    assert seen.doubt is None
    assert kubernetes.judged(seen) == "holder-alive"
    lists["pods"] = seeds.page("PodList", [seeds.PODS[0]])
    seen = kubernetes.observed(**{name: (dumped(each),) for name, each in lists.items()})
    assert kubernetes.judged(seen) == "stale"


def test_the_sweep_has_something_to_remove(tmp_path: Path) -> None:
    """Else nothing behind the first doubt of a sweep is ever fuzzed."""
    pods = dumped(sweeping._PODS)
    with scene_in(tmp_path) as scene:
        sweeping.furnish(scene, [], dumped(sweeping._STATE), pods)
        told, result = scene.sweep()
    assert told.verdicts == ["holder-absent"]
    assert result.report.removed == 1


def test_the_server_answers_as_one_should() -> None:
    """Else no answer would come through, however right."""
    wire().answers = lambda *_: whole(dumped(_CONFIGMAP))
    text, version = ConfigMapShelf(_client(), name="state", namespace="janitor").read()
    assert decode(text or "").cluster == "a"
    assert version == "7"
