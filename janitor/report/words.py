"""Each verdict in plain words: what it means, what to do, what would change it.

`explain` prints them, docs/verdicts.md says the same at more length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from janitor.model import Verdict


@dataclass(frozen=True, slots=True)
class Words:
    """What a person wants to know about a verdict."""

    meaning: str
    advice: str
    change: str
    """What would turn it into another verdict."""


VERDICT_WORDS: Mapping[Verdict, Words] = {
    Verdict.UNREADABLE: Words(
        "The file under locks/ is not a lock that this repository's key can open: it is damaged, "
        "cut short, or written with another key. Nobody can say whose it is.",
        "See when it was written and by what. restic 0.15 and newer refuse to work while it is "
        "there (an empty file they ignore). If nothing writes to this repository any more, delete "
        "exactly this one file with the store's own tool.",
        "Only `remove_unrefreshed_after`: the janitor then removes it once it has seen this very "
        "file for that long.",
    ),
    Verdict.PUT_BACK: Words(
        "Somebody put this lock back with `restic-janitor put-back`, so it is kept.",
        "Nothing, if its holder is alive. If not, delete exactly this one file.",
        "Its holder refreshes or removes it; the mark goes with the lock.",
    ),
    Verdict.IN_THE_FUTURE: Words(
        "The lock says that it was written later than now: its holder's clock runs fast, so no age "
        "can be told.",
        "Mend the clock (NTP) where the holder runs.",
        "Time: once now has passed the lock's time by min_age, it is judged like any other.",
    ),
    Verdict.TOO_YOUNG: Words(
        "The lock is younger than min_age. A live backup renews its lock every 5 minutes, so a "
        "young lock most likely has a live holder.",
        "Wait. If it is in the way now, look at the pod that holds it.",
        "Time: nobody refreshes it until it is min_age old.",
    ),
    Verdict.RECENTLY_WRITTEN: Words(
        "By its own time the lock is old, but the store says that the file was written lately. "
        "Somebody's clock is wrong, or a restic of 0.9.6 or older refreshes it.",
        "Mend the clock where the holder runs, or update restic.",
        "Time: the file stays as it is until the store's time, too, is min_age old.",
    ),
    Verdict.AWAITING_CONFIRMATION: Words(
        "The lock is old by its holder's clock only. This store has no clock of its own, so the "
        "janitor must have seen the same lock min_age earlier.",
        "Let the sweeps go on; they need `--state` (in a pod the ConfigMap is the default) to "
        "remember what they saw.",
        "A sweep that finds the same lock min_age after the first one that saw it.",
    ),
    Verdict.CLUSTER_UNKNOWN: Words(
        "The cluster could not be observed whole, or the observation cannot be trusted. Nothing "
        "is removed by half a look.",
        "Mend what the sentence names, then run the sweep again; `restic-janitor doctor` checks "
        "every right that is needed.",
        "One complete observation.",
    ),
    Verdict.NODE_EXISTS: Words(
        "The hostname is a Node of this cluster. A process on that host or a pod with hostNetwork "
        "may hold the lock, and no pod's status could prove its death.",
        "Look on that Node for a running restic. If there is none, delete exactly this one file.",
        "The Node is deleted and stays away for min_age, or `remove_unrefreshed_after` is set.",
    ),
    Verdict.HOLDER_ALIVE: Words(
        "A pod that carries the lock's hostname may still hold it.",
        "Look at that pod. If its restic hangs, delete the pod; the lock goes by itself or by a "
        "later sweep. If the container named above never runs restic, name those that do in "
        "`holders` (`containers`).",
        "The container ends or restarts after the lock was written, the pod is gone, or `holders` "
        "say that other containers run restic.",
    ),
    Verdict.NOT_OBSERVED: Words(
        "Part of the cluster in which the holder may live was refused to the janitor.",
        "Grant the right that the sentence names, or declare in the configuration where the "
        "holders live (`namespaces`).",
        "An observation that includes what is missing.",
    ),
    Verdict.FOREIGN_HOST: Words(
        "Nothing shows that the lock's hostname belongs to this cluster. Another cluster, a "
        "laptop or a container elsewhere may hold it.",
        "If the name is one of your backups, add it to `holders` of this repository. If that "
        "machine is gone for good, set `remove_unrefreshed_after` for this repository, or delete "
        "exactly this one file.",
        "`holders` that fit the hostname, a pod or Event of that name, or "
        "`remove_unrefreshed_after`.",
    ),
    Verdict.HOLDER_REPLACED: Words(
        "The pod of that name is there, but what runs in it now started after the lock was "
        "written, or what wrote it has ended: the holder is dead, and another took its place.",
        "Find out why the container restarted; the next backup runs.",
        "A container that may have written the lock.",
    ),
    Verdict.HOLDER_TERMINATED: Words(
        "The pod that held the lock has ended.",
        "Find out why it ended before it could remove its lock.",
        "A container that still runs and may have written the lock.",
    ),
    Verdict.NODE_GONE: Words(
        "The hostname was a Node of this cluster that has been gone for at least min_age, and no "
        "pod has the name.",
        "Nothing, if the Node was removed on purpose.",
        "The Node comes back.",
    ),
    Verdict.HOLDER_ABSENT: Words(
        "The hostname is ours, and no pod has it any more: nobody vouches for the holder. The lock "
        "was old on two clocks and nobody refreshed it.",
        "Nothing, if the pod is known to be gone.",
        "A pod of that name that may hold the lock.",
    ),
    Verdict.UNREFRESHED: Words(
        "`remove_unrefreshed_after` is set, and the same lock has been seen unchanged for that "
        "long. Its holder was not proven dead.",
        "Make sure that no machine which sleeps for longer than that backs up to this repository "
        "with restic 0.14 or older: on waking it would go on without its lock.",
        "A longer `remove_unrefreshed_after`, or a refresh.",
    ),
    Verdict.RELEASED: Words(
        "The lock was gone when it was read or deleted: its holder let go by itself.",
        "Nothing.",
        "Nothing: it is gone.",
    ),
}
