"""Checks an installation as its pod would see it, and says of each fault what mends it.

It asks and reads; it writes nothing anywhere, and deletes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from janitor.causes import runs_of
from janitor.cluster.client import Client
from janitor.cluster.configmap import ConfigMapShelf
from janitor.cluster.errors import ClusterError, Denied, Right
from janitor.cluster.events_writer import right_to_tell
from janitor.cluster.failures import rights_to_failures
from janitor.cluster.observe import OwnPod, rights_to_observe
from janitor.cluster.review import is_allowed
from janitor.discover.durations import format_duration
from janitor.discover.found import Found
from janitor.keyring import Keyring
from janitor.model import Policy, RepositoryState, StoreClock
from janitor.read import MAX_LOCKS, CannotOpen, open_repository
from janitor.report.checks import Check, Status
from janitor.state import load
from janitor.store.errors import StoreError
from janitor.survey import fault, namespaces_of
from janitor.tally import is_failure
from janitor.world import World

_BRINGS = {
    "events": "Events tell what killed a holder, and that a pod of that name was there",
    "events.events.k8s.io": "the janitor's own Events tell what it removed, in `kubectl describe`",
}
"""What a right is good for that a sweep can do without."""
_UNASKED = "rights"


@dataclass(frozen=True, slots=True)
class Installation:
    """What a run was given."""

    found: tuple[Found, ...]
    world: World
    policy: Policy
    config: Path | None = None
    client: Client | None = None
    own_pod: OwnPod | None = None
    reports_only: str | None = None
    """Why a sweep may not remove anything here."""

    @property
    def namespaces(self) -> frozenset[str] | None:
        """Where pods are looked at; None: everywhere."""
        chosen = namespaces_of(self.found, self.policy)
        if chosen is None or self.own_pod is None:
            return chosen
        return chosen | {self.own_pod.namespace}


def examine(installation: Installation) -> Iterator[Check]:
    """One check after the other, in the order in which a sweep would meet the faults."""
    yield _configuration(installation)
    yield from _cluster(installation)
    clocks: dict[str, StoreClock] = {}
    keyring = Keyring()
    world = installation.world
    results = list(
        world.pool.map(lambda found: _repository(found, world, keyring), installation.found)
    )
    clocks = {name: clock for _, name, clock in results if clock is not None}
    yield _state(installation, clocks)
    for check, _, _ in results:
        yield check
    yield from _holders(installation.found)


def _configuration(installation: Installation) -> Check:
    policy = installation.policy
    where = str(installation.config) if installation.config else "restic's own variables"
    number = len(installation.found)
    said = (
        f"{number} {'repository' if number == 1 else 'repositories'}; min_age "
        f"{format_duration(policy.min_age)}, max_removals {policy.max_removals}"
    )
    if policy.dry_run:
        return Check(
            "configuration",
            where,
            Status.WARNING,
            f"{said}; dry_run is on, so nothing is removed",
            "once its reports are right, apply k8s/overlays/production, or set `dry_run: false`",
        )
    return Check("configuration", where, Status.OK, said)


# --- the cluster -------------------------------------------------------------------------------


def _cluster(installation: Installation) -> Iterator[Check]:
    client, policy = installation.client, installation.policy
    if client is None:
        why = installation.world.cluster.observe(namespaces=None, nodes=False).doubt
        yield Check(
            "API server", "", Status.PROBLEM, why or "there is none", "give `--context NAME`"
        )
        return
    doubt = installation.world.cluster.check_clock(policy.max_skew)
    if doubt is not None:
        yield Check("API server and clocks", client.server, Status.PROBLEM, doubt)
    else:
        skew = format_duration(policy.max_skew)
        said = f"it answers, and its clock and this one are less than {skew} apart"
        yield Check("API server and clocks", client.server, Status.OK, said)
    rights = tuple(_rights(installation, client))
    unasked = any(each.check == _UNASKED for each in rights)
    if doubt is not None and unasked:
        return  # it cannot be reached, which is said
    yield from rights
    yield from _observation(installation, denials=unasked)
    if installation.reports_only:
        yield Check("removing", "", Status.WARNING, installation.reports_only)


def _rights(installation: Installation, client: Client) -> Iterator[Check]:
    """Asked, not tried: some of them would write."""

    def allowed(right: Right) -> bool | ClusterError:
        try:
            return is_allowed(client, right)
        except ClusterError as error:
            return error

    wanted = tuple(_wanted(installation))
    for right, answer in zip(wanted, installation.world.pool.map(allowed, wanted), strict=True):
        if isinstance(answer, ClusterError):
            yield _unasked(answer)
            return
        yield _of_right(right, granted=answer)


def _unasked(error: ClusterError) -> Check:
    if isinstance(error, Denied):
        said = "it may not be asked what is granted (SelfSubjectAccessReview)"
        mend = "bind system:basic-user to every account again, as clusters come; or try a dry run"
        return Check(_UNASKED, "", Status.WARNING, said, mend)
    said = f"it cannot be asked what is granted: {error}"
    return Check(_UNASKED, "", Status.PROBLEM, said)


def _wanted(installation: Installation) -> Iterator[Right]:
    """What a sweep of this installation asks of the API server, but for its sources' objects."""
    yield from rights_to_observe(
        installation.own_pod, installation.namespaces, nodes=installation.policy.observe_nodes
    )
    shelf = installation.world.shelf
    if isinstance(shelf, ConfigMapShelf):
        yield from shelf.rights
    for source, namespaces in runs_of(each.repository for each in installation.found).items():
        yield from rights_to_failures(source, namespaces)
    if installation.own_pod is not None:
        owners = {
            (owner.namespace, each.repository.source)
            for each in installation.found
            for owner in each.repository.owners
        }
        yield right_to_tell(installation.own_pod.namespace)
        for namespace, source in sorted(owners):
            if namespace != installation.own_pod.namespace:
                yield right_to_tell(namespace, component=f"discover-{source}")


def _of_right(right: Right, *, granted: bool) -> Check:
    if granted:
        return Check("right", str(right), Status.OK, "granted")
    mend = f"add {right.granted_by}"
    known = "which runs failed on a lock is then not told" if _of_runs(right) else ""
    if brings := _BRINGS.get(right.resource, known):
        return Check("right", str(right), Status.WARNING, f"not granted: {brings}", mend)
    if right.resource == "nodes":
        mend += (
            ", or set `observe.nodes: false` after reading in docs/configuration.md what it means"
        )
    return Check("right", str(right), Status.PROBLEM, "not granted, and a sweep needs it", mend)


def _of_runs(right: Right) -> bool:
    return right.component.startswith("discover-") and right.verb == "list"


def _observation(installation: Installation, *, denials: bool) -> Iterator[Check]:
    """One real look at the cluster, as a sweep takes it where a lock is old. `denials`: what was
    refused is told here, since nothing else tells it.
    """
    seen = installation.world.cluster.observe(
        namespaces=installation.namespaces, nodes=installation.policy.observe_nodes
    )
    refused = (seen.nodes_denied, *seen.denied.values()) if denials else ()
    for said in filter(None, (seen.doubt, *refused)):
        yield Check("observation", "", Status.PROBLEM, f"locks cannot be judged: {said}")
    if seen.doubt is not None:
        return
    nodes = "" if seen.nodes is None else f" and {len(seen.nodes)} Nodes"
    own = installation.own_pod
    if own is None:
        witness = "outside a pod there is no witness that this is the cluster of the backups"
    else:
        witness = f"the janitor's own pod {own.name} is among them, the witness"
    yield Check("observation", "", Status.OK, f"{len(seen.pods)} pods{nodes}; {witness}")


# --- state and repositories --------------------------------------------------------------------


def _state(installation: Installation, clocks: dict[str, StoreClock]) -> Check:
    shelf = installation.world.shelf
    if shelf is not None:
        loaded = load(shelf)
        if loaded.problem is not None:
            return Check("state", "", Status.PROBLEM, loaded.problem)
        number = sum(len(locks) for locks in loaded.state.repositories.values())
        return Check("state", "", Status.OK, f"it can be read, and knows {number} locks")
    without = sorted(name for name, clock in clocks.items() if clock is not StoreClock.SERVER)
    if not without:
        return Check("state", "none", Status.OK, "every store stamps its locks by its own clock")
    many = f" and {len(without) - 1} more" if len(without) > 1 else ""
    return Check(
        "state",
        "none",
        Status.PROBLEM,
        f"the store of {without[0]}{many} has no clock of its own, and nothing is remembered from "
        "run to run: its locks await confirmation for ever",
        "give `--state FILE` or `--state configmap:NAME`",
    )


def _repository(
    found: Found, world: World, keyring: Keyring
) -> tuple[Check, str, StoreClock | None]:
    """Opens it as for an old lock, whether or not there is one."""
    name = found.repository.name
    try:
        state, said, clock = _opened(found, world, keyring)
    except StoreError as error:
        state, said, clock = error.state, str(error), None
    except CannotOpen as error:
        state, said, clock = error.state, error.detail, None
    except Exception:  # noqa: BLE001 - the one edge per repository
        state, said, clock = RepositoryState.UNREACHABLE, fault(found), None
    if is_failure(state, found.repository):
        return (
            Check("repository", name, Status.PROBLEM, f"it is {state.value}: {said}"),
            name,
            clock,
        )
    if state not in (RepositoryState.READ, RepositoryState.IGNORED):
        return (
            Check("repository", name, Status.WARNING, f"it is {state.value}: {said}"),
            name,
            clock,
        )
    return Check("repository", name, Status.OK, said), name, clock


def _opened(
    found: Found, world: World, keyring: Keyring
) -> tuple[RepositoryState, str, StoreClock | None]:
    """Raises CannotOpen, StoreError."""
    if found.state is not None:
        return found.state, found.problem or "left out, as it asks for", None
    store = world.open_store(found)
    try:
        root = store.look()
        locks = 0
        if root.locks_folder is not False:
            listing = store.list_locks(at_most=MAX_LOCKS)
            locks = len(listing.locks) + listing.beyond
        _, config = open_repository(found, store, keyring)
        many = "1 lock" if locks == 1 else f"{locks} locks"
        said = (
            f"{found.repository.location}: the password opens it; version {config.version}, {many}"
        )
        return RepositoryState.READ, said, store.clock
    finally:
        store.close()


def _holders(found: tuple[Found, ...]) -> Iterator[Check]:
    for each in found:
        repository = each.repository
        if repository.source == "configured" and not (repository.holders or repository.generated):
            yield Check(
                "holders",
                repository.name,
                Status.WARNING,
                "no hostname is known to be ours: a lock whose pod is gone stays (foreign-host)",
                "name the pods that back up under `holders` or `workloads`",
            )
