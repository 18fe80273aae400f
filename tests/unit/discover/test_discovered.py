"""What the sources found, in an order that gives each repository the name that stays."""

from __future__ import annotations

from janitor.discover.discovered import Source, find_discovered
from janitor.discover.unite import unite
from janitor.model import Policy

from .drafts import draft


def test_a_repository_keeps_the_name_of_what_stays():
    """Else a Backup made by hand moves it to another name, and with it to another pod's part."""
    drafts = (draft(name="before-upgrade", kind="Backup"), draft(name="nightly", kind="Schedule"))
    source = Source("k8up", lambda *_: drafts)
    found = find_discovered((source,), reader=Reader(), each=map, policy=Policy())
    (one,) = unite(found)
    assert one.repository.name == drafts[1].name
    assert one.aliases == (drafts[0].name,)


class Reader:
    """Lets everything be read."""

    def granted_by(self, _: str) -> Reader:
        return self
