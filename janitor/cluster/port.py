"""What the sweep asks of a cluster, whether it is an API server or a file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from janitor.circumstances import Circumstances
from janitor.model import Observation


class Cluster(Protocol):
    """A cluster whose pods may hold locks. No method raises: a doubt is a value, in a sentence."""

    def now(self) -> datetime:
        """The time by which ages are judged: the janitor's clock, or the time of the file."""

    def check_clock(self, max_skew: timedelta) -> str | None:
        """Compares the janitor's clock with the API server's `Date`, by one cheap request.

        Returns None where they agree within `max_skew`, else one sentence of doubt (apart, or
        not to be had). A file has no clock to compare: None.
        """

    def observe(self, *, namespaces: frozenset[str] | None, nodes: bool) -> Observation:
        """Lists pods (and Nodes, and what Events may be read), whole and consistently.

        `namespaces` None means all, by one cluster-wide list; the janitor's own namespace is
        always added. Every call asks the server anew.
        """

    def investigate(
        self,
        pods: Collection[tuple[str, str]],
        *,
        namespaces: frozenset[str] | None,
        sources: Mapping[str, frozenset[str] | None],
    ) -> Circumstances:
        """What is left to tell how these pods (namespace and name) ended, and which runs failed on
        locks. Nothing is judged by it.

        `namespaces` is as for `observe`; `sources` says where the runs of each are.
        """
