"""Which locks should be gone at the end, by what the API shows then.

Written on its own, from the sentence of the claim, and cautious: where the API's times leave it
open whether a holder ended, the lock may stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from tests.simulation.bucket import Bucket, StoredLock
from tests.simulation.machines import Cluster, Container, Host, Pod
from tests.simulation.plan import MAX_SKEW, Plan


def overdue(
    bucket: Bucket, cluster: Cluster, plan: Plan, *, since: float
) -> Iterator[tuple[StoredLock, str]]:
    """The locks of dead holders that should be gone, and why. `since`: when faults stopped."""
    if plan.breaks is not None or plan.repository.shared or plan.api_faults.denied:
        return
    for lock in bucket.locks:
        process = lock.process
        dead = not process.alive and process.died is not None and process.died < since
        let_go = process.lock is not lock and lock.written < since
        if not (dead or let_go) or lock.put_back or not _ours(lock, plan):
            continue
        if plan.far_clocks and lock.time > lock.written:
            continue  # for as long as the holder's clock was ahead it is in the future
        why = _shown(lock, cluster, plan)
        if why is not None:
            yield lock, why


def _ours(lock: StoredLock, plan: Plan) -> bool:
    hostname = lock.process.hostname
    return any(fnmatchcase(hostname, pattern.name) for pattern in plan.repository.holders)


def _shown(lock: StoredLock, cluster: Cluster, plan: Plan) -> str | None:
    """How the API shows that the holder is gone; None where it does not."""
    hostname = lock.process.hostname
    if cluster.api.has("nodes", hostname):
        return None
    carriers = [
        pod for pod in cluster.pods if cluster.api.has("pods", pod.uid) and pod.hostname == hostname
    ]
    if carriers and plan.far_clocks:
        return None  # times of two hosts cannot be compared then
    if not all(
        _over(lock, pod, container, plan) for pod in carriers for container in pod.containers
    ):
        return None
    return "ended or replaced" if carriers else "absent"


def _lately_back(host: Host, plan: Plan) -> bool:
    """Its kubelet was cut off until a while ago: statuses of before count for nothing until its
    Node has been Ready for min_age, and three sweeps may come after that.
    """
    ready_for = host.read_clock() - host.ready_since
    min_age = plan.policy.min_age_of(plan.repository).total_seconds()
    return ready_for < min_age + 3 * plan.period + 2 * MAX_SKEW


def _over(lock: StoredLock, pod: Pod, container: Container, plan: Plan) -> bool:
    """Whether this container, as it is now and is reported, clearly began later or has ended."""
    if not pod.host.connected or _lately_back(pod.host, plan):
        return False
    if not plan.policy.observe_nodes and pod.phase not in ("Succeeded", "Failed"):
        return container.started is not None and container.started > lock.time + 2 * MAX_SKEW
    margin = 2 * MAX_SKEW
    if container.started is not None:
        return container.started > lock.time + margin
    return container.ended is not None or pod.created > lock.time + margin
