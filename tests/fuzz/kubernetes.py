"""What an API server, or a file that kubectl wrote, may hold; and answers that are no HTTP."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from hypothesis import strategies as st

from janitor.cluster.client import Client
from janitor.cluster.errors import BadClusterFile
from janitor.cluster.exchange import Answer, Request
from janitor.cluster.file import FileCluster
from janitor.cluster.observe import ApiCluster, OwnPod
from janitor.judge import judge
from janitor.model import (
    HolderPattern,
    ListedLock,
    Observation,
    Policy,
    Repository,
    StoreClock,
)
from janitor.report.lines import one_line
from janitor.restic.lock import read_lock
from janitor.state import Remembered, State, nodes_for, see_nodes
from janitor.survey import see
from tests.forge import name_of
from tests.fuzz import seeds
from tests.fuzz.mutations import (
    ODD,
    Literal,
    Members,
    Tree,
    documents,
    paths,
    replaced,
    texts,
    tree_of,
    write,
)
from tests.fuzz.mutations import found as value_at
from tests.fuzz.sentences import check_sentence
from tests.fuzz.target import Target

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DATE = "Wed, 25 Nov 2026 12:00:00 GMT"
OWN_POD = OwnPod(namespace="janitor", name="janitor-1", uid="uid-of-the-janitor")
_LIMIT = 500
_STORED = seeds.sealed(json.dumps(seeds.LOCK).encode())
REPOSITORY = Repository("shop-db", holders=(HolderPattern("shop-*"),), namespaces=("shop",))


class FakeClient:
    """Gives these bodies to every request of their resource, one after another, then the last."""

    identity = "a"

    def __init__(self, date: str | None = DATE, **bodies: tuple[bytes, ...]) -> None:
        self._date = date
        self._bodies = {name: list(each) for name, each in bodies.items()}

    def call(self, request: Request) -> Answer:
        bodies = self._bodies[request.path.rpartition("/")[2]]
        body = bodies.pop(0) if len(bodies) > 1 else bodies[0]
        return Answer(body, date=self._date, sent=NOW, received=NOW)


def observed(**bodies: tuple[bytes, ...]) -> Observation:
    """One look at a cluster that answers so."""
    client = cast("Client", FakeClient(**bodies))
    cluster = ApiCluster(client, clock=lambda: NOW, own_pod=OWN_POD)
    return cluster.observe(namespaces=None, nodes=True)


def judged(observation: Observation) -> str:
    """The verdict about the lock of `seeds.HOST`, which is old on every clock."""
    content = read_lock(name_of(_STORED), _STORED, seeds.KEYS, 1)
    listed = ListedLock(name_of(_STORED), len(_STORED), None)
    entry = Remembered(NOW - timedelta(hours=7))
    state = State()
    if observation.nodes is not None and observation.doubt is None:
        state = see_nodes(state, observation.nodes, cluster=observation.cluster, now=NOW)
    verdict = judge(
        replace(see(listed, StoreClock.NONE, entry), content=content),
        repository=REPOSITORY,
        observation=observation,
        nodes=nodes_for(state, observation.cluster),
        policy=Policy(),
        now=NOW,
    )
    one_line({"evidence": verdict.evidence, "detail": verdict.detail})
    return "stale" if verdict.verdict.stale else verdict.verdict.value


def check_pages(value: tuple[bytes, bytes, tuple[bytes, ...]]) -> None:
    """An answer is a whole list, or a doubt in one line; what comes of it can be judged."""
    nodes, events, pods = value
    seen = observed(nodes=(nodes,), events=(events,), pods=pods)
    if seen.doubt is not None:
        check_sentence(seen.doubt)
        assert judged(seen) == "cluster-unknown"
        return
    judged(seen)
    assert any(pod.uid == OWN_POD.uid for pod in seen.pods)
    if len(pods) == 1:
        _is_whole(seen, pods[0])


def _is_whole(seen: Observation, body: bytes) -> None:
    """As many pods as another reader finds, and no more announced."""
    page = json.loads(body.decode("utf-8", "replace"), parse_constant=lambda _: None)
    assert page["kind"] == "PodList"
    assert len(seen.pods) == len(page["items"])
    assert not page["metadata"].get("continue")
    assert (page["metadata"].get("remainingItemCount") or 0) <= 0


_PODS = seeds.page("PodList", seeds.PODS)
_FIRST = seeds.page("PodList", seeds.PODS[:2], **{"continue": "more", "remainingItemCount": 1})
_SHORT = seeds.page("PodList", seeds.PODS, remainingItemCount=2)
_OTHER = seeds.page("PodMetricsList", seeds.PODS)
_LAST = seeds.page("PodList", seeds.PODS[2:])
_WORDS = (*seeds.WORDS, "1001", "more", "PodList")
_NODES = seeds.page("NodeList", seeds.NODES)
_EVENTS = seeds.page("EventList", seeds.EVENTS)


def _right(page: object) -> st.SearchStrategy[bytes]:
    return st.just(json.dumps(page).encode())


_BENT_PODS = st.one_of(
    st.tuples(documents([_PODS], _WORDS)),
    st.tuples(documents([_FIRST], _WORDS), documents([_LAST], _WORDS)),
    st.tuples(documents([_FIRST, _SHORT, _OTHER], _WORDS)),
)
_PAGES = st.one_of(
    st.tuples(_right(_NODES), _right(_EVENTS), _BENT_PODS),
    st.tuples(documents([_NODES], _WORDS), _right(_EVENTS), st.tuples(_right(_PODS))),
    st.tuples(_right(_NODES), documents([_EVENTS], _WORDS), st.tuples(_right(_PODS))),
    st.tuples(documents([_NODES], _WORDS), documents([_EVENTS], _WORDS), _BENT_PODS),
)


# --- its clock -------------------------------------------------------------------------------


def check_date(header: str) -> None:
    """The clocks agree, or there is a doubt in one line."""
    client = cast("Client", FakeClient(header, version=(b"{}",)))
    doubt = ApiCluster(client, clock=lambda: NOW).check_clock(timedelta(minutes=5))
    if doubt is not None:
        check_sentence(doubt)


_DATES = (
    *(DATE, "Wed, 25 Nov 2026 12:00:00 +0000", "Wednesday, 25-Nov-26 12:00:00 GMT", ""),
    *("Wed Nov 25 12:00:00 2026", "Mon, 01 Jan 0001 00:00:00 GMT", "31 Dec 9999 23:59:59 -2359"),
)
_PARTS = ("+", "-", "9", "99", "0", "9" * 25, " ", ",", ":", "Nov", "GMT", "EST", "+2359", "-0000")


# --- a living holder -------------------------------------------------------------------------


def check_living(body: bytes) -> None:
    """Values of a wrong kind in a living holder's pod never make its lock stale."""
    nodes, events = json.dumps(_NODES).encode(), json.dumps(_EVENTS).encode()
    assert judged(observed(nodes=(nodes,), events=(events,), pods=(body,))) != "stale"


_KINDS: tuple[tuple[type, ...], ...] = ((str,), (bool,), (int, float), (list,))


def _other_kind(value: Tree, odd: Tree) -> bool:
    """Whether no reader could take `odd` for a value of this kind; null is every kind's."""
    if odd is None or isinstance(odd, Literal):
        return False
    for kind in _KINDS:
        if isinstance(value, kind):
            return not isinstance(odd, kind) or isinstance(value, Members) != isinstance(
                odd, Members
            )
    return odd is not None


@st.composite
def _with_wrong_kinds(draw: st.DrawFn) -> bytes:
    tree = right = tree_of(_PODS)
    place = [each for each in paths(tree) if each[:2] == (3, 1) and len(each) > 2]
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(place))
        odd = draw(ODD)
        if _other_kind(value_at(right, path), odd):
            with suppress(IndexError, TypeError):  # what was there has been replaced
                tree = replaced(tree, path, odd)
    return write(tree)


# --- a file of kubectl's ---------------------------------------------------------------------


def check_file(value: tuple[bytes, bool]) -> None:
    """A file is judged by, or refused in one line with the mend."""
    raw, timed = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cluster.json"
        path.write_bytes(raw)
        try:
            at = NOW if timed else None
            cluster = FileCluster(path, observed_at=at, clock=lambda: NOW)
        except BadClusterFile as error:
            check_sentence(error)
            return
    assert cluster.now() <= NOW
    for namespaces in (None, frozenset({"shop"})):
        judged(cluster.observe(namespaces=namespaces, nodes=True))


_ITEMS = [*seeds.PODS, *seeds.NODES, *seeds.EVENTS]
_KUBECTL = {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": _ITEMS}
_FILES = documents([_KUBECTL, _PODS], _WORDS)

TARGETS = (
    Target("kubernetes", _PAGES, check_pages, examples=400),
    Target("clock", texts(_DATES, _PARTS), check_date, examples=400),
    Target("kubernetes-living", _with_wrong_kinds(), check_living, examples=300),
    Target(
        "kubernetes-file",
        st.tuples(
            st.one_of(
                _FILES,
                _FILES.map(lambda raw: raw.decode("utf-8", "replace").encode("utf-16")),
            ),
            st.booleans(),
        ),
        check_file,
        examples=150,
    ),
)
