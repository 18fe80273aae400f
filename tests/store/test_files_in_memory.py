"""Certificates and credentials that came as a Secret's content: no file is written for them."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from janitor.model import Secret, SecretFile
from janitor.store.connections import Connections
from janitor.store.errors import StoreError, Unreachable, Unsupported
from janitor.store.location import parse_location
from janitor.store.open import open_store
from janitor.store.s3_credentials import credentials_of
from tests.servers.certificates import Certificates, make_certificates


class _Rest(BaseHTTPRequestHandler):
    """Has a `config` and nothing else."""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"config")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def url(certificates: Certificates) -> Iterator[str]:
    """A REST server that asks every client for a certificate."""
    server = HTTPServer(("127.0.0.1", 0), _Rest)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    context.load_verify_locations(certificates.authority)
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"rest:https://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


def looked(url: str, **variables: Secret) -> bytes:
    with Connections() as connections:
        store = open_store(parse_location(url), variables, connections=connections)
        return store.read_config()


def both(certificates: Certificates) -> SecretFile:
    return SecretFile(certificates.certificate.read_text() + certificates.key.read_text())


def test_a_client_certificate_that_is_no_file(url: str, certificates: Certificates) -> None:
    """Else nobody whose server asks for one could be discovered."""
    authority = SecretFile(certificates.authority.read_text())
    got = looked(url, RESTIC_CACERT=authority, RESTIC_TLS_CLIENT_CERT=both(certificates))
    assert got == b"config"


def test_no_descriptor_is_left_open(url: str, certificates: Certificates) -> None:
    """Else a thousand repositories would use up what a process may have open."""
    authority = SecretFile(certificates.authority.read_text())
    variables = {"RESTIC_CACERT": authority, "RESTIC_TLS_CLIENT_CERT": both(certificates)}
    looked(url, **variables)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        looked(url, **variables)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


def test_without_the_authority_nothing_is_trusted(url: str, certificates: Certificates) -> None:
    """Else TLS would be no protection for a discovered repository."""
    with pytest.raises(Unreachable, match="certificate"):
        looked(url, RESTIC_TLS_CLIENT_CERT=both(certificates))


def test_what_is_no_certificate_is_told_without_its_content(url: str) -> None:
    """Else a password in the wrong key would be printed."""
    with pytest.raises(Unsupported) as caught:
        looked(url, RESTIC_CACERT=SecretFile("hunter2"))
    assert str(caught.value) == "what RESTIC_CACERT stands for has no PEM certificate in it"


def test_a_client_certificate_that_is_none_is_a_sentence(
    url: str, certificates: Certificates
) -> None:
    """Else one wrong key would be an unexpected fault, with a trace in the log."""
    authority = SecretFile(certificates.authority.read_text())
    with pytest.raises(StoreError) as caught:
        looked(url, RESTIC_CACERT=authority, RESTIC_TLS_CLIENT_CERT=SecretFile("hunter2"))
    assert "hunter2" not in str(caught.value)


def test_a_credentials_file_that_is_no_file(tmp_path: Path) -> None:
    """Else a workload that mounts ~/.aws/credentials could not be discovered."""
    text = "[default]\naws_access_key_id = a\naws_secret_access_key = b\n[x]\n"
    variables = {"AWS_SHARED_CREDENTIALS_FILE": SecretFile(text)}
    assert credentials_of(variables).key == Secret("a")
    with pytest.raises(StoreError, match="has no access key in it"):
        credentials_of(variables | {"AWS_PROFILE": Secret("x")})
    with pytest.raises(StoreError, match="has no profile 'y'"):
        credentials_of(variables | {"AWS_PROFILE": Secret("y")})
    with pytest.raises(StoreError) as caught:
        credentials_of({"AWS_SHARED_CREDENTIALS_FILE": SecretFile("hunter2")})
    assert "hunter2" not in str(caught.value)
