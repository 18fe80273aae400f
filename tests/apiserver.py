"""A small Kubernetes API server on 127.0.0.1 for tests: lists, pages, ConfigMaps, Events, faults.

It answers as the real one does where the janitor can tell the difference: lists come from one
snapshot, continue tokens belong to it, objects have resourceVersions, errors are v1 Status
objects. `fail_next` scripts a fault for the next requests; `requests` records every one.
"""

from __future__ import annotations

import base64
import copy
import datetime as dt
import email.utils
import json
import ssl
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

START = "2026-11-24T00:00:00Z"
LATER = "2026-11-24T06:00:00Z"


def pod(
    name: str,
    *,
    namespace: str = "shop",
    uid: str | None = None,
    phase: str = "Running",
    created: str = START,
    started: str = START,
    node: str = "worker-1",
    containers: tuple[str, ...] = ("backup",),
    **spec: object,
) -> dict:
    """A Pod whose containers run since `started`; `spec` adds to its spec."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid or str(uuid.uuid5(uuid.NAMESPACE_URL, f"{namespace}/{name}")),
            "creationTimestamp": created,
        },
        "spec": {"nodeName": node, "containers": [{"name": each} for each in containers], **spec},
        "status": {
            "phase": phase,
            "containerStatuses": [
                {"name": each, "restartCount": 0, "state": {"running": {"startedAt": started}}}
                for each in containers
            ],
        },
    }


def node(
    name: str = "worker-1",
    *,
    ready: str = "True",
    since: str = START,
    heartbeat: str | None = LATER,
) -> dict:
    """A Node with one address."""
    condition = {
        "type": "Ready",
        "status": ready,
        "lastTransitionTime": since,
        "lastHeartbeatTime": heartbeat,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {
            "conditions": [condition],
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
        },
    }


def event(
    about: str, *, namespace: str = "shop", reason: str = "Killing", kind: str = "Pod"
) -> dict:
    """A v1 Event about a Pod."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{about}.{reason.lower()}", "namespace": namespace},
        "involvedObject": {"kind": kind, "namespace": namespace, "name": about},
        "reason": reason,
        "message": f"{reason} {about}",
        "lastTimestamp": START,
    }


@dataclass(frozen=True)
class Recorded:
    """One request as it arrived. `path` has no query."""

    verb: str
    """As RBAC calls it: list, get, update, create."""
    method: str
    path: str
    query: dict[str, str]
    authorization: str | None = field(repr=False)
    body: dict | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    port: int = 0
    """Of the client: the same as long as it uses one connection."""


@dataclass
class Fault:
    """What happens to requests whose path begins with `prefix`, `times` times, after `after`."""

    prefix: str
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    times: int = 1
    after: int = 0
    method: str | None = None
    hang: bool = False
    """Take the request and say nothing."""
    drop: bool = False
    """Close the connection without an answer."""
    drip_headers: bool = False
    drip_body: bool = False
    """One byte every 20 ms."""
    truncate: bool = False
    """Half of the body, then the end of the connection."""
    edit: object = None
    """A function that changes the answer's object, or returns another."""


class ApiServer:
    """Start it with `running()`. Its lists may be changed at any time, but not the
    objects in them: a snapshot is a list of the same objects.
    """

    def __init__(self, *, tls: tuple[Path, Path] | None = None) -> None:
        self.pods: list[dict] = []
        self.nodes: list[dict] = []
        self.events: list[dict] = []
        self.written_events: dict[tuple[str, str], dict] = {}
        self.configmaps: dict[tuple[str, str], dict] = {}
        self.secrets: dict[tuple[str, str], dict] = {}
        self.namespaces: dict[str, dict] = {}
        """Name to labels."""
        self.kinds: dict[tuple[str, str, str], str] = {}
        """(group, version, plural) to kind: what is installed; see `install`."""
        self.objects: dict[tuple[str, str], list[dict]] = {}
        """(group, plural) to the objects."""
        self.token: str | None = None
        """Where set, any other bearer token is a 401."""
        self.denied: set[tuple[str, str, str | None]] = set()
        """(verb, resource, namespace) that answer 403; namespace None is the cluster-wide one."""
        self.reviews: list[dict] = []
        """What the SelfSubjectAccessReviews asked for: their `resourceAttributes`."""
        self.date_skew = dt.timedelta()
        self.sends_date = True
        self.requests: list[Recorded] = []
        self.faults: list[Fault] = []
        self._version = 1000
        self._snapshots: dict[str, list[dict]] = {}
        self._lock = threading.RLock()
        self.closing = threading.Event()
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.api = self
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.port = self._http.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    @contextmanager
    def running(self) -> Iterator[ApiServer]:
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def fail_next(self, prefix: str, **fault: object) -> None:
        """Scripts a fault for the next request (or `times` of them) under this path."""
        self.faults.append(Fault(prefix, **fault))

    def install(self, group: str, version: str, plural: str, kind: str) -> None:
        """A CustomResourceDefinition, or a built-in group."""
        self.kinds[group, version, plural] = kind
        self.objects.setdefault((group, plural), [])

    def add(self, group: str, plural: str, namespace: str, name: str, **content: object) -> dict:
        """An object of a kind that is installed."""
        metadata = {"namespace": namespace, "name": name, "uid": f"uid-{namespace}-{name}"}
        metadata |= content.pop("metadata", {})
        made = {"metadata": metadata, **content}
        self.objects[group, plural].append(made)
        return made

    def add_secret(self, namespace: str, name: str, **keys: str | bytes) -> None:
        """A Secret; its keys' values are encoded as the API does."""
        data = {
            key: base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()
            for key, value in keys.items()
        }
        self.secrets[namespace, name] = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"namespace": namespace, "name": name},
            "data": data,
        }

    def deny(self, verb: str, resource: str, namespace: str | None = None) -> None:
        """Answers 403 to this verb on this resource, there, from now on."""
        self.denied.add((verb, resource, namespace))

    def kubeconfig(self, path: Path, **user: object) -> Path:
        """Writes a kubeconfig with the context `test` for this server and returns its path."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": self.url}}],
            "users": [{"name": "tester", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "tester"}}],
        }
        path.write_text(json.dumps(document))
        return path

    # --- what the handler asks ---------------------------------------------------------------

    def fault_for(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if not path.startswith(fault.prefix) or fault.method not in (None, method):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    def answer(self, request: Recorded) -> tuple[int, dict]:
        scheme, _, given = (request.authorization or "").partition(" ")
        if self.token is not None and (scheme.lower(), given) != ("bearer", self.token):
            return _status(401, "Unauthorized")
        parts = request.path.strip("/").split("/")
        if parts == ["version"]:
            return 200, {"major": "1", "minor": "36", "gitVersion": "v1.36.0"}
        if parts[0] == "apis" and len(parts) in (2, 3):
            return self._discovery(*parts[1:])
        return self._of_a_resource(request, parts)

    def _of_a_resource(self, request: Recorded, parts: list[str]) -> tuple[int, dict]:
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        namespace = rest[1] if rest[:1] == ["namespaces"] and len(rest) > 2 else None
        resource, *name = rest[2:] if namespace else rest
        if (request.verb, resource, namespace) in self.denied:
            return _status(403, "Forbidden")
        with self._lock:
            if resource in ("namespaces", "secrets") and name and request.verb == "get":
                stored = self._single(resource, namespace or "", name[0])
                return (200, stored) if stored else _status(404, "NotFound")
            if parts[0] == "apis" and (parts[1], parts[2], resource) in self.kinds:
                return self._custom(request, (parts[1], parts[2], resource), namespace, name)
            if resource == "configmaps" and name:
                return self._configmap(request, (namespace or "", name[0]))
            if parts[0] == "apis" and resource == "events" and request.verb == "create":
                return self._create_event(request, namespace or "")
            if resource == "selfsubjectaccessreviews":
                return self._review(request)
            lists = {"pods": self.pods, "nodes": self.nodes, "events": self.events}
            if request.verb == "list" and resource in lists and parts[0] == "api":
                kind = {"pods": "PodList", "nodes": "NodeList", "events": "EventList"}[resource]
                return self._list(request, kind, lists[resource], namespace)
        return _status(404, "NotFound")

    def _review(self, request: Recorded) -> tuple[int, dict]:
        """Whether what is asked for would be denied; also everywhere, where one namespace is."""
        asked = request.body["spec"]["resourceAttributes"]
        self.reviews.append(asked)
        key = (asked["verb"], asked["resource"], asked["namespace"] or None)
        review = {"kind": "SelfSubjectAccessReview", "status": {"allowed": key not in self.denied}}
        return 201, review

    def _list(
        self, request: Recorded, kind: str, items: list[dict], namespace: str | None
    ) -> tuple[int, dict]:
        limit = int(request.query.get("limit", "0")) or len(items) + 1
        token = request.query.get("continue")
        if token:
            version, begin = base64.urlsafe_b64decode(token).decode().split(":")
            snapshot = self._snapshots.get(version)
            if snapshot is None:
                return _status(410, "Expired")
        else:
            self._version += 1
            version, begin = str(self._version), "0"
            chosen = [
                item for item in items if namespace in (None, item["metadata"].get("namespace"))
            ]
            if selector := request.query.get("fieldSelector"):
                chosen = [item for item in chosen if _by_fields(item, selector)]
            snapshot = self._snapshots[version] = chosen
        end = int(begin) + limit
        metadata: dict[str, object] = {"resourceVersion": version}
        if end < len(snapshot):
            metadata["continue"] = base64.urlsafe_b64encode(f"{version}:{end}".encode()).decode()
            if "fieldSelector" not in request.query:  # else a real server does not know it
                metadata["remainingItemCount"] = len(snapshot) - end
        page = snapshot[int(begin) : end]
        return 200, {"kind": kind, "apiVersion": "v1", "metadata": metadata, "items": page}

    def _single(self, resource: str, namespace: str, name: str) -> dict | None:
        if resource == "secrets":
            return self.secrets.get((namespace, name))
        labels = self.namespaces.get(name)
        found = {"kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        return None if labels is None else found

    def _discovery(self, group: str, version: str = "") -> tuple[int, dict]:
        served = sorted({each[1] for each in self.kinds if each[0] == group})
        if not served or (version and version not in served):
            return _status(404, "NotFound")
        if not version:
            versions = [{"groupVersion": f"{group}/{each}", "version": each} for each in served]
            return 200, {"kind": "APIGroup", "name": group, "versions": versions}
        resources = [
            {"name": plural, "kind": kind}
            for (of, at, plural), kind in self.kinds.items()
            if (of, at) == (group, version)
        ]
        return 200, {"kind": "APIResourceList", "resources": resources}

    def _custom(
        self,
        request: Recorded,
        key: tuple[str, str, str],
        namespace: str | None,
        name: list[str],
    ) -> tuple[int, dict]:
        objects = self.objects[key[0], key[2]]
        if not name:
            wanted = request.query.get("labelSelector", "")
            chosen = [each for each in objects if _selected(each, wanted)]
            return self._list(request, f"{self.kinds[key]}List", chosen, namespace)
        for each in objects:
            if (each["metadata"]["namespace"], each["metadata"]["name"]) == (namespace, name[0]):
                return 200, each
        return _status(404, "NotFound")

    def _configmap(self, request: Recorded, key: tuple[str, str]) -> tuple[int, dict]:
        stored = self.configmaps.get(key)
        if stored is None:
            return _status(404, "NotFound")
        if request.verb == "get":
            return 200, stored
        if request.verb != "update" or request.body is None:
            return _status(405, "MethodNotAllowed")
        given = request.body.get("metadata", {}).get("resourceVersion")
        if given is not None and given != stored["metadata"]["resourceVersion"]:
            return _status(409, "Conflict")
        return 200, self.put_configmap(request.body)

    def put_configmap(self, body: dict) -> dict:
        """Stores it under a new resourceVersion."""
        self._version += 1
        body = copy.deepcopy(body)
        body["metadata"]["resourceVersion"] = str(self._version)
        self.configmaps[body["metadata"]["namespace"], body["metadata"]["name"]] = body
        return body

    def _create_event(self, request: Recorded, namespace: str) -> tuple[int, dict]:
        body = request.body or {}
        key = (namespace, body.get("metadata", {}).get("name", ""))
        if key in self.written_events:
            return _status(409, "AlreadyExists")
        if not _valid_event(body, namespace):
            return _status(422, "Invalid")
        self.written_events[key] = body
        return 201, body


def _valid_event(body: dict, namespace: str) -> bool:
    """The checks of events.k8s.io/v1 (pkg/apis/core/validation/events.go)."""
    return (
        body.get("apiVersion") == "events.k8s.io/v1"
        and body.get("kind") == "Event"
        and bool(body["metadata"].get("name"))
        and body["metadata"].get("namespace") == namespace == body["regarding"].get("namespace")
        and dt.datetime.strptime(body["eventTime"], "%Y-%m-%dT%H:%M:%S.%fZ") is not None
        and "/" in body.get("reportingController", "")
        and 0 < len(body.get("reportingInstance", "")) <= 128
        and 0 < len(body.get("action", "")) <= 128
        and 0 < len(body.get("reason", "")) <= 128
        and body.get("type") in ("Normal", "Warning")
        and len(body.get("note", "").encode()) <= 1024
    )


def _selected(item: dict, selector: str) -> bool:
    """A selector of `key=value` and commas."""
    labels = item["metadata"].get("labels", {})
    pairs = (each.partition("=") for each in selector.split(",") if each)
    return all(labels.get(key) == value for key, _, value in pairs)


def _by_fields(item: dict, selector: str) -> bool:
    """Whether it fits `status.phase=Failed,metadata.name!=this`."""
    for term in selector.split(","):
        path, _, wanted = term.partition("=")
        found: object = item
        for part in path.removesuffix("!").split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if (found == wanted) == path.endswith("!"):
            return False
    return True


def _status(code: int, reason: str) -> tuple[int, dict]:
    return code, {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "reason": reason,
        "message": f"{reason}, says the stand-in",
        "code": code,
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    api: ApiServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Says nothing."""

    def do_GET(self) -> None:
        self._serve("GET")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PATCH(self) -> None:
        self._serve("PATCH")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        api = self.server.api
        request = self._recorded(method)
        api.requests.append(request)
        fault = api.fault_for(method, request.path) or Fault("")
        if fault.hang:
            api.closing.wait(60)
        if fault.hang or fault.drop:
            self.close_connection = True
            return
        if fault.status is not None:
            code, document = _status(fault.status, "Scripted")
        else:
            code, document = api.answer(request)
        if callable(fault.edit):
            document = copy.deepcopy(document)
            document = fault.edit(document) or document
        body = json.dumps(document).encode() if fault.body is None else fault.body
        self._send(code, body, fault)

    def _recorded(self, method: str) -> Recorded:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        parts = url.path.strip("/").split("/")
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        if rest[:1] == ["namespaces"] and len(rest) > 2:
            rest = rest[2:]
        single = len(rest) != 1
        verbs = {"GET": "get" if single else "list", "PUT": "update", "POST": "create"}
        return Recorded(
            verb=verbs.get(method, method.lower()),
            method=method,
            path=url.path,
            query={key: values[0] for key, values in parse_qs(url.query).items()},
            authorization=self.headers.get("Authorization"),
            body=body,
            headers=dict(self.headers),
            port=self.client_address[1],
        )

    def _send(self, code: int, body: bytes, fault: Fault) -> None:
        api = self.server.api
        lines = [f"HTTP/1.1 {code} Whatever", "Content-Type: application/json"]
        lines.append(f"Content-Length: {len(body)}")
        if api.sends_date:
            now = dt.datetime.now(dt.UTC) + api.date_skew
            lines.append(f"Date: {email.utils.format_datetime(now, usegmt=True)}")
        lines += [f"{name}: {value}" for name, value in fault.headers.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        self._write(head, drip=fault.drip_headers)
        if fault.truncate:
            self._write(body[: len(body) // 2], drip=False)
            self.close_connection = True
            return
        self._write(body, drip=fault.drip_body)

    def _write(self, data: bytes, *, drip: bool) -> None:
        if not drip:
            self.wfile.write(data)
            return
        for index in range(len(data)):
            self.wfile.write(data[index : index + 1])
            if self.server.api.closing.wait(0.02):
                return
