"""Which tests stand for which module: the smallest set that knows all of it."""

from __future__ import annotations

from collections.abc import Mapping

_CLUSTER = "tests/unit/cluster/"

TESTS: Mapping[str, tuple[str, ...]] = {
    "janitor.judge": ("tests/unit/judge",),
    "janitor.holder": ("tests/unit/judge",),
    "janitor.diagnose": ("tests/unit/diagnose",),
    "janitor.death": ("tests/unit/diagnose",),
    "janitor.advice": ("tests/unit/diagnose",),
    "janitor.wording": ("tests/unit/diagnose",),
    "janitor.blocked": ("tests/unit/diagnose",),
    "janitor.cluster.investigate": (f"{_CLUSTER}test_investigate.py",),
    "janitor.cluster.failures": (f"{_CLUSTER}test_failures.py",),
    "janitor.keyring": ("tests/unit/test_keyring.py",),
    "janitor.remove": ("tests/sweep/test_remove.py", "tests/sweep/test_order.py"),
    "janitor.read": (
        "tests/sweep/test_read.py",
        "tests/sweep/test_order.py",
        "tests/sweep/test_copies.py",
    ),
    "janitor.cluster.client": (f"{_CLUSTER}test_client.py", f"{_CLUSTER}test_observe.py"),
    "janitor.cluster.configmap": (f"{_CLUSTER}test_configmap.py",),
    "janitor.cluster.connect": (f"{_CLUSTER}test_connect.py",),
    "janitor.cluster.decode": (f"{_CLUSTER}test_decode.py", f"{_CLUSTER}test_file.py"),
    "janitor.cluster.errors": (f"{_CLUSTER}test_errors.py", f"{_CLUSTER}test_configmap.py"),
    "janitor.cluster.events_writer": (f"{_CLUSTER}test_events_writer.py",),
    "janitor.cluster.exchange": (
        f"{_CLUSTER}test_exchange.py",
        f"{_CLUSTER}test_connect.py",
        f"{_CLUSTER}test_observe.py",
    ),
    "janitor.cluster.file": (f"{_CLUSTER}test_file.py",),
    "janitor.cluster.kubeconfig": (f"{_CLUSTER}test_kubeconfig.py", f"{_CLUSTER}test_connect.py"),
    "janitor.cluster.observe": (f"{_CLUSTER}test_observe.py",),
    "janitor.cluster.paging": (f"{_CLUSTER}test_paging.py",),
    "janitor.cluster.rights": (f"{_CLUSTER}test_failures.py", f"{_CLUSTER}test_observe.py"),
    "janitor.cluster.wire": (
        f"{_CLUSTER}test_decode.py",
        f"{_CLUSTER}test_file.py",
        f"{_CLUSTER}test_paging.py",
    ),
}
"""`cluster.port` holds nothing that runs."""
