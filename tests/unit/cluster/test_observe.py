"""What becomes of a look at the cluster, with every fault a server can have."""

from __future__ import annotations

import datetime as dt
import time

import pytest

from janitor.cluster.exchange import Answer, Limits
from janitor.cluster.observe import ApiCluster, _date
from tests.apiserver import event, node, pod
from tests.unit.cluster.conftest import JANITOR, limits_for

ONE = {"namespaces": frozenset({"shop"}), "nodes": False}
ALL = {"namespaces": None, "nodes": True}
PODS = "/api/v1/pods"
NODES = "/api/v1/nodes"


def many(count: int) -> list[dict]:
    return [pod(f"app-{index:05}", namespace="apps") for index in range(count)]


def test_a_whole_cluster_is_seen(server, cluster_of):
    """Else nothing is ever judged."""
    server.events = [event("gone-1"), event("shop", kind="Namespace")]
    seen = cluster_of(server).observe(**ALL)
    assert seen.doubt is None
    assert [each.name for each in seen.pods] == ["janitor-1", "shop-db-backup-x2x9k"]
    assert [(each.name, each.ready) for each in seen.nodes] == [("worker-1", True)]
    assert [(each.namespace, each.pod) for each in seen.events] == [("shop", "gone-1")]
    assert (seen.namespaces, seen.denied, seen.nodes_denied) == (None, {}, None)
    assert seen.cluster == cluster_of(server).observe(**ALL).cluster
    assert seen.cluster


def test_every_page_is_read(server, cluster_of):
    """Else a holder on the second page looks absent."""
    server.pods += many(1_200)
    seen = cluster_of(server).observe(**ALL)
    assert seen.doubt is None
    assert len(seen.pods) == 1_202
    pages = [each for each in server.requests if each.path == PODS]
    assert [each.query.get("limit") for each in pages] == ["500"] * 3
    assert all("resourceVersion" not in each.query for each in pages)


def test_nodes_are_read_before_the_pods_whose_statuses_they_vouch_for(server, cluster_of):
    """Else a Node that comes back in between vouches for statuses of the time before."""
    cluster_of(server).observe(**ALL)
    own = "/api/v1/namespaces/janitor/pods"
    assert [each.path for each in server.requests] == [own, NODES, "/api/v1/events", PODS]
    assert server.requests[0].query["fieldSelector"] == "metadata.name=janitor-1"


@pytest.mark.parametrize(
    ("path", "namespaces"),
    [
        (NODES, None),
        (PODS, None),
        ("/api/v1/namespaces/shop/pods", frozenset({"shop"})),
    ],
)
def test_a_list_older_than_the_janitors_own_pod_is_a_doubt(server, cluster_of, path, namespaces):
    """Else a holder that came since then looks absent, or a lost Node looks Ready."""

    def of_yesterday(answer):
        answer["metadata"]["resourceVersion"] = "7"

    server.fail_next(path, edit=of_yesterday)
    seen = cluster_of(server).observe(namespaces=namespaces, nodes=True)
    assert "older state" in seen.doubt
    assert cluster_of(server).observe(namespaces=namespaces, nodes=True).doubt is None


def test_versions_that_are_no_numbers_are_not_compared(server, cluster_of):
    """Else an API server that counts in another way can never be judged by."""

    def odd(answer):
        answer["metadata"]["resourceVersion"] = "a7f"

    server.fail_next(NODES, edit=odd)
    assert cluster_of(server).observe(**ALL).doubt is None


def test_taken_is_the_time_of_the_last_page(server, cluster_of):
    """Else an observation looks younger or older than it is when locks are removed by it."""
    before = dt.datetime.now(dt.UTC)
    seen = cluster_of(server).observe(**ALL)
    assert before <= seen.taken <= dt.datetime.now(dt.UTC)


def test_taken_is_the_time_of_the_last_page_and_not_of_the_end(server, client_of):
    """Else the seconds between the last page and the end make an observation younger."""
    later = dt.datetime(2036, 1, 1, tzinfo=dt.UTC)
    cluster = ApiCluster(client_of(server), clock=lambda: later, own_pod=JANITOR)
    assert cluster.observe(**ALL).taken < later
    server.fail_next(PODS, status=401)
    assert cluster.observe(**ALL).taken == later


def test_without_nodes_none_are_asked_for(server, cluster_of):
    """Else a janitor without that right is refused something that it does not need."""
    seen = cluster_of(server).observe(namespaces=None, nodes=False)
    assert (seen.nodes, seen.nodes_denied, seen.doubt) == (None, None, None)
    assert all(each.path != NODES for each in server.requests)


def test_only_rights_of_the_manifests_are_used(server, cluster_of):
    """Else the janitor needs more than k8s/ grants."""
    cluster_of(server).observe(**ALL)
    cluster_of(server).observe(namespaces=frozenset({"shop"}), nodes=True)
    used = {(each.verb, each.path.rsplit("/", 1)[-1]) for each in server.requests}
    assert used == {("list", "pods"), ("list", "nodes"), ("list", "events")}


# --- namespaces ------------------------------------------------------------------------------


def test_declared_namespaces_and_its_own_are_listed_one_by_one(server, cluster_of):
    """Else a janitor without cluster-wide rights sees nothing, or has no witness."""
    server.deny("list", "pods")
    server.pods.append(pod("other", namespace="elsewhere"))
    seen = cluster_of(server).observe(namespaces=frozenset({"shop"}), nodes=False)
    assert seen.doubt is None
    assert seen.namespaces == {"shop", "janitor"}
    assert {each.namespace for each in seen.pods} == {"shop", "janitor"}


def test_namespaces_are_listed_in_their_order(server, cluster_of):
    """Else two sweeps that fail tell two different namespaces."""
    names = ["a", "b", "janitor", "m", "n", "z"]
    cluster_of(server).observe(namespaces=frozenset(names), nodes=False)
    for kind in ("events", "pods"):
        asked = [each for each in server.requests if each.path.endswith(kind)]
        whole = [each.path for each in asked if "metadata.name" not in str(each.query)]
        assert whole == [f"/api/v1/namespaces/{name}/{kind}" for name in names]


def test_a_refused_namespace_is_named_and_the_others_are_judged(server, cluster_of):
    """Else one missing right stops every repository, or its holders look absent."""
    server.deny("list", "pods", "media")
    seen = cluster_of(server).observe(namespaces=frozenset({"shop", "media"}), nodes=False)
    assert seen.doubt is None
    assert seen.namespaces == {"shop", "janitor"}
    assert list(seen.denied) == ["media"]
    assert "list pods in namespace media" in seen.denied["media"]
    assert "k8s/components/namespaced/holders grants it" in seen.denied["media"]


def test_refused_in_its_own_namespace_is_a_doubt(server, cluster_of):
    """Else it judges without a witness."""
    server.deny("list", "pods", "janitor")
    seen = cluster_of(server).observe(namespaces=frozenset({"shop"}), nodes=False)
    assert "list pods in namespace janitor" in seen.doubt
    assert "k8s/components/namespaced " in seen.doubt


def test_refused_everywhere_is_a_doubt_that_names_the_mend(server, cluster_of):
    """Else every holder of the cluster looks absent."""
    server.deny("list", "pods")
    seen = cluster_of(server).observe(**ALL)
    assert "list pods in all namespaces (403); k8s/base grants it" in seen.doubt


def test_a_namespace_that_answers_404_is_a_doubt(server, cluster_of):
    """Else an API that is not there looks like an empty namespace."""
    server.fail_next("/api/v1/namespaces/shop/pods", status=404)
    assert "404" in cluster_of(server).observe(namespaces=frozenset({"shop"}), nodes=False).doubt


# --- Nodes and Events ------------------------------------------------------------------------


def test_refused_nodes_are_named_and_are_no_doubt(server, cluster_of):
    """Else a janitor without the component `nodes` judges nothing, or hosts look absent."""
    server.deny("list", "nodes")
    seen = cluster_of(server).observe(**ALL)
    assert (seen.doubt, seen.nodes) == (None, None)
    assert "list nodes (403); k8s/components/nodes grants it" in seen.nodes_denied


@pytest.mark.parametrize("status", [401, 404, 500])
def test_nodes_that_fail_otherwise_are_a_doubt(server, cluster_of, status):
    """Else a failing server looks like a cluster without Nodes."""
    server.fail_next(NODES, status=status, times=99)
    assert str(status) in cluster_of(server).observe(**ALL).doubt


@pytest.mark.parametrize("nodes", [[], [node(ready="Unknown")], [node(ready="False")]])
def test_no_ready_node_is_a_doubt(server, cluster_of, nodes):
    """Else statuses that nobody vouches for are believed."""
    server.nodes = nodes
    assert "Ready" in cluster_of(server).observe(**ALL).doubt


@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 500}, {"hang": True}])
def test_events_that_cannot_be_read_are_no_doubt(server, cluster_of, sleeps, fault):
    """Else optional evidence stops the sweep or holds it up."""
    server.events = [event("gone-1")]
    server.fail_next("/api/v1/events", **fault)
    seen = cluster_of(server, limits=limits_for(fault)).observe(**ALL)
    assert (seen.doubt, seen.events) == (None, ())
    assert sleeps == []


EVENTS = "/api/v1/events"


def events_in(namespace: str, count: int) -> list[dict]:
    return [event(f"pod-{index}", namespace=namespace) for index in range(count)]


def asked_for_events(server) -> list[str]:
    """The path of each request for Events, one for each page."""
    return [each.path for each in server.requests if each.path.endswith("/events")]


def test_events_are_bounded(server, cluster_of):
    """Else a cluster with a million Events fills the memory."""
    server.events = events_in("shop", 11_000)
    seen = cluster_of(server).observe(**ALL)
    assert len(seen.events) == 10_000
    assert asked_for_events(server) == [EVENTS] * 20


def test_events_are_bounded_over_all_namespaces(server, cluster_of):
    """Else ten thousand Events of each namespace fill the memory."""
    names = frozenset({"media", "shop"})
    path = "/api/v1/namespaces/{}/events"
    server.events = events_in("janitor", 600) + events_in("media", 11_000) + events_in("shop", 10)
    assert len(cluster_of(server).observe(namespaces=names, nodes=False).events) == 10_000
    pages = [*[path.format("janitor")] * 2, *[path.format("media")] * 19]
    assert asked_for_events(server) == pages
    server.requests.clear()
    server.events = events_in("media", 10_000) + events_in("shop", 10)
    assert len(cluster_of(server).observe(namespaces=names, nodes=False).events) == 10_000
    pages = [path.format("janitor"), *[path.format("media")] * 20]
    assert asked_for_events(server) == pages


@pytest.mark.parametrize("names", [None, frozenset({"shop", "media"})])
def test_only_events_about_pods_are_asked_for(server, cluster_of, names):
    """Else the Events of everything else are read, and use up the bound."""
    server.events = [*events_in("media", 2), *events_in("shop", 1), event("x", kind="Job")]
    seen = cluster_of(server).observe(namespaces=names, nodes=False)
    assert sorted(each.namespace for each in seen.events) == ["media", "media", "shop"]
    asked = [each.query for each in server.requests if each.path.endswith("/events")]
    assert {each["fieldSelector"] for each in asked} == {"involvedObject.kind=Pod"}


def test_events_that_are_refused_in_one_namespace_are_read_in_the_others(server, cluster_of):
    """Else one missing right takes the evidence from all."""
    server.events = [*events_in("media", 1), *events_in("shop", 1)]
    server.deny("list", "events", "media")
    names = frozenset({"shop", "media"})
    seen = cluster_of(server).observe(namespaces=names, nodes=False)
    assert (seen.doubt, [each.namespace for each in seen.events]) == (None, ["shop"])


def test_events_that_fail_in_one_namespace_are_not_asked_for_again(server, cluster_of, sleeps):
    """Else optional evidence from a server that is busy holds the sweep up."""
    server.fail_next("/api/v1/namespaces/janitor/events", status=503, times=9)
    seen = cluster_of(server).observe(namespaces=frozenset({"shop"}), nodes=False)
    assert (seen.doubt, sleeps) == (None, [])
    assert len(asked_for_events(server)) == 1


# --- the witness -----------------------------------------------------------------------------


def test_a_list_without_the_janitor_is_a_doubt(server, cluster_of):
    """Else the wrong cluster, or an empty answer, makes every lock stale."""
    server.pods = [pod("janitor-1", namespace="janitor", uid="another")]
    seen = cluster_of(server).observe(**ALL)
    assert "janitor/janitor-1" in seen.doubt
    assert JANITOR.uid in seen.doubt


OWN = "/api/v1/namespaces/janitor/pods"
"""Where the janitor looks for its own pod."""


def without_the_janitor(page: dict) -> None:
    page["items"] = [item for item in page["items"] if item["metadata"]["uid"] != JANITOR.uid]


def another_before_the_janitor(page: dict) -> None:
    page["items"] = [pod("janitor-0", namespace="janitor", uid="another"), *page["items"]]


@pytest.mark.parametrize("path", [OWN, PODS])
def test_each_look_has_to_show_the_janitor(server, cluster_of, path):
    """Else the first look, or the list that is judged by, may be another cluster's or too old."""
    server.fail_next(path, edit=without_the_janitor)
    assert "janitor/janitor-1" in cluster_of(server).observe(**ALL).doubt


def test_the_janitor_need_not_be_the_first_of_its_name(server, cluster_of):
    """Else an earlier run's pod that is still there would stop every sweep."""
    server.fail_next(OWN, edit=another_before_the_janitor)
    assert cluster_of(server).observe(**ALL).doubt is None


def test_two_lists_of_one_moment_are_no_step_back(server, cluster_of):
    """Else a quiet cluster, in which nothing changes between two lists, is in doubt."""

    def at_the_same_moment(page: dict) -> None:
        page["metadata"]["resourceVersion"] = "4711"

    for path in (OWN, PODS, "/api/v1/nodes"):
        server.fail_next(path, edit=at_the_same_moment)
    assert cluster_of(server).observe(**ALL).doubt is None


@pytest.mark.parametrize(
    ("asked", "component"),
    [(ALL, "k8s/base grants"), (ONE, "k8s/components/namespaced grants")],
    ids=["everywhere", "one"],
)
def test_a_refused_look_at_itself_names_the_mend(server, cluster_of, asked, component):
    """Else somebody applies a component that does not grant it."""
    server.fail_next(OWN, status=403)
    assert component in cluster_of(server).observe(**asked).doubt


def test_a_right_that_goes_between_two_looks_is_a_doubt(server, cluster_of):
    """Else its own namespace is only out of sight, and the others are judged without a witness."""
    server.fail_next(OWN, status=403, after=1)
    seen = cluster_of(server).observe(**ONE)
    assert "list pods in namespace janitor" in seen.doubt
    assert "k8s/components/namespaced " in seen.doubt
    assert seen.denied == {}


def test_the_janitor_may_stand_anywhere_in_the_list(server, cluster_of):
    """Else a cluster whose names come before the janitor's is in doubt for ever."""
    server.pods.reverse()
    assert cluster_of(server).observe(**ALL).doubt is None


def test_the_janitor_itself_is_witness_enough(server, cluster_of):
    """Else a cluster that runs nothing but this Job, whose status lags, is in doubt."""
    server.pods = [pod("janitor-1", namespace="janitor", uid=JANITOR.uid, phase="Pending")]
    assert cluster_of(server).observe(**ALL).doubt is None


def test_outside_a_pod_one_running_pod_is_enough(server, cluster_of):
    """Else a cluster in which one Job is done cannot be judged from a terminal."""
    server.pods = [pod("done", phase="Succeeded"), pod("app"), pod("late", phase="Pending")]
    assert cluster_of(server, own_pod=None).observe(**ALL).doubt is None


def test_one_ready_node_is_enough(server, cluster_of):
    """Else one Node that is away stops every sweep."""
    server.nodes = [node("worker-1", ready="Unknown"), node("worker-2")]
    assert cluster_of(server).observe(**ALL).doubt is None


def test_outside_a_pod_a_cluster_without_a_running_pod_is_a_doubt(server, cluster_of):
    """Else an empty answer makes every lock stale."""
    server.pods = [pod("done", phase="Succeeded")]
    assert "Running" in cluster_of(server, own_pod=None).observe(**ALL).doubt


def test_outside_a_pod_a_namespace_may_be_empty(server, cluster_of):
    """Else a namespace whose backups are all done could never be judged from a terminal."""
    seen = cluster_of(server, own_pod=None).observe(namespaces=frozenset({"idle"}), nodes=False)
    assert (seen.doubt, seen.pods) == (None, ())


# --- pages that are no pages -----------------------------------------------------------------


def test_an_expired_token_begins_the_whole_list_anew(server, cluster_of):
    """Else a busy cluster cannot be listed, or two snapshots are mixed."""
    server.pods += many(600)
    server.fail_next(PODS, status=410, after=1)
    seen = cluster_of(server).observe(**ALL)
    assert seen.doubt is None
    assert len(seen.pods) == 602
    begun = [each for each in server.requests if each.path == PODS]
    assert ["continue" in each.query for each in begun] == [False, True, False, True]


def test_tokens_that_always_expire_end_in_a_doubt(server, cluster_of):
    """Else a sweep lists for ever."""
    server.pods += many(600)

    def expire(page: dict) -> dict:
        page["metadata"]["continue"] = "OTk5OjUwMA=="  # a snapshot that the server does not have
        return page

    server.fail_next(PODS, edit=expire, times=99)
    seen = cluster_of(server).observe(**ALL)
    assert "410" in seen.doubt
    assert len([each for each in server.requests if each.path == PODS]) <= 6


def set_kind(page):
    page["kind"] = "PodMetricsList"


def drop_items(page):
    del page["items"]


def drop_metadata(page):
    del page["metadata"]


def break_types(page):
    page["items"][0]["status"]["containerStatuses"] = "none"


def repeat_token(page):
    page["metadata"]["continue"] = "MTAwMTow"
    page["metadata"]["resourceVersion"] = "1"


def promise_more(page):
    page["metadata"]["remainingItemCount"] = 7


def become_status(page):
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 200}


def become_table(page):
    return {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "rows": []}


@pytest.mark.parametrize(
    "edit",
    [
        set_kind,
        drop_items,
        drop_metadata,
        break_types,
        repeat_token,
        promise_more,
        become_status,
        become_table,
    ],
)
def test_a_page_that_is_none_is_a_doubt(server, cluster_of, edit):
    """Else half a list is taken for a whole one, and what it lacks looks absent."""
    server.fail_next(PODS, edit=edit, times=99)
    seen = cluster_of(server).observe(**ALL)
    assert seen.doubt is not None
    assert "list pods" in seen.doubt


def test_a_page_of_another_snapshot_is_a_doubt(server, cluster_of):
    """Else a pod that moved between two snapshots is in neither page."""
    server.pods += many(600)

    def change(page: dict) -> None:
        page["metadata"]["resourceVersion"] = "7"

    server.fail_next(PODS, edit=change, after=1)
    assert "snapshot" in cluster_of(server).observe(**ALL).doubt


def test_items_that_were_announced_and_did_not_come_are_asked_for_again(server, cluster_of):
    """Else a short second page hides holders."""
    server.pods += many(600)

    def shorten(page: dict) -> None:
        page["items"] = page["items"][:-1]

    server.fail_next(PODS, edit=shorten, after=1)
    seen = cluster_of(server).observe(**ALL)
    assert seen.doubt is None
    assert len(seen.pods) == 602
    server.fail_next(PODS, edit=shorten, times=99)
    assert "announced" in cluster_of(server).observe(**ALL).doubt


@pytest.mark.parametrize(
    "body", [b"", b"{", b"<html>login</html>", b"[]", b"\xff\xfe{}", b"[" * 100_000]
)
def test_a_body_that_is_no_list_is_a_doubt(server, cluster_of, body):
    """Else a proxy's login page looks like an empty cluster, or ends in a traceback."""
    server.fail_next(PODS, body=body, times=99)
    assert "PodList" in cluster_of(server).observe(**ALL).doubt


def test_a_body_without_end_is_a_doubt(server, cluster_of):
    """Else an answer fills the memory."""
    small = Limits(connect=1, read=1, total=5, body=10_000)
    server.pods += many(100)
    assert "larger than" in cluster_of(server, limits=small).observe(**ALL).doubt


# --- servers that fail -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"status": 401}, "401"),
        ({"status": 400}, "400"),
        ({"status": 302, "headers": {"Location": "https://login.example.com/"}}, "302"),
        ({"status": 429}, "429"),
        ({"status": 500}, "500"),
        ({"status": 503}, "503"),
        ({"drop": True}, "broke"),
        ({"truncate": True}, "broke"),
        ({"hang": True}, "in time"),
        ({"drip_headers": True}, "within"),
        ({"drip_body": True}, "within"),
    ],
)
def test_a_server_that_fails_for_good_is_a_doubt(server, cluster_of, fault, says):
    """Else its failure looks like absence, or the sweep never ends."""
    server.fail_next(PODS, times=99, **fault)
    seen = cluster_of(server, limits=limits_for(fault)).observe(**ALL)
    assert seen.doubt is not None
    assert says in seen.doubt
    assert seen.doubt.count("\n") == 0


@pytest.mark.parametrize(
    "fault", [{"status": 429}, {"status": 500}, {"drop": True}, {"truncate": True}, {"hang": True}]
)
def test_a_server_that_fails_once_is_asked_again(server, cluster_of, sleeps, fault):
    """Else every hiccup of an API server costs a sweep."""
    server.fail_next(PODS, **fault)
    assert cluster_of(server, limits=limits_for(fault)).observe(**ALL).doubt is None
    assert len(sleeps) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_not_asked_again(server, cluster_of, sleeps, status):
    """Else a missing right is hammered for."""
    server.fail_next(PODS, status=status, times=99)
    cluster_of(server).observe(**ALL)
    assert sleeps == []
    assert len([each for each in server.requests if each.path == PODS]) == 1


@pytest.mark.parametrize(("asked", "slept"), [("7", 7.0), ("86400", 30.0)])
def test_retry_after_is_honoured_within_bounds(server, cluster_of, sleeps, asked, slept):
    """Else an overloaded server is pressed, or a wrong header stops the janitor for a day."""
    server.fail_next(PODS, status=429, headers={"Retry-After": asked})
    assert cluster_of(server).observe(**ALL).doubt is None
    assert sleeps == [slept]


def test_a_server_that_is_not_there_is_a_doubt(server, cluster_of):
    """Else the sweep ends in a traceback."""
    cluster = cluster_of(server)
    server.stop()
    assert "refuses connections" in cluster.observe(**ALL).doubt


def test_every_look_asks_anew(server, cluster_of):
    """Else the look before a removal is the old one."""
    cluster = cluster_of(server)
    first = cluster.observe(**ALL)
    server.pods.append(pod("late"))
    second = cluster.observe(**ALL)
    assert len(second.pods) == len(first.pods) + 1
    assert second.taken > first.taken


# --- clocks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("skew", [0, 250, -250])
def test_clocks_that_agree_are_no_doubt(server, cluster_of, skew):
    """Else every sweep on a normal cluster is in doubt."""
    server.date_skew = dt.timedelta(seconds=skew)
    assert cluster_of(server).check_clock(dt.timedelta(minutes=5)) is None
    assert [each.path for each in server.requests] == ["/version"]


@pytest.mark.parametrize("skew", [320, -320, 86_400])
def test_clocks_that_are_apart_are_a_doubt(server, cluster_of, skew):
    """Else ages are wrong by as much."""
    server.date_skew = dt.timedelta(seconds=skew)
    sentence = cluster_of(server).check_clock(dt.timedelta(minutes=5))
    assert "apart" in sentence
    assert "300 seconds" in sentence


def test_no_date_is_a_doubt(server, cluster_of):
    """Else a clock that was never compared is trusted."""
    server.sends_date = False
    assert "Date" in cluster_of(server).check_clock(dt.timedelta(minutes=5))


@pytest.mark.parametrize(
    "date", ["yesterday", "Tue, 99 Nov 2026 00:00:00 GMT", "", "Fri, 31 Dec 9999 23:59:59 -0100"]
)
def test_a_date_that_is_none_is_a_doubt(server, cluster_of, date):
    """Else a broken proxy ends the sweep in a traceback."""
    server.sends_date = False
    server.fail_next("/version", headers={"Date": date})
    assert "Date" in cluster_of(server).check_clock(dt.timedelta(minutes=5))


@pytest.mark.parametrize("fault", [{"status": 401}, {"status": 503}, {"hang": True}])
def test_no_answer_is_a_doubt_about_the_clock(server, cluster_of, fault):
    """Else a clock that was never compared is trusted."""
    server.fail_next("/version", times=99, **fault)
    doubt = cluster_of(server, limits=limits_for(fault)).check_clock(dt.timedelta(minutes=5))
    assert "get /version" in doubt


def test_a_refusal_to_compare_the_clocks_names_the_mend(server, cluster_of):
    """Else nobody knows which right is missing."""
    server.fail_next("/version", status=403)
    doubt = cluster_of(server).check_clock(dt.timedelta(minutes=5))
    assert "get /version (403); k8s/base grants it" in doubt


SENT = dt.datetime(2026, 11, 24, 1, 2, 3, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("date", "received", "apart"),
    [
        ("Tue, 24 Nov 2026 01:02:03 GMT", 0, 1),
        ("Tue, 24 Nov 2026 01:02:03 GMT", 5, 5),
        ("Tue, 24 Nov 2026 01:02:13 GMT", 0, 11),
        ("Tue, 24 Nov 2026 01:01:53 GMT", 2, 12),
        ("Tue, 24 Nov 2026 10:02:03 +0900", 0, 1),
        ("Tue, 24 Nov 2026 01:02:03 -0000", 0, 1),
    ],
)
def test_clocks_may_differ_by_so_much(date, received, apart):
    """Else a clock that may be apart by more than max_skew passes for one that agrees.

    The server looked at its clock at some time between sending and receiving, and cut it to the
    second.
    """

    class Client:
        def call(self, _: object) -> Answer:
            return Answer(b"", date, SENT, SENT + dt.timedelta(seconds=received))

    cluster = ApiCluster(Client(), clock=lambda: SENT)
    assert cluster.check_clock(dt.timedelta(seconds=apart)) is None
    said = cluster.check_clock(dt.timedelta(seconds=apart) - dt.timedelta(milliseconds=1))
    assert f"may be {apart} seconds apart" in said


def test_a_date_without_a_zone_is_utc_everywhere(monkeypatch):
    """Else a person's machine in Tokyo is nine hours from a server whose Date ends in -0000."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert _date("Tue, 24 Nov 2026 01:02:03 -0000") == SENT
    finally:
        monkeypatch.undo()
        time.tzset()


def test_now_is_the_clock_that_was_given(server, client_of):
    """Else ages are not those of the clock that was compared."""
    fixed = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
    assert ApiCluster(client_of(server), clock=lambda: fixed).now() == fixed


def test_the_limits_are_those_of_the_documents():
    """Else a request may hang for longer than the Job may run."""
    assert Limits() == Limits(
        connect=5.0,
        read=30.0,
        total=60.0,
        attempts=4,
        retrying=60.0,
        longest_wait=30.0,
        body=48 * 1024 * 1024,
    )
