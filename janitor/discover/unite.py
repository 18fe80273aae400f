"""One repository or two? Owners of one location are one, and so are equal repositories' holders.

Nobody may add holders to somebody else's repository by writing its location down: two are one only
where the same credentials open both, or once both were opened and have the same ID.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from typing import TypeVar

from janitor.discover.found import Found
from janitor.model import Repository, RepositoryState, Secret
from janitor.store.location import Location

_Item = TypeVar("_Item")


def unite(found: Iterable[Found]) -> tuple[Found, ...]:
    """Those of one location and the same credentials as one; the first gives its name. Configured
    ones are never made one: each keeps the name that a person gave it.

    Those of one location and other credentials watch each other's namespaces, which can only keep
    locks. Names are made different where two owners of different kinds have the same.
    """
    united: list[Found] = []
    place: dict[object, int] = {}
    for each in found:
        key = _key(each)
        if key is None or key not in place or not each.repository.owners:
            if key is not None:
                place.setdefault(key, len(united))
            united.append(each)
        else:
            united[place[key]] = _together(united[place[key]], each)
    return _named_apart(_watching(united))


def acquaint(same: Sequence[Found]) -> tuple[Found, ...]:
    """Repositories that were opened and have one ID: the same by another way, or copies.

    Only who knows the same password may say whose hostnames are ours; anybody may say where else a
    holder could live. In time that is linear, for ten thousand copies.
    """
    watched = _all_of(
        places for each in same for places in (each.repository.namespaces, each.repository.watched)
    )
    sharing: dict[Secret | None, list[Repository]] = defaultdict(list)
    for each in same:
        sharing[each.password].append(each.repository)
    united = {password: _holders_of(those) for password, those in sharing.items()}
    return tuple(
        replace(each, repository=_with_all(each.repository, united[each.password], watched))
        for each in same
    )


def _holders_of(repositories: Sequence[Repository]) -> Repository:
    return Repository(
        "",
        holders=_distinct(each.holders for each in repositories),
        generated=_distinct(each.generated for each in repositories),
        namespaces=_all_of(each.namespaces for each in repositories),
        shared=any(each.shared for each in repositories),
    )


def _with_all(
    repository: Repository, sharing: Repository, watched: tuple[str, ...] | None
) -> Repository:
    return replace(
        repository,
        holders=sharing.holders,
        generated=sharing.generated,
        namespaces=sharing.namespaces,
        shared=sharing.shared,
        watched=watched,
    )


def _with_holders(repository: Repository, other: Repository) -> Repository:
    """What keeps more counts for both."""
    return replace(
        repository,
        holders=_both(repository.holders, other.holders),
        generated=_both(repository.generated, other.generated),
        namespaces=_all_of((repository.namespaces, other.namespaces)),
        shared=repository.shared or other.shared,
    )


def _with_watched(repository: Repository, other: Repository) -> Repository:
    watched = _all_of((repository.watched, other.namespaces, other.watched))
    return replace(repository, watched=watched)


def _key(found: Found) -> object:
    """What makes two the same; None: nothing does, since it is not opened."""
    if found.location is None or found.state is not None:
        return None
    return (
        found.location,
        found.location.password,
        found.password,
        frozenset(found.environment.items()),
        found.insecure_tls,
        found.ssh,
        found.endpoints,
    )


def _watching(united: list[Found]) -> list[Found]:
    """Each with what the others of its location say; see `unite`."""
    neighbours: dict[Location, list[Found]] = defaultdict(list)
    for each in united:
        if each.location is not None and _tells_its_place(each):
            neighbours[each.location].append(each)
    beside = {
        location: _Beside.of(those) for location, those in neighbours.items() if len(those) > 1
    }
    return [
        beside[each.location].applied(each)
        if each.location in beside and _tells_its_place(each)
        else each
        for each in united
    ]


def _tells_its_place(found: Found) -> bool:
    """A local path that is not mapped says nothing: other volumes are mounted there too."""
    unmapped = found.state is not None and found.location and found.location.scheme == "local"
    return not unmapped


@dataclass(frozen=True, slots=True)
class _Beside:
    """What all that lead to one location say together."""

    watched: tuple[str, ...] | None
    ignoring: Mapping[str, str]
    """Namespace to the sentence of an owner there that says `ignore`."""

    @classmethod
    def of(cls, neighbours: Sequence[Found]) -> _Beside:
        repositories = [each.repository for each in neighbours]
        return cls(
            _all_of(places for each in repositories for places in (each.namespaces, each.watched)),
            {
                owner.namespace: f"{each.problem}, on {owner}"
                for each in neighbours
                if each.state is RepositoryState.IGNORED
                for owner in each.repository.owners
            },
        )

    def applied(self, found: Found) -> Found:
        """An owner of the same namespace that says `ignore` speaks for the location."""
        found = replace(found, repository=replace(found.repository, watched=self.watched))
        said = next(
            (
                self.ignoring[owner.namespace]
                for owner in found.repository.owners
                if owner.namespace in self.ignoring
            ),
            None,
        )
        if said is None or found.state is not None:
            return found
        return replace(found, state=RepositoryState.IGNORED, problem=said)


def _together(first: Found, second: Found) -> Found:
    repository = _with_watched(first.repository, second.repository)
    repository = replace(
        _with_holders(repository, second.repository),
        owners=_both(first.repository.owners, second.repository.owners),
        min_age=_longest(first.repository.min_age, second.repository.min_age),
    )
    return replace(
        first,
        repository=repository,
        aliases=_both(first.aliases, (second.repository.name, *second.aliases)),
    )


def _both(first: tuple[_Item, ...], second: tuple[_Item, ...]) -> tuple[_Item, ...]:
    return _distinct((first, second))


def _distinct(many: Iterable[tuple[_Item, ...]]) -> tuple[_Item, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(many)))


def _all_of(many: Iterable[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    """The namespaces of all; None, which is everywhere, wins."""
    places: list[tuple[str, ...]] = []
    for each in many:
        if each is None:
            return None
        places.append(each)
    return _distinct(places)


def _longest(first: timedelta | None, second: timedelta | None) -> timedelta | None:
    return max((each for each in (first, second) if each is not None), default=None)


def _named_apart(found: list[Found]) -> tuple[Found, ...]:
    """Each name once: what is remembered of locks is kept by it."""
    times = Counter(each.repository.name for each in found)
    taken: set[str] = set()
    result = []
    for each in found:
        name = each.repository.name
        if times[name] > 1 and each.repository.owners:
            name = f"{name}/{each.repository.owners[0].kind.lower()}"
        plain, number = name, 1
        while name in taken:
            number += 1
            name = f"{plain}/{number}"
        taken.add(name)
        result.append(_called(each, name))
    return tuple(result)


def _called(found: Found, name: str) -> Found:
    if name == found.repository.name:
        return found
    return replace(found, repository=replace(found.repository, name=name))
