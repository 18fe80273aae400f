"""Google Cloud Storage and Azure Blob on a bad day, and with the credentials that people have."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from janitor.model import LockID, Secret, SecretFile
from janitor.store import azure, gcs, object_client
from janitor.store.connections import Connections
from janitor.store.errors import Gone, NoRepository, Refused, StoreError, Unauthorized, Unreachable
from janitor.store.location import parse_location
from janitor.store.open import open_store
from tests.servers.emulators import ACCOUNT, BUCKET, KEY, Azurite, FakeGcs
from tests.servers.scripted import Reply, Request, scripted

LOCK = LockID("a" * 64)
CANARY = "canary-1f2e3d"
ACCOUNT_VARIABLES = {"AZURE_ACCOUNT_NAME": "acme"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real patience is the same code with larger numbers."""
    monkeypatch.setitem(object_client.RETRIES, "max_retries", 0)
    monkeypatch.setattr(object_client, "REQUEST", timedelta(seconds=1))


def looked(location: str, environment: Mapping[str, Secret | str]) -> object:
    variables = {
        name: Secret(value) if isinstance(value, str) else value
        for name, value in environment.items()
    }
    with Connections() as connections:
        store = open_store(parse_location(location), variables, connections=connections)
        return store.look()


def refusal(location: str, environment: Mapping[str, Secret | str]) -> StoreError:
    with pytest.raises(StoreError) as caught:
        looked(location, environment)
    assert CANARY not in str(caught.value)
    return caught.value


# --- credentials ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service_account() -> dict[str, str]:
    """The key of a service account, as Google's console gives it out."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "type": "service_account",
        "project_id": "shop",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "janitor@shop.iam.gserviceaccount.com",
        "token_uri": "http://127.0.0.1:9/evil",
        "gcs_base_url": "http://127.0.0.1:9/evil",
    }


@pytest.mark.parametrize("as_file", [False, True])
def test_a_service_accounts_key_is_read_and_names_no_server(
    service_account: dict[str, str], as_file: bool, tmp_path: Path
) -> None:
    """Else whoever writes the Secret sends the janitor's requests to a server of his own."""
    text = json.dumps(service_account)
    tmp_path.joinpath("key.json").write_text(text)
    value = str(tmp_path / "key.json") if as_file else SecretFile(text)
    value = Secret(value) if isinstance(value, str) else value
    ((name, used),) = gcs._credentials({"GOOGLE_APPLICATION_CREDENTIALS": value})
    assert name == "service_account_key"
    assert set(json.loads(used)) == {"client_email", "private_key", "private_key_id"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (CANARY, "is not the JSON of Google's credentials"),
        (f'["{CANARY}"]', "is not the JSON of Google's credentials"),
        ('{"type": "external_account"}', "is of the type 'external_account'; supported are"),
        ('{"type": "service_account"}', "has no client_email in it"),
        (
            json.dumps({"type": "service_account", "client_email": "a@b", "private_key": CANARY}),
            "cannot be made for this location",
        ),
    ],
)
def test_a_credentials_file_that_is_none_is_a_sentence(content: str, words: str) -> None:
    """Else one wrong key in a Secret would be a trace in the log, or its content in a sentence."""
    file = SecretFile(content)
    error = refusal(f"gs:{BUCKET}:/x", {"GOOGLE_APPLICATION_CREDENTIALS": file})
    assert words in str(error)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "AZURE_ACCOUNT_NAME is not set"),
        ({"AZURE_ACCOUNT_NAME": "a/b"}, "must be 3 to 24 of a-z and 0-9"),
        (ACCOUNT_VARIABLES, "no Azure credentials: set AZURE_ACCOUNT_KEY"),
        (
            ACCOUNT_VARIABLES | {"AZURE_ACCOUNT_KEY": f"{CANARY}!"},
            "AZURE_ACCOUNT_KEY is not base64",
        ),
        (
            ACCOUNT_VARIABLES | {"AZURE_ACCOUNT_KEY": KEY, "AZURE_ENDPOINT_SUFFIX": "a/b"},
            "AZURE_ENDPOINT_SUFFIX must be a host name",
        ),
        (
            ACCOUNT_VARIABLES | {"AZURE_FORCE_CLI_CREDENTIAL": "true"},
            "AZURE_FORCE_CLI_CREDENTIAL is not supported",
        ),
        (
            ACCOUNT_VARIABLES | {"AZURE_CLIENT_CERTIFICATE_PATH": "/x"},
            "AZURE_CLIENT_CERTIFICATE_PATH is not supported",
        ),
        (
            ACCOUNT_VARIABLES
            | {
                "AZURE_TENANT_ID": "t",
                "AZURE_CLIENT_ID": "c",
                "AZURE_FEDERATED_TOKEN_FILE": "/not/there",
            },
            "AZURE_FEDERATED_TOKEN_FILE names '/not/there', which is not there",
        ),
        (
            ACCOUNT_VARIABLES | {"AZURE_ACCOUNT_KEY": KEY, "RESTIC_TLS_CLIENT_CERT": "/x"},
            "RESTIC_TLS_CLIENT_CERT is not supported for Azure",
        ),
    ],
)
def test_what_azure_lacks_is_named(variables: dict[str, str], words: str) -> None:
    """Else a person has to guess which of a dozen variables is missing."""
    assert words in str(refusal(f"azure:{BUCKET}:/x", variables))


def test_the_processs_own_variables_are_nobodys(
    monkeypatch: pytest.MonkeyPatch, fake_gcs: FakeGcs, azurite: Azurite
) -> None:
    """Else one repository would be opened with the identity of another, or at another server."""
    for name in ("GOOGLE_BASE_URL", "AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT", "MSI_ENDPOINT"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    monkeypatch.setenv("AZURE_STORAGE_USE_EMULATOR", "true")
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_KEY", "nonsense")
    for location, environment in (
        (f"gs:{BUCKET}:/none", fake_gcs.environment),
        (f"azure:{BUCKET}:/none", azurite.environment),
    ):
        assert isinstance(refusal(location, environment), NoRepository)
    assert os.environ["AZURE_STORAGE_USE_EMULATOR"] == "true"


# --- answers ----------------------------------------------------------------------------------


def test_a_wrong_key_is_unauthorized_at_a_real_check_of_signatures(azurite: Azurite) -> None:
    """Else a person would look for a network fault."""
    key = base64.b64encode(b"another" * 9).decode()
    wrong = {"AZURE_ACCOUNT_NAME": ACCOUNT, "AZURE_ACCOUNT_KEY": key}
    error = refusal(f"azure:{BUCKET}:/x", wrong)
    assert isinstance(error, Unauthorized), error


def test_a_container_that_is_not_there_is_named(azurite: Azurite) -> None:
    """Else a slip in its name would look like an empty repository."""
    error = refusal("azure:nowhere:/x", azurite.environment)
    assert isinstance(error, NoRepository)
    assert "names the container nowhere, which is not there" in str(error)


def xml(code: str) -> bytes:
    words = f"<Code>{code}</Code><Message>some words</Message>"
    return f"<?xml version='1.0'?><Error>{words}</Error>".encode()


@pytest.mark.parametrize("kind", ["gs", "azure"])
@pytest.mark.parametrize(
    ("reply", "state", "words"),
    [
        (Reply(403, xml("AccessDenied")), Unauthorized, "it needs the right"),
        (Reply(500, xml("InternalError")), Unreachable, "answered 500"),
        (Reply(503, xml("ServerBusy")), Unreachable, "answered 503"),
        (Reply(404, b"<html>portal</html>"), Unreachable, "not as a"),
        (Reply(200, b"not xml"), Unreachable, "nonsense"),
    ],
)
def test_what_a_server_says_is_a_sentence(
    kind: str,
    reply: Reply,
    state: type[StoreError],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a missing right, an outage and a wrong address would all look the same."""

    def answer(_: Request) -> Reply:
        return reply

    with scripted(answer) as server:
        monkeypatch.setattr(gcs, "BASE_URL", server.url)
        monkeypatch.setattr(azure, "ENDPOINT", server.url)
        environment = {"GOOGLE_ACCESS_TOKEN": CANARY}
        if kind == "azure":
            environment = ACCOUNT_VARIABLES | {"AZURE_ACCOUNT_KEY": KEY}
        error = refusal(f"{kind}:{BUCKET}:/x", environment)
    assert isinstance(error, state), error
    assert words in str(error)


@pytest.mark.parametrize(
    ("status", "state"), [("404", Gone), ("403", Refused), ("409", Refused), ("500", Unreachable)]
)
def test_azures_batch_of_one_tells_what_became_of_it(status: str, state: type[StoreError]) -> None:
    """Else a lock under an immutability policy, or one that is gone, would be an outage."""
    from janitor.store.object_errors import AZURE, Answer, Doing, translated

    text = (
        "Object at location x/locks/a not found: Bulk delete request failed for key x/locks/a: "
        f"The words of the server. (code: {status})"
    )
    error = translated(
        Answer.of(RuntimeError(text)),
        shown="azure:c:/x",
        bucket="c",
        doing=Doing.DELETE,
        secrets=(),
        dialect=AZURE,
    )
    assert isinstance(error, state), error
