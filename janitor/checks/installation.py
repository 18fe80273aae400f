"""What a run was given: the subject of every check."""

from __future__ import annotations

from dataclasses import dataclass

from janitor.cluster.client import Client
from janitor.cluster.observe import OwnPod
from janitor.discover.configuration import Configuration
from janitor.discover.found import Found
from janitor.model import Policy
from janitor.survey import namespaces_of
from janitor.world import World


@dataclass(frozen=True, slots=True)
class Installation:
    """One installation, as its pod sees it."""

    found: tuple[Found, ...]
    world: World
    policy: Policy
    """With the command line's options over the configuration's."""
    configuration: Configuration
    client: Client | None = None
    own_pod: OwnPod | None = None
    reports_only: str | None = None
    """Why a sweep may not remove anything here."""
    whole: bool = True
    """Whether `found` is all that there is, and not a part of it."""

    @property
    def namespaces(self) -> frozenset[str] | None:
        """Where pods are looked at; None: everywhere."""
        chosen = namespaces_of(self.found, self.policy)
        if chosen is None or self.own_pod is None:
            return chosen
        return chosen | {self.own_pod.namespace}
