"""Between the janitor and the API server, which keeps its state: cut and half-open requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from janitor.state import decode
from tests.faults.commands import Ended, Forks
from tests.faults.proxy import Fault, Proxy, proxy
from tests.faults.site import STATE, Site, assert_told, site_in
from tests.servers.rest import RestServer

PLACES = {
    "clock": "GET /version",
    "nodes": "/api/v1/nodes",
    "events": "/api/v1/events",
    "pods": "/api/v1/pods",
    "read": "GET /api/v1/namespaces/janitor/configmaps",
    "write": "PUT /api/v1/namespaces/janitor/configmaps",
}
ONCE = {
    "lost": Fault(cut_before=True, times=1),
    "unanswered": Fault(cut_after=0, times=1),
    "half": Fault(cut_after=140, times=1),
}
ALWAYS = {
    "lost": Fault(cut_before=True),
    "half": Fault(cut_after=140, politely=True),
    "half-open": Fault(swallow=True),
}
BROKEN = ("broke the connection off", "did not answer in time", "did not finish its answer")


def sweep(forks: Forks, site: Site, between: Proxy) -> Ended:
    """With a ConfigMap for the state; every request to the API server goes through the proxy."""
    how = site.how()
    direct = Path(how["environment"]["KUBECONFIG"])
    kubeconfig = direct.with_name("through-the-proxy")
    kubeconfig.write_text(direct.read_text().replace(f":{site.api.port}", f":{between.port}"))
    how["environment"] = {"KUBECONFIG": str(kubeconfig), "POD_NAMESPACE": STATE[0]}
    words = (*site.words, "--state", f"configmap:{STATE[1]}")
    return forks.run(site.installation, *words, state=False, impatient=True, **how)


def kept(site: Site) -> set[str]:
    """The repositories in the state; it is a ValueError where that is not whole."""
    return set(decode(site.api.configmaps[STATE]["data"]["state.json"]).repositories)


@pytest.fixture
def site(tmp_path: Path, rest_server: RestServer) -> Iterator[Site]:
    with site_in(tmp_path, rest_server, in_a_pod=False) as made:
        yield made


@pytest.mark.timeout(300)
def test_one_lost_request_costs_nothing(site: Site, forks: Forks) -> None:
    """Else every restart of an API server leaves locks for another half hour."""
    for where in PLACES.values():
        for kind, fault in ONCE.items():
            site.restore()
            one = replace(fault, where=where)
            with proxy(site.api.port, one) as between:
                done = sweep(forks, site, between)
            assert one.times == 0, f"{where} was never asked for"
            assert done.code == 0, f"{where}, {kind}: {done.out}"
            assert set(site.gone()) == set(site.dead.values())
            assert_told(site, done)
            assert kept(site) == set(site.repositories)


@pytest.mark.parametrize("kind", ALWAYS)
@pytest.mark.timeout(300)
def test_what_cannot_be_asked_keeps_every_lock(kind: str, site: Site, forks: Forks) -> None:
    """Else half an answer, or none, is taken for a cluster without the holder."""
    for name, where in PLACES.items():
        site.restore()
        with proxy(site.api.port, replace(ALWAYS[kind], where=where)) as between:
            done = sweep(forks, site, between)
        # Events are evidence only; what could not be written was not needed for this sweep
        removes = name in ("events", "write")
        assert set(site.gone()) == (set(site.dead.values()) if removes else set()), name
        assert_told(site, done)
        assert kept(site) == set(site.repositories)
        assert set(done.states.values()) == {"read"}
        # a state that was written although no answer came is found there by the next look
        well = name == "events" or (name, kind) == ("write", "half")
        assert done.code == (0 if well else 1), f"{name}: {done.out}"
        if not well:
            said = str(done.of("sweep")[0]["detail"])
            said += "".join(line["detail"] for line in done.of("lock"))
            assert any(words in said for words in BROKEN), f"{name}: {said}"
