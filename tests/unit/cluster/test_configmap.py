"""What is remembered in a ConfigMap, and what becomes of it under faults."""

from __future__ import annotations

import copy

import pytest

from janitor.cluster.configmap import ConfigMapShelf
from janitor.model import StateConflict, StateUnavailable

SHIPPED = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {
        "name": "state",
        "namespace": "janitor",
        "labels": {"app.kubernetes.io/name": "restic-janitor"},
        "annotations": {"argocd.argoproj.io/sync-options": "Prune=false"},
    },
}
PATH = "/api/v1/namespaces/janitor/configmaps/state"


@pytest.fixture
def shelf(server, client_of):
    server.put_configmap(SHIPPED)
    return ConfigMapShelf(client_of(server), name="state", namespace="janitor")


def stored(server) -> dict:
    return server.configmaps["janitor", "state"]


def test_the_shipped_one_has_no_data_and_is_a_fresh_start(shelf):
    """Else the first sweep of an installation fails."""
    text, version = shelf.read()
    assert text is None
    assert version


def test_what_was_written_is_read(server, shelf):
    """Else every sweep is the first."""
    _, version = shelf.read()
    shelf.write('{"version": 1}', version)
    assert shelf.read()[0] == '{"version": 1}'
    assert [each.verb for each in server.requests] == ["get", "update", "get"]


def test_everything_else_in_it_stays(server, shelf):
    """Else the janitor undoes what Argo CD, or a person, put there."""
    body = copy.deepcopy(SHIPPED) | {"data": {"other": "kept"}, "binaryData": {"b": "AA=="}}
    server.put_configmap(body)
    _, version = shelf.read()
    shelf.write("{}", version)
    assert stored(server)["data"] == {"other": "kept", "state.json": "{}"}
    assert stored(server)["binaryData"] == {"b": "AA=="}
    assert stored(server)["metadata"]["labels"] == SHIPPED["metadata"]["labels"]
    assert stored(server)["metadata"]["annotations"] == SHIPPED["metadata"]["annotations"]


def test_somebody_who_wrote_in_between_is_a_conflict(server, shelf):
    """Else two janitors undo each other's first-seen times."""
    _, version = shelf.read()
    server.put_configmap(copy.deepcopy(SHIPPED) | {"data": {"state.json": "theirs"}})
    with pytest.raises(StateConflict):
        shelf.write("mine", version)
    assert stored(server)["data"] == {"state.json": "theirs"}


def test_an_older_version_than_the_last_read_is_a_conflict(server, shelf):
    """Else a version is only a word."""
    _, old = shelf.read()
    server.put_configmap(copy.deepcopy(SHIPPED))
    shelf.read()
    with pytest.raises(StateConflict):
        shelf.write("mine", old)


def test_after_a_conflict_it_can_be_read_and_written(server, shelf):
    """Else one conflict loses the sweep's state."""
    _, version = shelf.read()
    server.put_configmap(copy.deepcopy(SHIPPED))
    with pytest.raises(StateConflict):
        shelf.write("mine", version)
    _, version = shelf.read()
    shelf.write("mine", version)
    assert stored(server)["data"] == {"state.json": "mine"}


def test_a_write_whose_answer_is_lost_is_a_conflict_and_no_failure(server, shelf):
    """Else the sweep says that its state was lost although it was written."""
    _, version = shelf.read()
    server.fail_next(PATH, method="PUT", truncate=True)
    with pytest.raises(StateConflict):
        shelf.write("mine", version)
    assert shelf.read()[0] == "mine"


def test_a_version_that_was_read_elsewhere_is_a_version(server, client_of, shelf):
    """Else whoever read the state by another shelf loses what it wrote."""
    shelf.read()
    other = ConfigMapShelf(client_of(server), name="state", namespace="janitor")
    _, version = other.read()
    other.write("theirs", version)
    text, version = other.read()
    assert text == "theirs"
    shelf.write("mine", version)
    assert stored(server)["data"] == {"state.json": "mine"}
    third = ConfigMapShelf(client_of(server), name="state", namespace="janitor")
    third.write("third", stored(server)["metadata"]["resourceVersion"])
    assert stored(server)["data"] == {"state.json": "third"}


def test_a_state_that_is_no_text_is_none(server, shelf):
    """Else a number where the state should be ends the sweep in a traceback."""
    server.fail_next(PATH, edit=lambda body: body | {"data": {"state.json": 7}})
    assert shelf.read()[0] is None


@pytest.mark.parametrize(
    "edit",
    [
        lambda body: body | {"kind": "Secret"},
        lambda body: body | {"metadata": {}},
        lambda body: body | {"metadata": ["resourceVersion"]},
        lambda body: body | {"metadata": {"resourceVersion": 7}},
        lambda body: body | {"metadata": {"resourceVersion": ""}},
        lambda _: ["ConfigMap"],
    ],
)
def test_an_answer_that_is_no_configmap_with_a_version_is_refused(server, shelf, edit):
    """Else the state is written over something else, or without saying which was read."""
    server.fail_next(PATH, edit=edit, times=9)
    with pytest.raises(StateUnavailable, match="sent something else"):
        write(shelf)
    assert {each.verb for each in server.requests} == {"get"}


def test_a_missing_one_names_the_mend(server, shelf):
    """Else people look for a bug instead of applying k8s/base."""
    server.configmaps.clear()
    with pytest.raises(StateUnavailable, match=r"no ConfigMap janitor/state .*k8s/base"):
        shelf.read()


@pytest.mark.parametrize("verb", ["get", "update"])
def test_a_missing_right_is_named(server, shelf, verb):
    """Else people cannot tell which right to grant."""
    server.deny(verb, "configmaps", "janitor")
    sentence = f"{verb} configmaps state in namespace janitor.*k8s/base grants it"
    with pytest.raises(StateUnavailable, match=sentence):
        write(shelf)


def write(shelf) -> None:
    _, version = shelf.read()
    shelf.write("{}", version)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 401},
        {"status": 422},
        {"status": 500},
        {"drop": True},
        {"body": b"<html>"},
        {"body": b'{"kind": "Status"}'},
        {"body": b'{"kind": "\xff"}'},
        {"body": b"[" * 100_000},
    ],
)
def test_any_other_fault_is_one_sentence(server, shelf, fault):
    """Else the sweep ends in a traceback instead of going on without state."""
    server.fail_next(PATH, times=99, **fault)
    with pytest.raises(StateUnavailable) as raised:
        shelf.read()
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)
