"""The objects that the tests create: all of them pass the restricted Pod Security Standard."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

HOLD = "sleep infinity | restic backup --stdin"
"""Holds a lock for good: restic waits for input that never comes. The shell is process 1 and passes
no signal on, so that a forced delete or an eviction leaves the lock."""
USER = 65532
RESTRICTED: Object = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}
BOXED: Object = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def namespace(name: str) -> Object:
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "restic-janitor-e2e": "test"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def claim(namespace: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "backups", "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }


def secret(namespace: str, name: str, values: dict[str, str]) -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values}


def container(name: str, image: str, command: list[str], **more: Any) -> Object:
    """A container; `secret` names the Secret that is its environment, `volume` mounts the claim."""
    mounts = [{"name": "tmp", "mountPath": "/tmp"}]
    if more.pop("volume", False):
        mounts.append({"name": "repositories", "mountPath": "/repos/backups"})
    made: Object = {
        "name": name,
        "image": image,
        "imagePullPolicy": "Never",
        "command": command,
        "securityContext": BOXED,
        "volumeMounts": mounts,
    }
    if source := more.pop("secret", None):
        made["envFrom"] = [{"secretRef": {"name": source}}]
    return made | more


def pod_spec(containers: list[Object], *, temporary: Object | None = None, **more: Any) -> Object:
    """A pod's spec; `temporary` is the emptyDir at /tmp."""
    volumes: list[Object] = [{"name": "tmp", "emptyDir": temporary or {}}]
    if any(
        mount["name"] == "repositories" for each in containers for mount in each["volumeMounts"]
    ):
        volumes.append({"name": "repositories", "persistentVolumeClaim": {"claimName": "backups"}})
    return {
        "containers": containers,
        "volumes": volumes,
        "securityContext": RESTRICTED,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
    } | more


def pod(
    namespace: str,
    name: str,
    image: str,
    command: list[str],
    *,
    spec: Object | None = None,
    **more: Any,
) -> Object:
    """A pod of one container `backup` that is not restarted."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": pod_spec([container("backup", image, command, **more)], restartPolicy="Never")
        | (spec or {}),
    }


def workload(kind: str, namespace: str, name: str, spec: Object, **more: Any) -> Object:
    """A Deployment or StatefulSet of one replica."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        }
        | more,
    }


def server(namespace: str, name: str, image: str, command: list[str], port: int) -> list[Object]:
    """A server with its Service; what it stores goes with its pod."""
    made = container(
        name, image, command, readinessProbe={"tcpSocket": {"port": port}, "periodSeconds": 1}
    )
    made["volumeMounts"].append({"name": "data", "mountPath": "/data"})
    spec = pod_spec([made])
    spec["volumes"].append({"name": "data", "emptyDir": {}})
    service: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"app": name}, "ports": [{"port": port}]},
    }
    return [workload("Deployment", namespace, name, spec), service]
