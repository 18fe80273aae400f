"""An API server with many pods of a Deployment with a sidecar, 9 KB each, in a process of its own,
until standard input ends.

python -m bench.cluster KUBECONFIG PODS: prints `ready`, and in the end what it was asked
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.apiserver import START, ApiServer, node, pod


def main(kubeconfig: Path, count: int) -> None:
    with ApiServer().running() as api:
        api.nodes = [node()]
        api.pods = [_pod(number) for number in range(count)]
        api.kubeconfig(kubeconfig)
        print("ready", flush=True)
        sys.stdin.read()
        print(json.dumps(_asked(api)), flush=True)


def _asked(api: ApiServer) -> dict[str, int]:
    """`failed` are lists of the pods that failed, which are few: nothing else is selected by."""
    asked = [request for request in api.requests if request.path == "/api/v1/pods"]
    pages = [request for request in asked if "fieldSelector" not in request.query]
    return {
        "lists": sum("continue" not in request.query for request in pages),
        "pages": len(pages),
        "failed": sum(
            request.query.get("fieldSelector") == "status.phase=Failed"
            and "continue" not in request.query
            for request in asked
        ),
        "requests": len(api.requests),
    }


def _pod(number: int) -> dict[str, Any]:
    """One of a Deployment with a sidecar, with all that the API server sends of such a pod."""
    replica_set = f"web-{number // 10:05x}"
    name, namespace = f"{replica_set}-{number:06}", f"team-{number // 2_000}"
    made = pod(name, namespace=namespace, containers=("app", "proxy"))
    made["metadata"] |= {
        "generateName": f"{replica_set}-",
        "labels": {"app": "web", "pod-template-hash": replica_set.removeprefix("web-")},
        "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": replica_set, "uid": name}
            | {"controller": True, "blockOwnerDeletion": True}
        ],
    }
    made["spec"]["containers"] = [_container(each) for each in ("app", "proxy")]
    made["spec"] |= _SPEC
    made["status"] |= {
        "hostIP": "10.0.0.1",
        "hostIPs": [{"ip": "10.0.0.1"}],
        "podIP": f"10.1.{number // 250 % 250}.{number % 250}",
        "startTime": START,
        "conditions": [_condition(each) for each in _CONDITIONS],
    }
    for status in made["status"]["containerStatuses"]:
        status |= {"ready": True, "started": True, "lastState": {}, "image": _IMAGE}
        status |= {"imageID": f"sha256:{'a' * 64}", "containerID": f"containerd://{number:064x}"}
    parts = {key: made[key] for key in ("spec", "status")}
    made["metadata"]["managedFields"] = [
        {"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1"}
        | {"time": START, "fieldsType": "FieldsV1", "fieldsV1": _fields(parts)}
    ]
    return made


def _container(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "image": _IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
        "env": [{"name": f"SETTING_{each}", "value": f"value {each}"} for each in range(15)],
        "resources": {"limits": {"memory": "256Mi"}, "requests": {"cpu": "100m"}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}, "periodSeconds": 10},
        "terminationMessagePath": "/dev/termination-log",
        "securityContext": {"allowPrivilegeEscalation": False, "runAsNonRoot": True},
    }


def _condition(kind: str) -> dict[str, Any]:
    return {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": START}


def _fields(value: object) -> dict[str, Any]:
    """As `managedFields` names every field that somebody set."""
    if isinstance(value, dict):
        return {f"f:{key}": _fields(item) for key, item in value.items()}
    if isinstance(value, list):
        return {f'k:{{"name":"{index}"}}': _fields(item) for index, item in enumerate(value)}
    return {}


_IMAGE = "registry.example/team/web:1.2.3"
_CONDITIONS = ("Initialized", "Ready", "ContainersReady", "PodScheduled")
_SPEC = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "serviceAccountName": "web",
    "schedulerName": "default-scheduler",
    "volumes": [{"name": "tmp", "emptyDir": {}}],
    "tolerations": [
        {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
        for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
    ],
}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
