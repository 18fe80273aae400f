"""Without a word of the user nobody is talked to whose certificate is not trusted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from janitor.store.errors import Unreachable
from tests.servers.certificates import Certificates
from tests.servers.scripted import Reply, scripted
from tests.store.places import opened
from tests.unit.cluster.pki import make_certificate

WAYS: dict[str, Callable[[str], str]] = {
    "rest": lambda url: f"rest:{url}/repo",
    "s3": lambda url: f"s3:{url}/bucket/repo",
}
VARIABLES = {
    "AWS_ACCESS_KEY_ID": "AKID",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "RESTIC_REST_USERNAME": "user",
    "RESTIC_REST_PASSWORD": "secret",
}
LAX = {
    "AWS_ALLOW_INVALID_CERTIFICATES": "true",
    "AWS_ALLOW_HTTP": "true",
    "ALLOW_INVALID_CERTIFICATES": "true",
    "PYTHONHTTPSVERIFY": "0",
    "CURL_INSECURE": "1",
    "RESTIC_INSECURE_TLS": "true",
}
"""What some libraries take for permission. restic has a flag for it, and no variable."""


@pytest.mark.parametrize("way", WAYS)
def test_a_certificate_of_an_unknown_authority_ends_it_before_a_request(
    way: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever sits between has the store's password, and says which locks there are."""
    for name, value in LAX.items():
        monkeypatch.setenv(name, value)
    with scripted(Reply(), certificates) as server:
        for variables in (VARIABLES, VARIABLES | LAX):
            with (
                opened(WAYS[way](server.url), variables) as store,
                pytest.raises(Unreachable, match="RESTIC_CACERT"),
            ):
                store.look()
        assert server.requests == []


@pytest.mark.parametrize("way", WAYS)
def test_a_certificate_for_another_name_is_not_enough(way: str, tmp_path: Path) -> None:
    """Else any server of the same authority may pass itself off as the store."""
    certificate, key = make_certificate(tmp_path)  # for 127.0.0.1 alone
    variables = VARIABLES | {"RESTIC_CACERT": str(certificate)}
    with scripted(Reply(), Certificates(certificate, certificate, key)) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        with opened(WAYS[way](url), variables) as store, pytest.raises(Unreachable):
            store.look()
        assert server.requests == []
