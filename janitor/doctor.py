"""Checks an installation as its pod would see it, and says of each fault what mends it.

It asks and reads; it writes nothing anywhere, and deletes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from janitor.checks import mends
from janitor.checks.installation import Installation
from janitor.checks.rights import UNASKED, check_rights
from janitor.discover.durations import format_duration
from janitor.discover.found import Found
from janitor.keyring import Keyring
from janitor.model import RepositoryState, StoreClock
from janitor.read import MAX_LOCKS, CannotOpen, open_repository
from janitor.report.checks import Check, Status
from janitor.state import load
from janitor.state_file import FileShelf
from janitor.store.errors import StoreError
from janitor.survey import fault
from janitor.tally import is_failure
from janitor.world import World

_FINE = (RepositoryState.READ, RepositoryState.IGNORED)


def examine(installation: Installation) -> Iterator[Check]:
    """One check after the other, in the order in which a sweep would meet the faults."""
    yield _configuration(installation)
    yield from _cluster(installation)
    keyring = Keyring()
    world = installation.world
    results = list(
        world.pool.map(lambda found: _repository(found, world, keyring), installation.found)
    )
    clocks = {name: clock for _, name, clock in results if clock is not None}
    yield _state(installation, clocks)
    for check, _, _ in results:
        yield check
    yield from _sources(installation)
    yield from _holders(installation.found)


def _configuration(installation: Installation) -> Check:
    policy = installation.policy
    where = str(installation.configuration.file or "restic's own variables")
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
            "Once its reports are right, apply k8s/overlays/production, or set `dry_run: false`.",
        )
    return Check("configuration", where, Status.OK, said)


# --- the cluster -------------------------------------------------------------------------------


def _cluster(installation: Installation) -> Iterator[Check]:
    client, policy = installation.client, installation.policy
    if client is None:
        why = installation.world.cluster.observe(namespaces=None, nodes=False).doubt
        yield Check("API server", "", Status.PROBLEM, why or "there is none", mends.NO_SERVER)
        return
    doubt = installation.world.cluster.check_clock(policy.max_skew)
    rights = tuple(check_rights(installation, client))
    unasked = any(each.check == UNASKED for each in rights)
    if doubt is None:
        skew = format_duration(policy.max_skew)
        said = f"it answers, and its clock and this one are less than {skew} apart"
        yield Check("API server and clocks", client.server, Status.OK, said)
    else:
        unreachable = unasked and rights[-1].status is Status.PROBLEM
        mend = rights[-1].mend if unreachable else mends.CLOCKS
        yield Check("API server and clocks", client.server, Status.PROBLEM, doubt, mend)
        if unreachable:
            return  # and nothing else can be asked
    yield from rights
    yield from _observation(installation, denials=unasked)
    if installation.reports_only:
        yield Check("removing", "", Status.WARNING, installation.reports_only, mends.NO_SERVER)


def _observation(installation: Installation, *, denials: bool) -> Iterator[Check]:
    """One real look at the cluster, as a sweep takes it where a lock is old. `denials`: what was
    refused is told here, since nothing else tells it.
    """
    seen = installation.world.cluster.observe(
        namespaces=installation.namespaces, nodes=installation.policy.observe_nodes
    )
    refused = (seen.nodes_denied, *seen.denied.values()) if denials else ()
    for said in filter(None, (seen.doubt, *refused)):
        mend = mends.WITNESS if seen.doubt and "own pod" in seen.doubt else None
        yield Check("observation", "", Status.PROBLEM, f"locks cannot be judged: {said}", mend)
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
            return Check("state", "", Status.PROBLEM, loaded.problem, mends.STATE)
        unwritable = shelf.unwritable() if isinstance(shelf, FileShelf) else None
        if unwritable is not None:
            return Check("state", "", Status.PROBLEM, unwritable, mends.STATE_FILE)
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
        "Give `--state FILE` or `--state configmap:NAME`.",
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
    if state in _FINE:
        return Check("repository", name, Status.OK, said), name, clock
    status = Status.PROBLEM if is_failure(state, found.repository) else Status.WARNING
    told = f"it is {state.value}: {said}"
    if _is_source(found):
        return Check("source", name, status, told, mends.source(name)), name, clock
    return Check("repository", name, status, told, mends.REPOSITORY.get(state)), name, clock


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


def _is_source(found: Found) -> bool:
    """Whether it stands for a source that failed as a whole."""
    repository = found.repository
    return repository.source != "configured" and repository.name == repository.source


def _sources(installation: Installation) -> Iterator[Check]:
    """Those that found nothing, though nothing hindered them."""
    fruitful = {each.repository.source for each in installation.found}
    for settings in installation.configuration.sources if installation.whole else ():
        if settings.name not in fruitful:
            said = f"`discover.{settings.name}` finds no repository"
            yield Check("source", settings.name, Status.WARNING, said, mends.EMPTY_SOURCE)


def _holders(found: tuple[Found, ...]) -> Iterator[Check]:
    for each in found:
        repository = each.repository
        if repository.source == "configured" and not (repository.holders or repository.generated):
            yield Check(
                "holders",
                repository.name,
                Status.WARNING,
                "no hostname is known to be ours: a lock whose pod is gone stays (foreign-host)",
                "Name the pods that back up under `holders` or `workloads`.",
            )
