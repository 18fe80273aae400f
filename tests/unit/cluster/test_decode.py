"""What a pod, a Node or an Event of the API becomes in the words of the model."""

from __future__ import annotations

import copy
import datetime as dt
import json

import msgspec
import pytest

from janitor.cluster.decode import event_of, node_of, pod_of, timestamp
from janitor.cluster.wire import WireEvent, WireNode, WirePod
from janitor.model import (
    Container,
    ContainerKind,
    ContainerState,
    Node,
    OwnerReference,
    Pod,
    PodEvent,
)
from tests.apiserver import event, node, pod

RUNNING, ENDED, NEVER = (
    ContainerState.RUNNING,
    ContainerState.ENDED,
    ContainerState.NEVER_STARTED,
)
T1, T2 = "2026-11-24T01:00:00Z", "2026-11-24T02:00:00Z"
AT1, AT2 = (dt.datetime(2026, 11, 24, hour, tzinfo=dt.UTC) for hour in (1, 2))
OOM = {"terminated": {"startedAt": T1, "finishedAt": T2, "exitCode": 137, "reason": "OOMKilled"}}


def decoded(document: dict):
    return pod_of(msgspec.json.decode(json.dumps(document), type=WirePod))


def container(status: dict | None, **pod_fields: object) -> Container:
    """The one container of a pod with this status."""
    document = pod("x", **pod_fields)
    document["status"]["containerStatuses"] = (
        [] if status is None else [{"name": "backup", **status}]
    )
    (only,) = decoded(document).containers
    return only


@pytest.mark.parametrize(
    ("status", "state", "started", "finished"),
    [
        (None, NEVER, None, None),
        ({"state": {"running": {"startedAt": T1}}}, RUNNING, AT1, None),
        ({"state": {"running": {"startedAt": T2}}, "lastState": OOM}, RUNNING, AT2, AT2),
        ({"state": {"running": {}}}, RUNNING, None, None),
        ({"state": OOM}, ENDED, None, AT2),
        (
            {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": OOM},
            ENDED,
            None,
            AT2,
        ),
        ({"state": {"waiting": {}}, "restartCount": 3}, ENDED, None, None),
        ({"state": {"waiting": {}}, "restartCount": 1}, ENDED, None, None),
        ({"state": {"waiting": {}}, "restartCount": 0}, NEVER, None, None),
        ({"state": {"waiting": {}}, "restartCount": 3, "lastState": {}}, ENDED, None, None),
        ({"state": {"waiting": {"reason": "PodInitializing"}}}, NEVER, None, None),
        (
            # A kubelet that lost the container, or a pod that was evicted.
            {"state": {"terminated": {"exitCode": 137, "startedAt": None, "finishedAt": None}}},
            ENDED,
            None,
            None,
        ),
    ],
)
def test_states_that_kubelets_report(status, state, started, finished):
    """Else a living holder looks ended, or a dead one alive."""
    seen = container(status)
    assert (seen.state, seen.started, seen.finished) == (state, started, finished)


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"state": {}},
        {"state": None},
        {"state": {"paused": {"since": T1}}},
        {"state": {"terminated": {"finishedAt": "yesterday"}}},
        {"state": {"terminated": {"finishedAt": T1}, "waiting": {}}},
        {"state": {"waiting": {}}, "lastState": {"running": {"startedAt": T1}}},
        {"state": {"waiting": {}}, "lastState": {"terminated": {"finishedAt": "2026"}}},
        {"state": {"running": {"startedAt": "soon"}, "terminated": {"finishedAt": T1}}},
    ],
)
def test_a_state_that_is_not_understood_may_hold(status):
    """Else a state of a later Kubernetes, or a broken one, removes a living holder's lock."""
    seen = container(status)
    assert (seen.state, seen.started) == (RUNNING, None)


def test_two_statuses_of_one_container_may_hold():
    """Else the one that says ended wins over the one that says running."""
    document = pod("x")
    document["status"]["containerStatuses"] = [
        {"name": "backup", "state": {"running": {"startedAt": T1}}},
        {"name": "backup", "state": OOM},
    ]
    (only,) = decoded(document).containers
    assert (only.state, only.started) == (RUNNING, None)


def test_a_reported_container_that_the_spec_lacks_is_kept():
    """Else it runs unseen."""
    document = pod("x")
    document["status"]["containerStatuses"].append(
        {"name": "debug", "state": {"running": {"startedAt": T1}}}
    )
    document["status"]["containerStatuses"].append({"name": "shell", "state": OOM})
    seen = decoded(document).containers
    assert [(each.name, each.state) for each in seen] == [
        ("backup", RUNNING),
        ("debug", RUNNING),
        ("shell", ENDED),
    ]
    assert not any(each.restart_always for each in seen)


def test_a_container_without_a_status_is_what_the_spec_says():
    """Else a sidecar that is yet to start is taken for one that runs once."""
    document = pod(
        "x",
        initContainers=[{"name": "first"}, {"name": "sidecar", "restartPolicy": "Always"}],
        ephemeralContainers=[{"name": "shell"}],
    )
    document["spec"]["containers"][0]["restartPolicy"] = "Always"
    document["status"] = {"phase": "Pending"}
    assert decoded(document).containers == (
        Container("first", ContainerKind.INIT),
        Container("sidecar", ContainerKind.INIT, restart_always=True),
        Container("backup"),
        Container("shell", ContainerKind.EPHEMERAL),
    )


def test_why_it_waits_is_kept():
    """Else nobody learns why the holder does not start."""
    assert container({"state": {"waiting": {"reason": "ErrImagePull"}}}).reason == "ErrImagePull"
    assert container({"state": {"waiting": {"reason": ""}}}).reason is None
    assert container({"state": {"waiting": {}}}).reason is None


@pytest.mark.parametrize("running", [True, False])
def test_why_it_ended_last_is_kept(running):
    """Else nobody learns why the holder died."""
    now = {"running": {"startedAt": T2}} if running else {"waiting": {"reason": "CrashLoopBackOff"}}
    seen = container({"state": now, "lastState": OOM, "restartCount": 2})
    assert (seen.reason, seen.exit_code, seen.restart_count) == ("OOMKilled", 137, 2)


def test_all_three_lists_of_containers_count():
    """Else a native sidecar or a debug container that runs restic is not seen."""
    document = pod(
        "x",
        initContainers=[{"name": "stash-init"}, {"name": "sidecar", "restartPolicy": "Always"}],
        ephemeralContainers=[{"name": "shell"}],
    )
    document["status"]["initContainerStatuses"] = [
        {"name": "stash-init", "state": {"terminated": {"exitCode": 0, "finishedAt": T1}}},
        {"name": "sidecar", "state": {"running": {"startedAt": T1}}, "restartCount": 1},
    ]
    document["status"]["ephemeralContainerStatuses"] = [
        {"name": "shell", "state": {"running": {"startedAt": T2}}}
    ]
    seen = {each.name: each for each in decoded(document).containers}
    assert list(seen) == ["stash-init", "sidecar", "backup", "shell"]
    assert seen["stash-init"] == Container(
        "stash-init", ContainerKind.INIT, ENDED, finished=AT1, exit_code=0
    )
    assert seen["sidecar"].restart_always
    assert not seen["backup"].restart_always
    assert seen["shell"].kind is ContainerKind.EPHEMERAL


def test_a_plain_pod_is_whole():
    """Else a pod has no age, no Node or no container, and may hold no lock or every one."""
    document = pod("db-0", namespace="shop", uid="1", created=T1, started=T2, node="worker-1")
    assert decoded(document) == Pod(
        namespace="shop",
        name="db-0",
        uid="1",
        created=AT1,
        phase="Running",
        node="worker-1",
        containers=(Container("backup", state=RUNNING, started=AT2),),
    )


def test_an_empty_text_is_as_good_as_absent():
    """Else a pod that is not scheduled yet has a Node of no name, or an empty hostname."""
    document = pod(
        "x", node="", hostname="", hostnameOverride="", runtimeClassName="", initContainers=[]
    )
    document["metadata"]["labels"] = {"pod-template-hash": ""}
    document["status"] |= {"reason": "", "message": "", "hostIP": ""}
    seen = decoded(document)
    assert (seen.node, seen.hostname, seen.hostname_override) == (None, None, None)
    assert (seen.runtime_class, seen.template_hash) == (None, None)
    assert (seen.reason, seen.message, seen.host_addresses) == (None, None, ())


def test_every_owner_is_kept():
    """Else a pod whose controller is named second has no family."""
    document = pod("x")
    document["metadata"]["ownerReferences"] = [
        {"kind": "BackupSession", "name": "nightly"},
        {"kind": "Job", "name": "shop", "controller": True},
    ]
    assert decoded(document).owners == (
        OwnerReference("BackupSession", "nightly"),
        OwnerReference("Job", "shop", controller=True),
    )


def test_everything_that_names_a_pod_is_kept():
    """Else a hostname is not recognised as this pod's."""
    document = pod(
        "db-0",
        hostname="backups",
        hostnameOverride="other",
        setHostnameAsFQDN=True,
        hostNetwork=True,
        runtimeClassName="kata",
    )
    document["metadata"] |= {
        "generateName": "db-",
        "deletionTimestamp": T2,
        "labels": {"pod-template-hash": "5d4f"},
        "ownerReferences": [{"kind": "StatefulSet", "name": "db", "controller": True}],
    }
    document["status"] |= {
        "reason": "Evicted",
        "message": "low on disk",
        "hostIP": "10.0.0.1",
        "hostIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}],
    }
    seen = decoded(document)
    assert (seen.hostname, seen.hostname_override, seen.fqdn) == ("backups", "other", True)
    assert (seen.host_network, seen.host_addresses) == (True, ("10.0.0.1", "fd00::1"))
    assert (seen.runtime_class, seen.template_hash) == ("kata", "5d4f")
    assert (seen.generate_name, seen.deleting) == ("db-", True)
    assert (seen.reason, seen.message) == ("Evicted", "low on disk")
    assert seen.owners == (OwnerReference("StatefulSet", "db", controller=True),)


def test_nulls_are_as_good_as_absent():
    """Else a Go server's null lists end the sweep."""
    document = pod("x")
    document["spec"] |= {"initContainers": None, "hostNetwork": None, "nodeName": None}
    document["status"] = None
    document["metadata"] |= {"labels": None, "ownerReferences": None}
    seen = decoded(document)
    assert (seen.phase, seen.node, seen.host_network) == ("Unknown", None, False)
    assert [each.state for each in seen.containers] == [NEVER]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        (T1, AT1),
        ("2026-11-24T02:00:00+01:00", AT1),
        ("2026-11-24T01:00:00.123456Z", AT1.replace(microsecond=123456)),
        ("2026-11-24T01:00:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("", None),
        (None, None),
        ('"', None),
        ("now", None),
    ],
)
def test_times(text, time):
    """Else a time without a zone, or a broken one, is taken for one."""
    assert timestamp(text) == time


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [
        ([{"type": "Ready", "status": "True"}], True),
        ([{"type": "Ready", "status": "False"}], False),
        ([{"type": "Ready", "status": "Unknown"}], False),
        ([{"type": "MemoryPressure", "status": "True"}], False),
        ([], False),
        (None, False),
        ([{"type": "Ready", "status": "True"}, {"type": "Ready", "status": "False"}], False),
    ],
)
def test_only_ready_true_is_ready(conditions, ready):
    """Else a lost Node vouches for statuses that nobody renews."""
    document = node("n")
    document["status"]["conditions"] = conditions
    assert node_of(msgspec.json.decode(json.dumps(document), type=WireNode)).ready is ready


@pytest.mark.parametrize(
    ("status", "since", "heartbeat", "lasted"),
    [
        ("True", "2026-11-24T00:00:00Z", "2026-11-24T00:40:00Z", dt.timedelta(minutes=40)),
        ("True", "2026-11-24T00:40:00Z", "2026-11-24T00:00:00Z", dt.timedelta(minutes=-40)),
        ("True", "2026-11-24T00:00:00Z", None, None),
        ("True", "yesterday", "2026-11-24T00:40:00Z", None),
        ("True", None, "2026-11-24T00:40:00Z", None),
        ("Unknown", "2026-11-24T00:00:00Z", "2026-11-24T00:40:00Z", None),
    ],
)
def test_how_long_a_node_has_been_ready_by_its_own_clock(status, since, heartbeat, lasted):
    """Else a Node that has just come back, with a slow clock, vouches for statuses from before."""
    document = node("n", ready=status, since=since, heartbeat=heartbeat)
    wire = msgspec.json.decode(json.dumps(document), type=WireNode)
    assert node_of(wire).ready_for == lasted


def test_a_node_has_all_its_names():
    """Else a host process's hostname is not recognised as this Node's."""
    document = node("Worker-1")
    document["metadata"]["labels"]["kubernetes.io/hostname"] = "worker-1.example.net"
    seen = node_of(msgspec.json.decode(json.dumps(document), type=WireNode))
    assert seen.names == ("Worker-1", "worker-1.example.net", "10.0.0.1")


def test_a_node_without_most_of_itself_is_read():
    """Else one Node that has just been added ends the sweep, or vouches for its pods."""
    bare = {"metadata": {"name": "n"}}
    for document in (
        bare,
        bare | {"status": {}},
        bare | {"status": {"addresses": None, "conditions": None}},
        {"metadata": {"name": "n", "labels": None}},
        {"metadata": {"name": "n", "labels": {"kubernetes.io/hostname": ""}}},
    ):
        seen = node_of(msgspec.json.decode(json.dumps(document), type=WireNode))
        assert seen == Node("n", ready=False)


def test_a_node_has_all_its_addresses():
    """Else a Node that is named by its second address is not recognised."""
    document = node("n")
    document["status"]["addresses"] = [{"address": "10.0.0.1"}, {"address": "fd00::1"}, {}]
    seen = node_of(msgspec.json.decode(json.dumps(document), type=WireNode))
    assert seen.addresses == ("10.0.0.1", "fd00::1")


def test_an_event_is_whole():
    """Else nobody learns why a holder died, or an Event of one namespace counts in another."""
    seen = event_of(msgspec.json.decode(json.dumps(event("a", reason="Killing")), type=WireEvent))
    assert seen == PodEvent(
        "shop", "a", "Killing", "Killing a", dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
    )
    bare = {
        "metadata": {"name": "x", "namespace": "shop"},
        "involvedObject": {"kind": "Pod", "name": "a"},
    }
    assert event_of(msgspec.json.decode(json.dumps(bare), type=WireEvent)) == PodEvent("shop", "a")
    bare["involvedObject"]["namespace"] = "media"
    assert event_of(msgspec.json.decode(json.dumps(bare), type=WireEvent)).namespace == "media"


@pytest.mark.parametrize("about", [None, {"kind": "Pod"}, {"kind": "Pod", "name": ""}])
def test_an_event_about_nothing_is_no_evidence(about):
    """Else one odd Event ends the sweep, or makes an empty hostname ours."""
    document = {"metadata": {"name": "x", "namespace": "shop"}, "involvedObject": about}
    assert event_of(msgspec.json.decode(json.dumps(document), type=WireEvent)) is None


@pytest.mark.parametrize(
    "field",
    [
        "eventTime",
        "firstTimestamp",
        "lastTimestamp",
        "deprecatedFirstTimestamp",
        "deprecatedLastTimestamp",
        "series",
        "creationTimestamp",
    ],
)
def test_the_newest_of_an_events_times_counts(field):
    """Else an Event that is told again looks as old as its first telling."""
    others = {"eventTime": T1, "firstTimestamp": T1, "lastTimestamp": None}
    document = event("a") | others
    document["metadata"]["creationTimestamp"] = T1
    if field == "creationTimestamp":
        document["metadata"][field] = T2
    else:
        document[field] = {"lastObservedTime": T2} if field == "series" else T2
    assert event_of(msgspec.json.decode(json.dumps(document), type=WireEvent)).time == AT2


def test_an_event_without_a_time_has_none():
    """Else one odd Event ends the sweep."""
    document = event("a") | {"lastTimestamp": None}
    assert event_of(msgspec.json.decode(json.dumps(document), type=WireEvent)).time is None


def test_events_of_both_apis_are_read():
    """Else evidence written by newer components is not seen."""
    old = msgspec.json.decode(json.dumps(event("a", reason="OOMKilling")), type=WireEvent)
    new = {
        "metadata": {"name": "x", "namespace": "shop"},
        "regarding": {"kind": "Pod", "namespace": "shop", "name": "a"},
        "reason": "OOMKilling",
        "note": "OOMKilling a",
        "eventTime": "2026-11-24T00:00:00.000000Z",
    }
    assert event_of(old) == event_of(msgspec.json.decode(json.dumps(new), type=WireEvent))


def test_an_event_about_another_kind_is_no_evidence():
    """Else a Job of that name is taken for a pod."""
    about = msgspec.json.decode(json.dumps(event("a", kind="Job")), type=WireEvent)
    assert event_of(about) is None


# --- what may be missing ---------------------------------------------------------------------


def whole_status(name: str) -> dict:
    return {
        "name": name,
        "restartCount": 1,
        "state": {"terminated": {"startedAt": T1, "finishedAt": T2, "exitCode": 1, "reason": "E"}},
        "lastState": {"terminated": {"startedAt": T1, "finishedAt": T2}},
    }


WAITING = {"state": {"running": None, "waiting": {"reason": "W"}}, "lastState": OOM}
WHOLE_POD = {
    "metadata": {
        "name": "p",
        "namespace": "shop",
        "uid": "1",
        "generateName": "p-",
        "creationTimestamp": T1,
        "deletionTimestamp": T2,
        "labels": {"pod-template-hash": "5d4f"},
        "ownerReferences": [{"kind": "Job", "name": "p", "controller": True}],
    },
    "spec": {
        "containers": [{"name": "a", "restartPolicy": "Always"}, {"name": "w"}],
        "initContainers": [{"name": "b", "restartPolicy": "Always"}],
        "ephemeralContainers": [{"name": "c"}],
        "nodeName": "worker-1",
        "hostname": "h",
        "hostnameOverride": "o",
        "setHostnameAsFQDN": True,
        "hostNetwork": True,
        "runtimeClassName": "kata",
    },
    "status": {
        "phase": "Running",
        "reason": "R",
        "message": "M",
        "hostIP": "10.0.0.1",
        "hostIPs": [{"ip": "10.0.0.2"}],
        "containerStatuses": [
            whole_status("a"),
            WAITING | {"name": "w"},
            {"name": "r", "state": {"running": {"startedAt": T1}}},
        ],
        "initContainerStatuses": [whole_status("b")],
        "ephemeralContainerStatuses": [whole_status("c")],
    },
}
WHOLE_NODE = {
    "metadata": {"name": "n", "labels": {"kubernetes.io/hostname": "h"}},
    "status": {
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "lastTransitionTime": T1,
                "lastHeartbeatTime": T2,
            }
        ],
        "addresses": [{"address": "10.0.0.1"}],
    },
}
WHOLE_EVENT = {
    "metadata": {"name": "e", "namespace": "shop", "creationTimestamp": T1},
    "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "a"},
    "regarding": {"kind": "Pod", "namespace": "shop", "name": "a"},
    "reason": "R",
    "message": "M",
    "note": "N",
    "eventTime": T1,
    "firstTimestamp": T1,
    "lastTimestamp": T1,
    "deprecatedFirstTimestamp": T1,
    "deprecatedLastTimestamp": T1,
    "series": {"lastObservedTime": T2},
}
WIRES = {
    "pod": (WHOLE_POD, WirePod, pod_of),
    "node": (WHOLE_NODE, WireNode, node_of),
    "event": (WHOLE_EVENT, WireEvent, event_of),
}
NEVER_NULL = {"name", "namespace", "uid", "generateName", "kind", "address", "ip", "restartCount"}
"""Plain strings and numbers of the API, which no server sends as null."""
NEEDED = {"metadata", "spec"}
IDENTITY = {
    "pod": ("name", "namespace", "uid"),
    "node": ("name",),
    "event": ("name",),
}
"""Of `metadata`: what does not say who it is could be anybody's."""


def places(document: object, path: tuple = ()) -> list[tuple]:
    """The path of every field in a document."""
    found = []
    pairs = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in pairs:
        if isinstance(document, dict):
            found.append((*path, key))
        if isinstance(value, (dict, list)):
            found += places(value, (*path, key))
    return found


def without(document: dict, path: tuple, *, null: bool = False) -> dict:
    """The document without one field, or with null there."""
    changed = copy.deepcopy(document)
    *way, last = path
    inner = changed
    for step in way:
        inner = inner[step]
    if null:
        inner[last] = None
    else:
        del inner[last]
    return changed


def read(kind: str, document: dict) -> object:
    _, wire, decode = WIRES[kind]
    return decode(msgspec.json.decode(json.dumps(document), type=wire))


def may_be_null(path: tuple) -> bool:
    condition = path[-3:-2] == ("conditions",) and path[-1] in ("type", "status")
    return not (path[-1] in NEVER_NULL | NEEDED or "labels" in path[:-1] or condition)


@pytest.mark.parametrize(
    ("kind", "path"),
    [(kind, path) for kind in WIRES for path in places(WIRES[kind][0]) if may_be_null(path)],
    ids=str,
)
def test_a_null_anywhere_is_as_good_as_absent(kind, path):
    """Else one null of a Go server, in a place where nobody saw one yet, ends the sweep."""
    document = WIRES[kind][0]
    assert read(kind, without(document, path, null=True)) == read(kind, without(document, path))


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (kind, path)
        for kind in WIRES
        for path in places(WIRES[kind][0])
        if path[-1] not in NEEDED
        and not ("ontainer" in str(path) and path[-1] == "name")
        and not (path[0] == "metadata" and path[1:] in {(each,) for each in IDENTITY[kind]})
    ],
    ids=str,
)
def test_a_field_may_be_missing(kind, path):
    """Else an object that some other server, or an older one, leaves a field out of is refused."""
    read(kind, without(WIRES[kind][0], path))


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in IDENTITY.items() for name in names]
)
def test_what_does_not_say_who_it_is_makes_no_list(kind, name):
    """Else a pod without a name, which may be the holder, is looked for and not found."""
    for document in (
        without(WIRES[kind][0], ("metadata", name)),
        without(WIRES[kind][0], ("metadata", name), null=True),
        WIRES[kind][0] | {"metadata": WIRES[kind][0]["metadata"] | {name: ""}},
    ):
        with pytest.raises(msgspec.ValidationError):
            read(kind, document)


def test_what_is_missing_has_no_value():
    """Else a field that is left out is taken for one with some value."""
    bare_pod = {
        "metadata": {"name": "p", "namespace": "shop", "uid": "1", "ownerReferences": [{}]},
        "spec": {},
        "status": {"hostIPs": [{}], "hostIP": "10.0.0.1"},
    }
    assert read("pod", bare_pod) == Pod(
        "shop", "p", "1", owners=(OwnerReference("", ""),), host_addresses=("10.0.0.1",)
    )
    bare = {"metadata": {"name": "n"}, "status": {"conditions": [{}], "addresses": [{}]}}
    assert read("node", bare) == Node("n", ready=False)
    ready = {"metadata": {"name": "n"}, "status": {"conditions": [{"type": "Ready"}]}}
    assert read("node", ready) == Node("n", ready=False)
    about = {"kind": "Pod", "name": "a"}
    assert read("event", {"metadata": {"name": "e"}, "regarding": about}) == PodEvent("", "a")
    assert read("event", {"metadata": {"name": "e"}, "regarding": {"name": "a"}}) is None


def test_the_one_address_of_older_servers_counts():
    """Else a hostNetwork pod of an older cluster does not carry its Node's address."""
    document = pod("x")
    document["status"]["hostIP"] = "10.0.0.1"
    assert decoded(document).host_addresses == ("10.0.0.1",)
