"""The cluster of the example: what `kubectl get pods,nodes -A -o json` would print.

It is made up, in the shape of a real answer; the times fit the locks of the repositories.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime, timedelta
from typing import Any

Document = dict[str, Any]
DAY = timedelta(days=1)


def cluster(now: datetime, *, started: datetime, sidecar_killed: datetime) -> Document:
    """A v1 List. `now` is its newest time; the backups of the example began at `started`."""
    minutes = int(started.timestamp()) // 60
    pods = [
        *unrelated(now),
        running_job("shop-files-backup", minutes, "h7k4d", started),
        running_job("shop-db-backup", minutes + 30, "m8v5j", started + timedelta(minutes=30)),
        evicted_prune(minutes, started),
        wiki(now, sidecar_killed),
        archive(now),
    ]
    nodes = [
        node("control-plane-1", "10.10.0.10", now - timedelta(seconds=140), now),
        node("worker-1", "10.10.0.21", now, now),
        node("worker-2", "10.10.0.22", now - timedelta(seconds=71), now),
    ]
    return {
        "apiVersion": "v1",
        "items": [*pods, *nodes],
        "kind": "List",
        "metadata": {"resourceVersion": ""},
    }


def unrelated(now: datetime) -> list[Document]:
    """Pods that hold no lock."""
    old = now - 9 * DAY
    done = now - timedelta(hours=7)
    return [
        pod(
            "kube-system",
            "coredns-668d6bf9bc-4xw9p",
            old,
            owner=("ReplicaSet", "coredns-668d6bf9bc"),
            containers=[running("coredns", "registry.example.com/coredns:v1.12.1", old)],
        ),
        pod(
            "kube-system",
            "kube-proxy-7l5cz",
            old,
            owner=("DaemonSet", "kube-proxy"),
            containers=[running("kube-proxy", "registry.example.com/kube-proxy:v1.34.1", old)],
            host_network=True,
        ),
        pod(
            "shop",
            "shop-db-0",
            old,
            owner=("StatefulSet", "shop-db"),
            containers=[running("postgres", "registry.example.com/postgres:17", old)],
        ),
        pod(
            "shop",
            "shop-web-7c9d8f6b5d-k6t2r",
            now - 2 * DAY,
            owner=("ReplicaSet", "shop-web-7c9d8f6b5d"),
            containers=[running("web", "registry.example.com/shop-web:2.14.0", now - 2 * DAY)],
        ),
        pod(
            "shop",
            "shop-report-29925960-9qv4h",
            done,
            owner=("Job", "shop-report-29925960"),
            phase="Succeeded",
            containers=[
                terminated("report", "registry.example.com/shop-report:1.3", done, 41, exit_code=0)
            ],
        ),
    ]


def running_job(cronjob: str, minutes: int, suffix: str, started: datetime) -> Document:
    """A backup that is at work."""
    return pod(
        "shop",
        f"{cronjob}-{minutes}-{suffix}",
        started,
        owner=("Job", f"{cronjob}-{minutes}"),
        containers=[
            running("restic", "registry.example.com/restic:0.19.1", started + timedelta(seconds=3))
        ],
    )


def evicted_prune(minutes: int, started: datetime) -> Document:
    """The kubelet evicted it, since its temporary folder outgrew its limit."""
    document = pod(
        "shop",
        f"shop-media-prune-{minutes}-tz6wq",
        started,
        owner=("Job", f"shop-media-prune-{minutes}"),
        phase="Failed",
        containers=[
            terminated("restic", "registry.example.com/restic:0.14.0", started, 402, exit_code=137)
        ],
        volumes=[{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}],
    )
    document["status"] |= {
        "reason": "Evicted",
        "message": 'Usage of EmptyDir volume "tmp" exceeds the limit "1Gi". ',
    }
    disrupted = condition("DisruptionTarget", holds=True, since=started + timedelta(seconds=400))
    disrupted |= {"message": document["status"]["message"], "reason": "TerminationByKubelet"}
    document["status"]["conditions"].insert(0, disrupted)
    return document


def wiki(now: datetime, killed: datetime) -> Document:
    """Stash's sidecar was OOM-killed and restarted; the application beside it never stopped."""
    created = now - 3 * DAY
    sidecar = running("stash", "registry.example.com/stash:0.38.0", killed + timedelta(seconds=4))
    sidecar["status"]["restartCount"] = 1
    sidecar["status"]["lastState"] = {
        "terminated": {
            "containerID": container_id("wiki", "wiki-6d4b75cb6d-q7x2m", "stash", "first"),
            "exitCode": 137,
            "finishedAt": stamp(killed),
            "reason": "OOMKilled",
            "startedAt": stamp(created + timedelta(seconds=9)),
        }
    }
    sidecar["spec"]["resources"] = {"limits": {"memory": "256Mi"}, "requests": {"memory": "128Mi"}}
    return pod(
        "wiki",
        "wiki-6d4b75cb6d-q7x2m",
        created,
        owner=("ReplicaSet", "wiki-6d4b75cb6d"),
        containers=[running("wiki", "registry.example.com/wiki:5.2", created), sidecar],
        node_name="worker-2",
    )


def archive(now: datetime) -> Document:
    """A StatefulSet whose sidecar runs since the pod began."""
    created = now - 5 * DAY
    return pod(
        "archive",
        "archive-0",
        created,
        owner=("StatefulSet", "archive"),
        containers=[
            running("archive", "registry.example.com/archive:8.0", created),
            running("backup", "registry.example.com/restic:0.14.0", created),
        ],
        node_name="worker-2",
    )


def pod(
    namespace: str,
    name: str,
    created: datetime,
    *,
    owner: tuple[str, str],
    containers: list[Document],
    phase: str = "Running",
    node_name: str = "worker-1",
    volumes: list[Document] | None = None,
    host_network: bool = False,
) -> Document:
    """One pod, as large as the API server sends it."""
    kind, owner_name = owner
    api = {"Job": "batch/v1"}.get(kind, "apps/v1")
    labels = {"app.kubernetes.io/name": owner_name}
    metadata: Document = {
        "creationTimestamp": stamp(created),
        "generateName": f"{owner_name}-",
        "labels": labels,
        "name": name,
        "namespace": namespace,
        "ownerReferences": [
            {
                "apiVersion": api,
                "blockOwnerDeletion": True,
                "controller": True,
                "kind": kind,
                "name": owner_name,
                "uid": uid(kind, namespace, owner_name),
            }
        ],
        "resourceVersion": str(int(created.timestamp()) % 10_000_000),
        "uid": uid("Pod", namespace, name),
    }
    if kind == "ReplicaSet":
        labels["app.kubernetes.io/name"], labels["pod-template-hash"] = owner_name.rsplit("-", 1)
    if kind == "Job":
        labels["batch.kubernetes.io/job-name"] = owner_name
    token = f"kube-api-access-{name[-5:]}"
    for container in containers:
        container["spec"]["volumeMounts"] = [
            {
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
                "name": token,
                "readOnly": True,
            }
        ]
        identity = container_id(namespace, name, container["spec"]["name"])
        for described in (container["status"], container["status"]["state"].get("terminated")):
            if described is not None:
                described["containerID"] = identity
    spec: Document = {
        "containers": [container["spec"] for container in containers],
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": True,
        "nodeName": node_name,
        "preemptionPolicy": "PreemptLowerPriority",
        "priority": 0,
        "restartPolicy": "Never" if kind == "Job" else "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "serviceAccount": "default",
        "serviceAccountName": "default",
        "terminationGracePeriodSeconds": 30,
        "tolerations": [
            {"effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": 300}
            for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
        ],
        "volumes": [*(volumes or []), projected_token(token)],
    }
    if host_network:
        spec["hostNetwork"] = True
    limited = any(container["spec"]["resources"] for container in containers)
    ready = phase == "Running"
    address = {"worker-1": "10.10.0.21", "worker-2": "10.10.0.22"}[node_name]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": spec,
        "status": {
            "conditions": [
                condition(kind_, state, created)
                for kind_, state in (
                    ("PodReadyToStartContainers", ready),
                    ("Initialized", True),
                    ("Ready", ready),
                    ("ContainersReady", ready),
                    ("PodScheduled", True),
                )
            ],
            "containerStatuses": [container["status"] for container in containers],
            "hostIP": address,
            "hostIPs": [{"ip": address}],
            "phase": phase,
            "qosClass": "Burstable" if limited else "BestEffort",
            "startTime": stamp(created),
        },
    }


def running(name: str, image: str, since: datetime) -> Document:
    """A container's part of the spec, and its status."""
    return container(name, image, {"running": {"startedAt": stamp(since)}}, ready=True)


def terminated(name: str, image: str, since: datetime, seconds: int, *, exit_code: int) -> Document:
    """A container that ended by itself (0) or was killed (137)."""
    state = {
        "terminated": {
            "exitCode": exit_code,
            "finishedAt": stamp(since + timedelta(seconds=seconds)),
            "reason": "Error" if exit_code else "Completed",
            "startedAt": stamp(since + timedelta(seconds=3)),
        }
    }
    return container(name, image, state, ready=False)


def container(name: str, image: str, state: Document, *, ready: bool) -> Document:
    """Both halves of a container."""
    digest = hashlib.sha256(image.encode()).hexdigest()
    return {
        "spec": {
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "name": name,
            "resources": {},
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
        },
        "status": {
            "image": image,
            "imageID": f"{image.rpartition(':')[0]}@sha256:{digest}",
            "lastState": {},
            "name": name,
            "ready": ready,
            "restartCount": 0,
            "started": ready,
            "state": state,
        },
    }


def node(name: str, address: str, heartbeat: datetime, now: datetime) -> Document:
    """One healthy Node."""
    kinds = {
        "MemoryPressure": ("False", "KubeletHasSufficientMemory"),
        "DiskPressure": ("False", "KubeletHasNoDiskPressure"),
        "PIDPressure": ("False", "KubeletHasSufficientPID"),
        "Ready": ("True", "KubeletReady"),
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "creationTimestamp": stamp(now - 30 * DAY),
            "labels": {
                "beta.kubernetes.io/arch": "amd64",
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
            },
            "name": name,
            "resourceVersion": str(int(heartbeat.timestamp()) % 10_000_000),
            "uid": uid("Node", "", name),
        },
        "spec": {"podCIDR": "10.244.0.0/24", "podCIDRs": ["10.244.0.0/24"]},
        "status": {
            "addresses": [
                {"address": address, "type": "InternalIP"},
                {"address": name, "type": "Hostname"},
            ],
            "allocatable": {"cpu": "4", "memory": "16248304Ki", "pods": "110"},
            "capacity": {"cpu": "4", "memory": "16350704Ki", "pods": "110"},
            "conditions": [
                {
                    "lastHeartbeatTime": stamp(heartbeat),
                    "lastTransitionTime": stamp(now - 30 * DAY),
                    "message": reason,
                    "reason": reason,
                    "status": status,
                    "type": kind,
                }
                for kind, (status, reason) in kinds.items()
            ],
            "nodeInfo": {
                "architecture": "amd64",
                "containerRuntimeVersion": "containerd://2.1.4",
                "kernelVersion": "6.12.48",
                "kubeletVersion": "v1.34.1",
                "operatingSystem": "linux",
                "osImage": "Debian GNU/Linux 13 (trixie)",
            },
        },
    }


def projected_token(name: str) -> Document:
    """The volume that every pod gets."""
    sources: list[Document] = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
    ]
    return {"name": name, "projected": {"defaultMode": 420, "sources": sources}}


def condition(kind: str, holds: bool, since: datetime) -> Document:
    """One entry of a pod's `status.conditions`."""
    return {
        "lastProbeTime": None,
        "lastTransitionTime": stamp(since),
        "status": str(holds),
        "type": kind,
    }


def stamp(time: datetime) -> str:
    """As Kubernetes writes times: whole seconds, UTC."""
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def uid(*parts: str) -> str:
    """The same for the same object, at every making."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(parts)))


def container_id(*parts: str) -> str:
    """Looks like containerd's."""
    return f"containerd://{hashlib.sha256('/'.join(parts).encode()).hexdigest()}"
