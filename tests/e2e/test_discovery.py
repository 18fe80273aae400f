"""The janitor finds repositories by itself: a killed backup of each system, and what is told."""

from __future__ import annotations

import pytest

from . import backups, manifests
from .crds import custom
from .programs import apply, get, kubectl, poll

STASH = "stash.appscode.com"
KUBESTASH = "storage.kubestash.com/v1alpha1"
VOLSYNC = "volsync.backube/v1alpha1"
K8UP = "k8up.io/v1"


def s3_of(repository):
    """Endpoint, bucket and prefix of the test's repository."""
    endpoint, _, path = (
        repository.environment["RESTIC_REPOSITORY"].removeprefix("s3:http://").partition("/")
    )
    bucket, _, prefix = path.partition("/")
    return f"http://{endpoint}", bucket, prefix


def stash(namespace, repository):
    endpoint, bucket, prefix = s3_of(repository)
    s3 = {"endpoint": endpoint, "bucket": bucket, "prefix": prefix}
    backend = {"storageSecretName": "repository", "s3": s3}
    target = {"ref": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": "data"}}
    apply(
        custom(f"{STASH}/v1alpha1", "Repository", namespace, "db", {"backend": backend}),
        custom(
            f"{STASH}/v1beta1",
            "BackupConfiguration",
            namespace,
            "db-backup",
            {"repository": {"name": "db"}, "target": target},
        ),
    )
    return "stash-backup-db-backup-1764200000-0", "pvc-backup-0", ("Repository", "db")


def kubestash(namespace, repository):
    endpoint, bucket, prefix = s3_of(repository)
    s3 = {"endpoint": endpoint, "bucket": bucket, "secretName": "repository"}
    spec = {
        "storageRef": {"name": "main"},
        "path": "",
        "encryptionSecret": {"name": "repository"},
    }
    apply(
        custom(
            KUBESTASH, "BackupStorage", namespace, "main", {"storage": {"provider": "s3", "s3": s3}}
        ),
        custom(KUBESTASH, "Repository", namespace, "db", spec, status={"componentPaths": [prefix]}),
    )
    return "some-job-of-kubestash", "backup", ("Repository", "db")


def volsync(namespace, repository):
    restic = {"restic": {"repository": "repository", "copyMethod": "Snapshot"}}
    apply(custom(VOLSYNC, "ReplicationSource", namespace, "plex", {"sourcePVC": "p", **restic}))
    return "volsync-src-plex", "restic", ("ReplicationSource", "plex")


def k8up(namespace, repository):
    endpoint, bucket, prefix = s3_of(repository)
    s3 = {
        "endpoint": endpoint,
        "bucket": f"{bucket}/{prefix}",
        "accessKeyIDSecretRef": {"name": "repository", "key": "AWS_ACCESS_KEY_ID"},
        "secretAccessKeySecretRef": {"name": "repository", "key": "AWS_SECRET_ACCESS_KEY"},
    }
    backend = {
        "repoPasswordSecretRef": {"name": "repository", "key": "RESTIC_PASSWORD"},
        "s3": s3,
    }
    spec = {"backend": backend, "backup": {"schedule": "@daily"}}
    apply(custom(K8UP, "Schedule", namespace, "nightly", spec))
    return "backup-nightly-backup-x2x9k-0", "backup", ("Schedule", "nightly")


SOURCES = {"stash": stash, "kubestash": kubestash, "volsync": volsync, "k8up": k8up}


def job(namespace, name, repository, container):
    """A Job whose one pod backs up, as the operator would start it."""
    made = manifests.container(
        container, repository.image, ["sh", "-c", manifests.HOLD], secret="repository"
    )
    spec = manifests.pod_spec([made], restartPolicy="Never")
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"backoffLimit": 0, "template": {"spec": spec}},
    }


def kill_job(namespace, name, container):
    """SIGKILL inside its pod; then the Job goes, and its pod with it."""
    (pod,) = get("pods", "-l", f"job-name={name}", namespace=namespace)["items"]
    pod = pod["metadata"]["name"]
    backups.shell(namespace, pod, "pkill -KILL restic; pkill -KILL sleep", container=container)
    poll("it ended", lambda: backups.phase(namespace, pod) in ("Failed", "Succeeded"), seconds=60)
    kubectl("delete", "job", name, "--cascade=foreground", namespace=namespace)
    return pod


def discover(namespace, *sources, **settings):
    """The configuration and the components of sources, in the test's namespace alone."""
    return {
        "discover": {source: {"namespaces": [namespace], **settings} for source in sources},
        "components": tuple(f"discover-{source}" for source in sources),
    }


@pytest.mark.parametrize("source", SOURCES)
def test_a_killed_backup_of_each_system(namespace, repository, install, source):
    """Otherwise people who let an operator run restic still unlock by hand."""
    name, container, (kind, owner) = SOURCES[source](namespace, repository)
    apply(job(namespace, name, repository, container))
    lock = repository.wait_for_lock()
    pod = kill_job(namespace, name, container)
    janitor = install(**discover(namespace, source))

    run = janitor.run_until_judged(lock)
    assert run.verdicts() == {lock: "holder-absent"}, run.log
    line = run.locks()[lock]
    assert line["hostname"] == pod
    assert line["evidence"]["hostname_is_ours"] in ("owner", "event"), line
    assert (run.exit_code, repository.locks()) == (0, set())
    (found,) = run.repositories().values()
    assert (found["source"], found["owners"][0]["name"]) == (source, owner)
    told = get("events.events.k8s.io", namespace=namespace)["items"]
    about = {(each["regarding"]["kind"], each["regarding"]["name"]) for each in told
             if each.get("reason") == "StaleLockRemoved"}  # fmt: skip
    assert about == {(kind, owner)}
    repository.assert_works()


def test_one_label_on_a_cronjob(namespace, repository, install):
    """Otherwise everything written by hand, which is most of it, needs a configuration.

    Its keys are in two Secrets, one of them under a name of its own.
    """
    values = dict(repository.environment)
    apply(
        manifests.secret(namespace, "app-backup", {"resticKey": values.pop("RESTIC_PASSWORD")}),
        manifests.secret(namespace, "object-store", values),
    )
    made = manifests.container("restic", repository.image, ["sh", "-c", manifests.HOLD])
    made["envFrom"] = [{"secretRef": {"name": "object-store"}}]
    reference = {"secretKeyRef": {"name": "app-backup", "key": "resticKey"}}
    made["env"] = [{"name": "RESTIC_PASSWORD", "valueFrom": reference}]
    template = {"spec": manifests.pod_spec([made], restartPolicy="Never")}
    apply(
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {
                "name": "nightly",
                "namespace": namespace,
                "labels": {"restic-janitor.io/discover": "true"},
            },
            "spec": {
                "schedule": "0 0 1 1 *",
                "jobTemplate": {"spec": {"backoffLimit": 0, "template": template}},
            },
        }
    )
    kubectl("create", "job", "nightly-29401234", "--from=cronjob/nightly", namespace=namespace)
    lock = repository.wait_for_lock()
    kill_job(namespace, "nightly-29401234", "restic")
    janitor = install(**discover(namespace, "workloads"))

    run = janitor.run_until_judged(lock)
    assert run.verdicts() == {lock: "holder-absent"}, run.log
    assert run.locks()[lock]["evidence"]["hostname_is_ours"] in ("owner", "event")
    assert list(run.repositories()) == [f"workloads/{namespace}/nightly"]
    assert (run.exit_code, repository.locks()) == (0, set())


def test_what_is_found_is_told_apart(namespace, repository, install):
    """Otherwise one broken object would hide the others, or two volumes be one repository."""
    restic = {"restic": {"repository": "repository"}}
    claims = [
        {"mountPath": "/safe/data", "persistentVolumeClaim": {"claimName": name}}
        for name in ("a", "b")
    ]
    ignore = {"restic-janitor.io/ignore": "true"}
    other = repository.environment["RESTIC_REPOSITORY"] + "-ignored"
    apply(
        manifests.secret(
            namespace, "ignored", repository.environment | {"RESTIC_REPOSITORY": other}
        ),
        custom(VOLSYNC, "ReplicationSource", namespace, "app", restic),
        custom(VOLSYNC, "ReplicationDestination", namespace, "app-dst", restic),
        custom(
            VOLSYNC,
            "ReplicationSource",
            namespace,
            "quiet",
            {"restic": {"repository": "ignored"}},
            annotations=ignore,
        ),
        custom(
            VOLSYNC, "ReplicationSource", namespace, "broken", {"restic": {"repository": "none"}}
        ),
        *(
            custom(
                f"{STASH}/v1alpha1",
                "Repository",
                namespace,
                local["persistentVolumeClaim"]["claimName"],
                {"backend": {"storageSecretName": "repository", "local": local}},
            )
            for local in claims
        ),
    )
    janitor = install(**discover(namespace, "volsync", "stash"))

    run = janitor.run()
    states = {name: line["state"] for name, line in run.repositories().items()}
    assert states == {
        f"volsync/{namespace}/app": "unlocked",
        f"volsync/{namespace}/quiet": "ignored",
        f"volsync/{namespace}/broken": "incomplete",
        f"stash/{namespace}/a": "not-mounted",
        f"stash/{namespace}/b": "not-mounted",
    }, run.log
    app = run.repositories()[f"volsync/{namespace}/app"]
    assert [owner["name"] for owner in app["owners"]] == ["app", "app-dst"]
    assert run.exit_code == 0

    janitor.take_away("clusterrolebinding", f"restic-janitor-discover-stash-{namespace}")
    run = janitor.run()
    states = {name: line["state"] for name, line in run.repositories().items()}
    assert (states["stash"], states[f"volsync/{namespace}/app"]) == ("unauthorized", "unlocked")
    assert "k8s/components/discover-stash grants it" in run.repositories()["stash"]["detail"]
    assert run.exit_code == 1
