"""A cluster out of a file: what may be concluded from it, and which files are refused."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from janitor.cluster.errors import BadClusterFile
from janitor.cluster.file import FileCluster
from tests.apiserver import event, node, pod

UTC = dt.UTC
NOW = dt.datetime(2026, 11, 25, tzinfo=UTC)
MADE = dt.datetime(2026, 11, 24, 6, tzinfo=UTC)
BEAT = "2026-11-24T06:00:00Z"
ALL = {"namespaces": None, "nodes": True}
COMMAND = "kubectl get pods,nodes -A -o json"


def whole(*more: dict) -> list[dict]:
    return [
        pod("a", namespace="shop", started="2026-11-24T05:00:00Z"),
        pod("b", namespace="media"),
        node("worker-1", heartbeat=BEAT),
        *more,
    ]


def document(items: list[dict], kind: str = "List") -> bytes:
    return json.dumps({"apiVersion": "v1", "kind": kind, "metadata": {}, "items": items}).encode()


@pytest.fixture
def cluster(tmp_path):
    def build(content: list[dict] | bytes, observed_at=None, now=NOW) -> FileCluster:
        path = tmp_path / "cluster.json"
        path.write_bytes(content if isinstance(content, bytes) else document(content))
        return FileCluster(path, observed_at=observed_at, clock=lambda: now)

    return build


def test_a_whole_file_is_a_whole_observation(cluster):
    """Else nobody can judge without an API."""
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "left-out"}}
    seen = cluster(whole(event("gone-1"), job)).observe(**ALL)
    assert seen.doubt is None
    assert [each.name for each in seen.pods] == ["a", "b"]
    assert [each.name for each in seen.nodes] == ["worker-1"]
    assert [each.pod for each in seen.events] == ["gone-1"]
    assert (seen.namespaces, seen.nodes_denied) == (None, None)


def test_a_pod_list_of_the_api_is_read_too(cluster):
    """Else `kubectl get --raw` looks like an empty cluster."""
    items = [pod("a"), pod("b", namespace="media")]
    for each in items:
        del each["kind"], each["apiVersion"]
    seen = cluster(document(items, "PodList")).observe(namespaces=None, nodes=False)
    assert (seen.doubt, len(seen.pods)) == (None, 2)


def test_it_has_no_clock_to_compare(cluster):
    """Else judging by a file needs a server."""
    assert cluster(whole()).check_clock(dt.timedelta(seconds=1)) is None


# --- its time --------------------------------------------------------------------------------


def test_without_a_time_the_newest_inside_is_taken(cluster):
    """Else an old file is judged as if it were of now."""
    file = cluster(whole())
    assert file.now() == MADE
    assert file.observe(**ALL).taken == MADE


LATER = "2026-11-24T06:30:00Z"
NAMED = {"name": "c", "namespace": "media", "uid": "3"}


def newer(place: str) -> dict:
    """A pod, Node or Event in which one time is the newest of the file."""
    state = {"running": {"startedAt": LATER}}
    ended = {"terminated": {"finishedAt": LATER, "exitCode": 0}}
    made = pod("c", namespace="media")
    match place:
        case "pod":
            made["metadata"]["creationTimestamp"] = LATER
        case "node":
            made = node("worker-2", heartbeat=BEAT)
            made["metadata"]["creationTimestamp"] = LATER
        case "second condition":
            made = node("worker-2", heartbeat=BEAT)
            made["status"]["conditions"].append({"type": "X", "lastHeartbeatTime": LATER})
        case "event":
            made = event("gone-1") | {"lastTimestamp": LATER}
        case "ended":
            made["status"]["containerStatuses"] = [{"name": "c", "state": ended}]
        case "second container":
            made["status"]["containerStatuses"].append({"name": "c", "state": state})
        case _:
            made["status"][place] = [{"name": "c", "state": state}]
    return made


@pytest.mark.parametrize(
    "place",
    [
        "pod",
        "node",
        "second condition",
        "event",
        "ended",
        "second container",
        "containerStatuses",
        "initContainerStatuses",
        "ephemeralContainerStatuses",
    ],
)
def test_the_newest_time_of_anything_inside_counts(cluster, place):
    """Else the file looks older than it is, and what began since is judged by an older time."""
    moment = dt.datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
    assert cluster(whole(newer(place))).now() == moment


def test_what_is_left_out_has_no_time(cluster):
    """Else a Job, or whatever else kubectl was asked for, makes the file younger."""
    job = {"kind": "Job", "metadata": {"name": "x", "creationTimestamp": LATER}}
    assert cluster(whole(job, {"metadata": {"creationTimestamp": LATER}})).now() == MADE


@pytest.mark.parametrize(
    "bare",
    [
        {"kind": "Pod", "metadata": NAMED, "spec": {}},
        {"kind": "Pod", "metadata": NAMED, "spec": {}, "status": {}},
        {
            "kind": "Pod",
            "metadata": NAMED,
            "spec": {},
            "status": {"containerStatuses": [{"name": "c"}, {"name": "d", "state": {}}]},
        },
        {"kind": "Node", "metadata": {"name": "worker-2"}},
        {"kind": "Node", "metadata": {"name": "worker-2"}, "status": {"conditions": None}},
        {"kind": "Event", "metadata": {"name": "e"}},
    ],
)
def test_what_has_no_time_is_read_all_the_same(cluster, bare):
    """Else one pod that is not scheduled yet ends the command in a traceback."""
    assert cluster(whole(bare)).now() == MADE
    assert cluster([bare, *whole()]).now() == MADE


def test_the_files_own_time_stamps_do_not_count(cluster, tmp_path):
    """Else copying the file makes it younger."""
    file = cluster(whole())
    (tmp_path / "cluster.json").touch()
    assert file.now() == MADE


def test_the_end_of_a_grace_period_does_not_count(cluster):
    """Else a pod that is being deleted puts the file into the future."""
    dying = pod("c")
    dying["metadata"]["deletionTimestamp"] = "2026-11-24T09:00:00Z"
    assert cluster(whole(dying)).now() == MADE


@pytest.mark.parametrize("later", ["2026-11-24T07:00:00Z", "2026-11-24T08:00:00+01:00"])
def test_the_time_that_is_said_is_taken(cluster, later):
    """Else a file without heartbeats cannot be judged by its true time."""
    items = [each for each in whole() if each["kind"] != "Node"]
    said = dt.datetime.fromisoformat(later)
    assert cluster(items, observed_at=said).now() == dt.datetime(2026, 11, 24, 7, tzinfo=UTC)


EAST = dt.timezone(dt.timedelta(hours=9))
FIVE_MINUTES = dt.timedelta(minutes=5)
SECOND = dt.timedelta(seconds=1)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (dt.datetime(2026, 11, 24, 6), "zone"),
        (NOW + SECOND, "2026-11-25T00:00:01Z has not come yet"),
        ((NOW + SECOND).astimezone(EAST), "2026-11-25T00:00:01Z has not come yet"),
        (MADE - FIVE_MINUTES - SECOND, "05:54:59Z: there is 2026-11-24T06:00:00Z in it"),
        (MADE - dt.timedelta(hours=1), "made after"),
    ],
)
def test_a_time_that_cannot_be_is_refused(cluster, said, says):
    """Else ages are wrong by hours, and a lock is removed too early."""
    with pytest.raises(BadClusterFile, match=says):
        cluster(whole(), observed_at=said)


@pytest.mark.parametrize("said", [NOW, MADE, MADE - FIVE_MINUTES])
def test_a_time_that_can_just_be_is_taken(cluster, said):
    """Else a file that was made in this second, or by a clock a little behind, is refused."""
    assert cluster(whole(), observed_at=said).now() == said


@pytest.mark.parametrize("early", [FIVE_MINUTES + SECOND, dt.timedelta(hours=1)])
def test_a_newest_time_in_the_future_is_refused(cluster, early):
    """Else one Node's wrong clock ages every lock."""
    with pytest.raises(BadClusterFile, match=r"2026-11-24T06:00:00Z, has not.*--observed-at"):
        cluster(whole(), now=MADE - early)


def test_a_newest_time_that_is_a_little_ahead_is_cut_to_now(cluster):
    """Else a file made and read within seconds is refused."""
    for early in (dt.timedelta(seconds=20), FIVE_MINUTES):
        assert cluster(whole(), now=MADE - early).now() == MADE - early


def test_a_time_long_after_the_last_heartbeat_is_a_doubt(cluster):
    """Else an old file with a new date makes whatever came in between look absent."""
    half = MADE + dt.timedelta(minutes=30)
    assert cluster(whole(), observed_at=half).observe(**ALL).doubt is None
    seen = cluster(whole(), observed_at=half + SECOND).observe(**ALL)
    assert "--observed-at" in seen.doubt


@pytest.mark.parametrize("turned", [1, -1])
def test_the_newest_heartbeat_of_any_node_counts(cluster, turned):
    """Else one Node that is away makes every file look old."""
    away = node("worker-2", ready="Unknown", heartbeat="2026-11-24T01:00:00Z")
    items = [*whole()[:2], *(away, node("worker-1", heartbeat=BEAT))[::turned]]
    assert cluster(items, observed_at=MADE + dt.timedelta(minutes=20)).observe(**ALL).doubt is None


def test_no_time_at_all_is_refused(cluster):
    """Else ages are measured from nowhere."""
    bare = {"kind": "Pod", "metadata": {"name": "a", "namespace": "b", "uid": "c"}, "spec": {}}
    with pytest.raises(BadClusterFile, match="--observed-at"):
        cluster([bare])


# --- what may not be concluded ---------------------------------------------------------------


@pytest.mark.parametrize("items", [[], [pod("a", phase="Succeeded")], [node(heartbeat=BEAT)]])
def test_no_running_pod_is_a_doubt(cluster, items):
    """Else an empty file makes every lock stale."""
    assert "Running" in cluster(items, observed_at=MADE).observe(**ALL).doubt


def test_one_running_pod_and_one_ready_node_are_enough(cluster):
    """Else a cluster with one Job that is done, or one Node that is away, cannot be judged."""
    items = [
        pod("done", phase="Succeeded"),
        pod("b", namespace="media"),
        node("worker-2", ready="Unknown", heartbeat=BEAT),
        node("worker-1", heartbeat=BEAT),
    ]
    assert cluster(items).observe(**ALL).doubt is None


def test_a_file_without_nodes_says_so(cluster):
    """Else hosts look absent, or statuses that nobody vouches for are believed."""
    items = [each for each in whole() if each["kind"] != "Node"]
    seen = cluster(items).observe(**ALL)
    assert (seen.doubt, seen.nodes) == (None, None)
    assert COMMAND in seen.nodes_denied
    assert cluster(items).observe(namespaces=None, nodes=False).nodes_denied is None


def test_no_ready_node_is_a_doubt(cluster):
    """Else the file of a cluster that is down is judged by."""
    items = [*whole()[:2], node(ready="Unknown", heartbeat=BEAT)]
    assert "Ready" in cluster(items).observe(**ALL).doubt


def test_a_file_of_one_namespace_is_a_doubt_for_the_others(cluster):
    """Else a file made with -n makes every other namespace's holder look absent."""
    file = cluster([pod("a", namespace="shop"), node(heartbeat=BEAT)])
    assert "-A" in file.observe(**ALL).doubt
    assert "-A" in file.observe(namespaces=frozenset({"shop", "media"}), nodes=True).doubt
    assert file.observe(namespaces=frozenset({"shop"}), nodes=True).doubt is None


def test_only_what_was_asked_for_is_shown(cluster):
    """Else a file shows more than the API would, and other verdicts come of it."""
    items = whole(event("gone-1", namespace="media"), event("gone-2"), event("x", kind="Job"))
    seen = cluster(items).observe(namespaces=frozenset({"shop"}), nodes=False)
    assert [each.name for each in seen.pods] == ["a"]
    assert [each.pod for each in seen.events] == ["gone-2"]
    assert (seen.nodes, seen.namespaces) == (None, {"shop"})
    assert [each.pod for each in cluster(items).observe(**ALL).events] == ["gone-1", "gone-2"]


# --- files that are none ---------------------------------------------------------------------

GOOD = document(whole())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (GOOD[: len(GOOD) // 2], "ends in the middle"),
        (b"apiVersion: v1\nitems:\n- apiVersion: v1\n", "YAML"),
        (b"items:\n- apiVersion: v1\n", "YAML"),
        (b"kind: List\n", "YAML"),
        (b"---\napiVersion: v1\n", "YAML"),
        (b"\xff\xfe{\x00x", "not what kubectl writes|ends in the middle"),
        (b'{"kind": "Li\xffst"}', "not what kubectl writes"),
        (GOOD.replace(b'"worker-1"', b'"w\xff"', 1), r"items\[0\]"),
        (b"NAMESPACE   NAME   READY\nshop  a  1/1\n", "table"),
        (b"No resources found\n", "table"),
        (b"\x1f\x8b\x08\x00", "no JSON"),
        (b"[]", "no JSON"),
        (GOOD + b"\n" + GOOD, "more than one"),
        (b'{"kind": "List", "items": 3}', "not what kubectl writes"),
        (b'{"kind": "List"}', "no list"),
        (b'{"kind": "List", "items": null}', "no list"),
        (b'{"items": []}', "no list"),
        (json.dumps(pod("a")).encode(), "no list"),
        (document([node()], "NodeList"), "no list"),
        (document([{"kind": "Pod", "metadata": 3}]), r"items\[0\]"),
        (document([*whole(), {"kind": "Node"}]), r"items\[3\]"),
        (b'{"kind":"List","metadata":{"continue":"abc"},"items":[]}', "first page"),
        (b'{"kind":"List","items":[' + b"[" * 100_000, "make it with"),
    ],
)
def test_a_file_that_is_none_says_what_it_is_and_what_to_type(cluster, content, says):
    """Else people get a traceback, or an empty cluster."""
    with pytest.raises(BadClusterFile, match=says) as raised:
        cluster(content)
    assert COMMAND in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_what_powershell_writes_is_read(cluster, encoding):
    """Else Windows users are told that kubectl's JSON is none."""
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    assert cluster(mark + GOOD.decode().encode(encoding)).now() == MADE


def test_a_list_without_metadata_is_read(cluster):
    """Else a file that a script made is a traceback."""
    items = json.dumps(whole()).encode()
    assert cluster(b'{"kind": "List", "metadata": null, "items": ' + items + b"}").now() == MADE


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    """Else a wrong file fills the memory."""
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate((1 << 30) + 1)
    with pytest.raises(BadClusterFile, match="is larger than 1 GiB"):
        FileCluster(path, observed_at=None, clock=lambda: NOW)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    """Else a typing mistake is a traceback."""
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(BadClusterFile, match="cannot be read"):
            FileCluster(Path(path), observed_at=None, clock=lambda: NOW)


def test_judging_by_a_file_does_not_load_the_official_client():
    """Else every use of --cluster waits half a second for nothing."""
    import subprocess
    import sys

    code = (
        "import sys, janitor.cluster.file, janitor.cluster.observe, janitor.cluster.connect; "
        "print('kubernetes' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
