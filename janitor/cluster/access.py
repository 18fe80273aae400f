"""The way to one API server: its address, whom to trust, how to sign in, and the connections.

A kubeconfig is read by the official client, whose `Configuration` is such an `Access`. In a pod all
of it is two files and two variables, and importing that client would cost half of a sweep's CPU.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies

import urllib3

_CONNECTIONS = 16
_FRESH = 60.0
"""Seconds for which a token that was read is used: the kubelet replaces it before it expires."""


class Access(Protocol):
    """What is used of the official client's `Configuration`, under its names."""

    host: str
    ssl_ca_cert: str | None
    cert_file: str | None
    key_file: str | None
    verify_ssl: bool
    tls_server_name: str | None
    proxy: str | None
    no_proxy: str | None

    def get_api_key_with_prefix(self, identifier: str) -> str | None:
        """The `Authorization` header, read anew where it may have expired. May raise anything."""


class PodAccess:
    """A pod's own: the kubelet's two variables, and the service account's two files."""

    cert_file: str | None = None
    key_file: str | None = None
    verify_ssl = True
    tls_server_name: str | None = None

    def __init__(self, environ: Mapping[str, str], account: Path) -> None:
        """Raises OSError or ValueError where something of it is missing."""
        host, port = environ["KUBERNETES_SERVICE_HOST"], environ.get("KUBERNETES_SERVICE_PORT")
        if not host or not port:
            raise ValueError("no address")
        self.host = f"https://{f'[{host}]' if ':' in host else host}:{port}"
        self.ssl_ca_cert: str | None = str(account / "ca.crt")
        if not (account / "ca.crt").read_bytes():
            raise ValueError("an empty certificate")
        proxies = getproxies()
        self.proxy = proxies.get("https") or proxies.get("all")
        self.no_proxy = proxies.get("no")
        self._token = account / "token"
        self._read = -_FRESH
        self._header = ""
        self.get_api_key_with_prefix("")

    def get_api_key_with_prefix(self, identifier: str) -> str | None:  # noqa: ARG002 - the protocol's
        """The token's header. Raises OSError or ValueError."""
        if time.monotonic() - self._read >= _FRESH:
            token = self._token.read_text()
            if not token:
                raise ValueError("an empty token")
            self._header, self._read = f"bearer {token}", time.monotonic()
        return self._header


def pool_of(access: Access) -> urllib3.PoolManager:
    """The connections. Raises urllib3's errors or ValueError for a proxy that is none."""
    options: dict[str, Any] = {
        "cert_reqs": "CERT_REQUIRED" if access.verify_ssl else "CERT_NONE",
        "ca_certs": access.ssl_ca_cert,
        "cert_file": access.cert_file,
        "key_file": access.key_file,
        # One attempt is one attempt: tenacity in `client` is the only one that retries.
        "retries": False,
        "maxsize": _CONNECTIONS,
    }
    if access.tls_server_name:
        options["server_hostname"] = access.tls_server_name
    if not access.proxy or goes_around(access.host, access.no_proxy or ""):
        return urllib3.PoolManager(**options)
    if access.proxy.lower().startswith("socks"):
        raise ValueError("SOCKS needs a library that is not here")
    return urllib3.ProxyManager(access.proxy, **options)


def goes_around(url: str, no_proxy: str) -> bool:
    """Whether NO_PROXY excepts this server: by its name, a domain it is in, or a network (CIDR)."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    places = (host, parts.netloc.rpartition("@")[2].lower())
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    for entry in filter(None, (each.strip().lower() for each in no_proxy.split(","))):
        name = entry.lstrip(".")
        if entry == "*" or any(place == name or place.endswith(f".{name}") for place in places):
            return True
        try:
            if address is not None and address in ip_network(entry, strict=False):
                return True
        except ValueError:
            continue  # no network
    return False
