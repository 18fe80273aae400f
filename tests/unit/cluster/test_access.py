"""The way to the API server in a pod: two files, two variables, and the environment's proxies."""

from __future__ import annotations

from pathlib import Path

import pytest
import urllib3

from janitor.cluster import access
from janitor.cluster.access import PodAccess, goes_around, pool_of

ENVIRON = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


@pytest.fixture
def account(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("first\n")
    (tmp_path / "ca.crt").write_text("PEM")
    return tmp_path


@pytest.mark.parametrize(
    ("host", "url"), [("10.96.0.1", "https://10.96.0.1:443"), ("fd00::1", "https://[fd00::1]:443")]
)
def test_where_it_is(account: Path, host: str, url: str) -> None:
    """Else a cluster of IPv6 alone cannot be reached."""
    assert PodAccess(ENVIRON | {"KUBERNETES_SERVICE_HOST": host}, account).host == url


def test_the_token_is_read_anew_every_minute(
    account: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a sweep that takes long ends with 401 when the kubelet has replaced the token."""
    now = 1000.0
    monkeypatch.setattr(access.time, "monotonic", lambda: now)
    way = PodAccess(ENVIRON, account)
    (account / "token").write_text("second\n")
    now += 59.9
    assert way.get_api_key_with_prefix("BearerToken") == "bearer first\n"
    now += 0.1
    assert way.get_api_key_with_prefix("BearerToken") == "bearer second\n"


@pytest.mark.parametrize(
    ("url", "no_proxy", "around"),
    [
        ("https://10.96.0.1:443", "10.0.0.0/8", True),
        ("https://10.96.0.1:443", "192.168.0.0/16, 10.96.0.1", True),
        ("https://10.96.0.1:443", "10.96.0.1:443", True),
        ("https://10.96.0.1:443", "10.96.0.1:6443", False),
        ("https://10.96.0.1:443", "10.96.0.10, 11.0.0.0/8", False),
        ("https://[fd00::1]:443", "fd00::/8", True),
        ("https://[fd00::1]:443", "10.0.0.0/8", False),
        ("https://api.example.com:6443", ".example.com", True),
        ("https://API.example.com:6443", "EXAMPLE.com", True),
        ("https://api.example.com:6443", "example.com:6443", True),
        ("https://user:pw@api.example.com", "api.example.com", True),
        ("https://api.example.com", "ample.com, 10.0.0.0/8, x/99", False),
        ("https://api.example.com", "*", True),
        ("https://api.example.com", "", False),
        ("https://api.example.com", " , ", False),
    ],
)
def test_whom_no_proxy_excepts(url: str, no_proxy: str, *, around: bool) -> None:
    """Else the API server is asked through a proxy that does not know it, and all is unknown."""
    assert goes_around(url, no_proxy) is around


def test_a_pods_proxy_is_that_of_its_environment(
    account: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a cluster behind a proxy cannot be reached, or one beside it only through it."""
    for name in ("https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert not isinstance(pool_of(PodAccess(ENVIRON, account)), urllib3.ProxyManager)
    monkeypatch.setenv("ALL_PROXY", "http://proxy:3128")
    assert isinstance(pool_of(PodAccess(ENVIRON, account)), urllib3.ProxyManager)
    monkeypatch.setenv("HTTPS_PROXY", "http://secure:3128")
    pool = pool_of(PodAccess(ENVIRON, account))
    assert isinstance(pool, urllib3.ProxyManager)
    assert pool.proxy is not None
    assert pool.proxy.host == "secure"
    monkeypatch.setenv("NO_PROXY", "10.96.0.0/12")
    assert not isinstance(pool_of(PodAccess(ENVIRON, account)), urllib3.ProxyManager)


@pytest.mark.parametrize("proxy", ["socks5://x:1", "nonsense", "ftp://x"])
def test_a_proxy_that_cannot_be_used_is_an_error(
    account: Path, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """Else it is left out in silence, and the request goes where it must not."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    way = PodAccess(ENVIRON, account)
    way.no_proxy = None
    with pytest.raises((ValueError, urllib3.exceptions.HTTPError)):
        pool_of(way)


@pytest.mark.parametrize("broken", ["token", "ca.crt"])
def test_a_service_account_without_a_file_or_with_an_empty_one_is_an_error(
    account: Path, broken: str
) -> None:
    """Else the first request tells it, in worse words."""
    (account / broken).write_text("")
    with pytest.raises(ValueError, match="empty"):
        PodAccess(ENVIRON, account)
    (account / broken).unlink()
    with pytest.raises(OSError, match=broken):
        PodAccess(ENVIRON, account)
    with pytest.raises(ValueError, match="address"):
        PodAccess({"KUBERNETES_SERVICE_HOST": "10.96.0.1"}, account)
