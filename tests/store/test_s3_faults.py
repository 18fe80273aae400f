"""What S3 servers, clouds and networks do on a bad day: a sentence with the mend, and no secret."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest

from janitor.model import LockID, Secret
from janitor.store import s3
from janitor.store.bounded import BoundedStore
from janitor.store.connections import Connections
from janitor.store.errors import (
    NoRepository,
    Refused,
    StoreError,
    Unauthorized,
    Unreachable,
    Unsupported,
)
from janitor.store.location import parse_location
from janitor.store.open import open_store
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.real_restic import RealRestic
from tests.servers.scripted import Reply, Request, scripted
from tests.servers.seaweedfs import SeaweedFS
from tests.store.places import opened

KEYS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret/+%é"}
LOCK = LockID(hashlib.sha256(b"lock").hexdigest())


def error(status: int, code: str, message: str = "words", extra: str = "") -> Reply:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message>{extra}</Error>"
    return Reply(status, body.encode(), {"Content-Type": "application/xml"})


def root(*prefixes: str, prefix: str = "repo") -> Reply:
    """A listing of a repository's root."""
    folders = "".join(
        f"<CommonPrefixes><Prefix>{prefix}/{each}/</Prefix></CommonPrefixes>" for each in prefixes
    )
    return Reply(
        body=(
            '<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>'
            f"<Contents><Key>{prefix}/config</Key><LastModified>2026-11-24T01:02:03Z</LastModified>"
            f'<ETag>"x"</ETag><Size>155</Size></Contents>{folders}</ListBucketResult>'
        ).encode(),
        headers={"Content-Type": "application/xml"},
    )


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real patience is the same code with larger numbers."""
    monkeypatch.setattr(s3, "_REQUEST", timedelta(seconds=1))
    quick = {**s3._RETRIES["backoff"], "max_backoff": timedelta(milliseconds=20)}
    monkeypatch.setitem(s3._RETRIES, "backoff", quick | {"init_backoff": timedelta(milliseconds=9)})


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (error(403, "InvalidAccessKeyId"), Unauthorized, "does not know the access key"),
        (error(403, "SignatureDoesNotMatch"), Unauthorized, "secret key does not fit"),
        (error(400, "ExpiredToken"), Unauthorized, "session token has expired"),
        (error(403, "RequestTimeTooSkewed"), Unauthorized, "clock and this one are apart"),
        (error(403, "AccessDenied", "no list for you"), Unauthorized, "no list for you"),
        (error(403, "AccessDenied"), Unauthorized, "s3:ListBucket"),
        (error(404, "NoSuchBucket"), NoRepository, "bucket"),
        (error(404, "NoSuchKey"), NoRepository, "no object `config`"),
        (error(301, "PermanentRedirect"), Unreachable, "AWS_DEFAULT_REGION"),
        (error(503, "SlowDown", "too fast"), Unreachable, "SlowDown: too fast"),
        (error(500, "InternalError"), Unreachable, "InternalError"),
        (Reply(404, b"<html>not here</html>"), Unreachable, "not as an S3 server"),
        (Reply(403, b""), Unreachable, "not as an S3 server"),
        (Reply(200, b"<html>welcome</html>"), Unreachable, "listing does not show"),
        (Reply(hang=True), Unreachable, "did not answer in time"),
        (Reply(body=b"<ListBucketResult>", drip=0.3, endless=True), Unreachable, "in time"),
    ],
)
def test_a_look_at_a_server_that_fails_says_what_and_why(
    reply: Reply, kind: type[StoreError], words: str
) -> None:
    """Else people would read a library's text, or an empty listing would read as "no locks"."""
    with scripted(reply) as server, opened(f"s3:{server.url}/bucket/repo", KEYS) as store:
        with pytest.raises(kind) as raised:
            store.look()
        assert words in str(raised.value)
        assert "\n" not in str(raised.value)
        assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (error(403, "AccessDenied", "locked by\n a rule"), Refused, "locked by a rule"),
        (error(403, "AccessDenied"), Refused, "s3:DeleteObject"),
        (error(405, "MethodNotAllowed"), Refused, "MethodNotAllowed"),
        (error(400, "InvalidRequest", "Object is WORM protected"), Refused, "WORM"),
        (error(503, "SlowDown"), Unreachable, "SlowDown"),
    ],
)
def test_a_delete_that_is_refused_quotes_the_server(
    reply: Reply, kind: type[StoreError], words: str
) -> None:
    """Else Object Lock or a missing right would look like success, or like a network fault."""

    def answer(request: Request) -> Reply:
        return reply if request.method == "DELETE" else root("keys", "locks")

    with scripted(answer) as server, opened(f"s3:{server.url}/bucket/repo", KEYS) as store:
        with pytest.raises(kind) as raised:
            store.delete_lock(LOCK)
        assert words in str(raised.value)
        (sent, *_) = [each for each in server.requests if each.method == "DELETE"]
        assert sent.path == f"/bucket/repo/locks/{LOCK}"  # one object, and no version of it


def test_an_unlocked_repository_costs_one_request() -> None:
    """Else a sweep over a thousand repositories would cost several thousand requests."""
    with scripted(root("keys", "data")) as server:
        with opened(f"s3:{server.url}/bucket/repo", KEYS) as store:
            assert store.look().locks_folder is False
        assert len(server.requests) == 1


@pytest.mark.parametrize("told", ["in the answer", "by a header"])
def test_a_bucket_in_another_region_is_asked_there(told: str) -> None:
    """Else `s3:s3.amazonaws.com/bucket` without a region, which restic takes, would fail."""

    def answer(request: Request) -> Reply:
        if request.method == "HEAD":
            return Reply(301, headers={"x-amz-bucket-region": "eu-west-3"})
        if "/eu-west-3/s3/" in request.headers["authorization"]:
            return root("keys", "locks")
        if told == "by a header":
            return error(301, "PermanentRedirect")
        return error(400, "AuthorizationHeaderMalformed", extra="<Region>eu-west-3</Region>")

    with scripted(answer) as server, Connections() as connections:
        for name in ("repo", "repo"):
            location = parse_location(f"s3:{server.url}/bucket/{name}")
            keys = {key: Secret(value) for key, value in KEYS.items()}
            assert open_store(location, keys, connections=connections).look().locks_folder
        lists = [each for each in server.requests if each.method == "GET"]
        assert len(lists) == 3  # the second repository profits from what the first learned


def test_a_page_that_fails_is_never_the_end_of_the_listing() -> None:
    """Else locks on later pages would be forgotten, and with them what the state knows of them."""
    names = "".join(
        f"<Contents><Key>repo/locks/{hashlib.sha256(bytes([n])).hexdigest()}</Key>"
        "<LastModified>2026-11-24T01:02:03Z</LastModified><Size>1</Size></Contents>"
        for n in range(10)
    )

    def answer(request: Request) -> Reply:
        if "delimiter" in request.path:
            return root("keys", "locks")
        if "continuation-token" in request.path:
            return error(404, "NoSuchKey")
        return Reply(
            body=f"<ListBucketResult><IsTruncated>true</IsTruncated>{names}"
            "<NextContinuationToken>more</NextContinuationToken></ListBucketResult>".encode()
        )

    with scripted(answer) as server, opened(f"s3:{server.url}/bucket/repo", KEYS) as store:
        store.look()
        with pytest.raises(StoreError):
            store.list_locks(at_most=5000)


def test_only_the_given_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the janitor would use its own keys, token or endpoint for other people's buckets."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "THEPODS",
        "AWS_SECRET_ACCESS_KEY": "theirs",
        "AWS_SESSION_TOKEN": "thepodstoken",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
    }.items():
        monkeypatch.setenv(name, value)
    with scripted(root("keys")) as server:
        with opened(f"s3:{server.url}/bucket/repo", KEYS) as store:
            store.look()
        (request,) = server.requests
        assert "Credential=AKID/" in request.headers["authorization"]
        assert "x-amz-security-token" not in request.headers
        nothing = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"}
        with (
            opened(f"s3:{server.url}/bucket/repo", nothing) as store,
            pytest.raises(Unauthorized, match="no S3 credentials"),
        ):
            store.look()
        assert len(server.requests) == 1


def test_a_session_token_and_a_profile_are_used(tmp_path: Path) -> None:
    """Else temporary keys, and keys in AWS's own file, would not work as they do for restic."""
    path = tmp_path / "credentials"
    path.write_text(
        "[default]\naws_access_key_id=OTHER\naws_secret_access_key=x\n"
        "[backup]\naws_access_key_id = FROMFILE\naws_secret_access_key = a%b\n"
        "aws_session_token = token=\n"
    )
    environment = {"AWS_SHARED_CREDENTIALS_FILE": str(path), "AWS_PROFILE": "backup"}
    with scripted(root("keys")) as server:
        with opened(f"s3:{server.url}/bucket/repo", environment) as store:
            store.look()
        (request,) = server.requests
        assert "Credential=FROMFILE/" in request.headers["authorization"]
        assert request.headers["x-amz-security-token"] == "token="


def test_a_web_identity_is_exchanged_for_keys(tmp_path: Path, certificates: Certificates) -> None:
    """Else pods bound to a cloud role (IRSA) could not reach their bucket."""
    token = tmp_path / "token"
    token.write_text("the pod's token")

    def sts(request: Request) -> Reply:
        body = (
            "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
            "<SessionToken>given</SessionToken><SecretAccessKey>sk</SecretAccessKey>"
            "<Expiration>2099-01-01T00:00:00Z</Expiration><AccessKeyId>FROMSTS</AccessKeyId>"
            "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
        )
        return Reply(body=body.encode())

    with scripted(sts, certificates) as exchange, scripted(root("keys")) as server:
        environment = {
            "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/backup",
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
            "AWS_ENDPOINT_URL_STS": exchange.url,
            "RESTIC_CACERT": str(certificates.authority),
        }
        with opened(f"s3:{server.url}/bucket/repo", environment) as store:
            store.look()
        assert "Credential=FROMSTS/" in server.requests[0].headers["authorization"]
        assert server.requests[0].headers["x-amz-security-token"] == "given"


def test_keys_of_a_container_and_of_an_instance_are_fetched(tmp_path: Path) -> None:
    """Else EKS Pod Identity and instance roles, which restic knows, would not work."""
    given = {
        "AccessKeyId": "FROMCLOUD",
        "SecretAccessKey": "sk",
        "Token": "t",
        "Expiration": "2099-01-01T00:00:00Z",
    }

    def cloud(request: Request) -> Reply:
        if request.path.endswith("/security-credentials/"):
            return Reply(body=b"role")
        if request.path == "/latest/api/token":
            return Reply(body=b"token")
        return Reply(body=json.dumps(given).encode())

    token = tmp_path / "token"
    token.write_text("pod identity")
    with scripted(cloud) as metadata, scripted(root("keys")) as server:
        for environment in (
            {"AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.url},
            {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{metadata.url}/keys",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token),
            },
        ):
            with opened(f"s3:{server.url}/bucket/repo", environment) as store:
                store.look()
            assert "Credential=FROMCLOUD/" in server.requests[-1].headers["authorization"]


def test_a_metadata_service_that_hangs_is_waited_for_once() -> None:
    """Else every repository without keys would cost a minute, outside a cloud or in a pod."""
    with (
        scripted(Reply(hang=True)) as metadata,
        scripted(root("keys")) as server,
        Connections() as connections,
    ):
        environment = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": Secret(metadata.url)}
        for _ in range(5):
            location = parse_location(f"s3:{server.url}/bucket/repo")
            store = open_store(location, environment, connections=connections)
            with pytest.raises(Unauthorized, match="no S3 credentials"):
                store.look()
        assert len(metadata.requests) <= 3
        assert server.requests == []


@pytest.mark.parametrize(
    ("environment", "kind", "words"),
    [
        ({"AWS_ACCESS_KEY_ID": "x"}, Unauthorized, "AWS_SECRET_ACCESS_KEY is not set"),
        ({"AWS_SECRET_ACCESS_KEY": "x"}, Unauthorized, "AWS_ACCESS_KEY_ID is not set"),
        ({**KEYS, "AWS_ACCESS_KEY_ID": "x\n"}, Unsupported, "ends with a newline"),
        ({**KEYS, "AWS_SESSION_TOKEN": "a\rb"}, Unsupported, "control character"),
        ({**KEYS, "RESTIC_CACERT": "/not/there"}, Unsupported, "/not/there"),
        ({**KEYS, "RESTIC_CACERT": "/etc/passwd"}, Unsupported, "no PEM certificate"),
        ({**KEYS, "RESTIC_AWS_ASSUME_ROLE_ARN": "x"}, Unsupported, "not supported"),
        ({"AWS_SHARED_CREDENTIALS_FILE": "/not/there"}, Unsupported, "/not/there"),
        ({**KEYS, "AWS_ACCESS_KEY_ID": "\udce9"}, Unsupported, "not UTF-8"),
    ],
)
def test_variables_that_cannot_work_are_named(
    environment: dict[str, str], kind: type[StoreError], words: str
) -> None:
    """Else a slip in a Secret would end in a library's panic or a bare 403."""
    with pytest.raises(kind) as raised, opened("s3:http://127.0.0.1:1/bucket/r", environment):
        pass
    assert words in str(raised.value)


def test_a_prefix_with_an_empty_name_is_said_not_missed() -> None:
    """Else `s3:host/bucket//app`, which a template makes, would read as "no repository"."""
    with (
        pytest.raises(Unsupported, match="begin with a slash"),
        opened("s3:http://127.0.0.1:1/bucket//app", KEYS),
    ):
        pass


def test_tls_by_an_unknown_ca_names_the_variable_and_works_with_it(
    certificates: Certificates, tmp_path: Path
) -> None:
    """Else people with a private CA would not know what to set; and two CAs in one list must do."""
    other = make_certificates(tmp_path)
    both = f"{other.authority},{certificates.authority}"
    with scripted(root("keys"), certificates) as server:
        location = f"s3:{server.url}/bucket/repo"
        with opened(location, KEYS) as store, pytest.raises(Unreachable, match="RESTIC_CACERT"):
            store.look()
        with opened(location, {**KEYS, "RESTIC_CACERT": both}) as store:
            store.look()
        with Connections() as connections:
            keys = {name: Secret(value) for name, value in KEYS.items()}
            open_store(
                parse_location(location), keys, connections=connections, insecure_tls=True
            ).look()


def test_a_server_that_refuses_or_is_not_known_is_unreachable() -> None:
    """Else a server that is down would end in a library's text."""
    for host, words in (("127.0.0.1:1", "nothing listens"), ("nowhere.invalid", "host name")):
        location = f"s3:http://{host}/bucket/repo"
        with opened(location, KEYS) as store, pytest.raises(Unreachable, match=words):
            store.look()


def test_a_call_ends_whatever_the_server_does() -> None:
    """Else one server that drips bytes would hold up the sweep of all repositories."""
    reply = Reply(body=b"<ListBucketResult>", drip=0.2, endless=True)
    with scripted(reply) as server, opened(f"s3:{server.url}/bucket/repo", KEYS) as store:
        assert isinstance(store, BoundedStore)
        bounded = BoundedStore(store._store, shown="s3:there", longest=0.5)
        for words in ("within", "still hangs"):
            with pytest.raises(Unreachable, match=words):
                bounded.look()


def test_clients_are_shared_by_bucket_and_credentials() -> None:
    """Else a thousand repositories of one bucket would cost a thousand clients."""
    keys = {name: Secret(value) for name, value in KEYS.items()}
    with scripted(Reply(403)) as server, Connections() as connections:

        def clients(environment: dict[str, Secret], number: int) -> int:
            location = parse_location(f"s3:{server.url}/bucket/{number}")
            with pytest.raises(Unreachable):
                open_store(location, environment, connections=connections).look()
            return len(connections._recent)

        assert [clients(keys, number) for number in range(3)] == [1, 1, 1]
        assert clients(keys | {"AWS_SECRET_ACCESS_KEY": Secret("other")}, 0) == 2


@pytest.mark.parametrize("prefix", ["a b", "til~de", "per%25c", "pl+us#h", "ünï/q'x", "a&b=c"])
def test_prefixes_with_odd_characters_are_those_of_restic(
    prefix: str, seaweedfs: SeaweedFS, restic_0_19: RealRestic
) -> None:
    """Else the keys would be spelled otherwise than restic's, and the repository not be found."""
    host = seaweedfs.endpoint.removeprefix("http://")
    escaped = prefix.replace("%", "%25").replace("#", "%23").replace(" ", "%20")
    location = f"s3:http://{host}/oddnames/{escaped}"
    restic_0_19.run(location, "init", environment=seaweedfs.environment)
    with opened(location, seaweedfs.environment) as store:
        store.look()
        assert len(store.list_keys()) == 1
