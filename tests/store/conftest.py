"""Repositories made by real restic, and the places that every store's tests run in."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from tests.servers.real_restic import RealRestic
from tests.store.places import KINDS, Folders, Place, Tree, make_place

_numbers = itertools.count()


@pytest.fixture(scope="session", params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Every kind of store in turn."""
    return make_place(request.param, request, tmp_path_factory.mktemp("files"))


@pytest.fixture
def repository() -> str:
    """A repository's name that no other test has; with a blank, as people write them."""
    return f"some shop-{next(_numbers)}"


@pytest.fixture(scope="session", params=["0.14", "0.19"])
def restic(request: pytest.FixtureRequest) -> RealRestic:
    """Both versions of restic in turn."""
    found: RealRestic = request.getfixturevalue(f"restic_{request.param.replace('.', '_')}")
    return found


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[RealRestic], Tree]:
    """The files of a repository with one snapshot, made once by each version of restic."""
    trees: dict[str, Tree] = {}

    def make(restic: RealRestic) -> Tree:
        if restic.version not in trees:
            base = tmp_path_factory.mktemp("made")
            restic.init(str(base / "repository"))
            trees[restic.version] = Folders("files", base, before="", environment={}).tree(
                "repository"
            )
        return trees[restic.version]

    return make
