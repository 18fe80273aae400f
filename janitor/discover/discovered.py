"""The repositories of every source that is switched on, as far as each may be used.

A source that cannot be read fails alone: it is one entry with a state and a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from janitor.cluster.errors import ClusterError, Denied, Unauthenticated
from janitor.discover.cluster_reader import ClusterReader
from janitor.discover.confine import Confines, confine
from janitor.discover.draft import Draft
from janitor.discover.environment import IncompleteError
from janitor.discover.found import Found
from janitor.discover.reader import Each, Reader
from janitor.fault import log_fault
from janitor.model import Policy, Repository, RepositoryState

Find = Callable[[Reader, Each], tuple[Draft, ...]]


@dataclass(frozen=True, slots=True)
class Source:
    """One source that is switched on."""

    name: str
    find: Find
    namespaces: tuple[str, ...] | None = None
    confines: Confines = field(default_factory=Confines)


def find_discovered(
    sources: Iterable[Source], *, reader: ClusterReader, each: Each, policy: Policy
) -> tuple[Found, ...]:
    """What all sources know, each failure in a sentence. Never raises."""
    found: list[Found] = []
    for source in sources:
        found.extend(_of_source(source, reader, each, policy))
    return _watching_the_unknown(found)


def _of_source(
    source: Source, reader: ClusterReader, each: Each, policy: Policy
) -> Iterable[Found]:
    try:
        drafts = source.find(reader.granted_by(f"discover-{source.name}"), each)
    except ClusterError as error:
        denied = isinstance(error, Denied | Unauthenticated)
        state = RepositoryState.UNAUTHORIZED if denied else RepositoryState.UNREACHABLE
        return (_failed(source, state, str(error)),)
    except IncompleteError as error:
        return (_failed(source, RepositoryState.INCOMPLETE, str(error)),)
    except Exception:  # noqa: BLE001 - one source's failure never stops the others
        return (_failed(source, RepositoryState.UNREACHABLE, log_fault(source=source.name)),)
    ordered = sorted(drafts, key=_order)
    return tuple(confine(draft, source.confines, policy) for draft in ordered)


_PASSING = frozenset({"Archive", "Backup", "Check", "Prune", "Restore"})
"""K8up's kinds that are made for one run."""


def _order(draft: Draft) -> tuple[bool, str]:
    """The first owner of a place gives its name: one that stays, as a Schedule does."""
    return any(owner.kind in _PASSING for owner in draft.owners), draft.name


def _failed(source: Source, state: RepositoryState, problem: str) -> Found:
    repository = Repository(source.name, source=source.name, namespaces=source.namespaces)
    return Found(repository, None, state=state, problem=problem)


def _watching_the_unknown(found: list[Found]) -> tuple[Found, ...]:
    """An owner whose location is not known may use any repository: its pods may hold any lock.

    So its namespaces are watched for every discovered repository, which can only keep locks.
    """
    places: tuple[str, ...] | None = ()
    for each in found:
        if each.location is None:
            theirs = each.repository.namespaces
            places = None if theirs is None or places is None else (*places, *theirs)
    if places == ():
        return tuple(found)
    return tuple(replace(each, repository=_watching(each.repository, places)) for each in found)


def _watching(repository: Repository, places: tuple[str, ...] | None) -> Repository:
    if places is None or repository.watched is None:
        return replace(repository, watched=None)
    return replace(repository, watched=tuple(dict.fromkeys((*repository.watched, *places))))
