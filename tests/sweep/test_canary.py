"""No credential ever comes out, on no path and in no spelling.

Each credential holds a plain word that no escaping changes, between characters that every escaping
does change; the servers send back whatever they were sent.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.apiserver import ApiServer, node, pod
from tests.servers.process import free_ports
from tests.servers.scripted import Reply, Request, Scripted, scripted
from tests.sweep.installation import Done, Installation, old, run
from tests.unit.cluster.pki import make_certificate

ODD = "\"'<&>%41+/\\ $`é{}:@"
WORDS = ("Canary1Password", "Canary2Secret", "Canary3Session", "Canary4Rest", "Canary5Token")
PASSWORD, SECRET, SESSION, REST, TOKEN = (f"{ODD}{word}{ODD}" for word in WORDS)
KEY_ID = "CANARY6KEYID"
USER = "Canary7User"
STATE = {"namespace": "janitor", "name": "restic-janitor-state"}
STATUSES = (301, 401, 403, 404, 500)


def spellings() -> set[str]:
    """What to look for: every word, in any case, and in base64 at each of its three alignments."""
    found: set[str] = set()
    for word in (*WORDS, KEY_ID):
        found |= {word, word.lower(), word.upper()}
        for before in range(3):
            text = base64.b64encode(b"x" * before + word.encode()).decode()
            found.add(text[4 if before else 0 : -4])
    for secret in (PASSWORD, SECRET, SESSION, REST, TOKEN):
        found.add(base64.b64encode(secret.encode()).decode().rstrip("="))
        found.add(base64.b64encode(f"{USER}:{secret}".encode()).decode().rstrip("="))
    return found


def assert_clean(*texts: str) -> None:
    """Shows only where a credential was found, with a little around it."""
    for text in texts:
        for spelling in spellings():
            place = text.find(spelling)
            assert place < 0, f"{spelling} is in: {text[max(place - 200, 0) : place + 200]}"


def echo(request: Request) -> Reply:
    """Everything that was sent, and what it means, in every place of an answer."""
    status = next(code for code in STATUSES if f"status-{code}" in request.path)
    sent = dict(request.headers)
    authorization = sent.get("authorization", "")
    if authorization.startswith("Basic "):
        sent["decoded"] = base64.b64decode(authorization[6:]).decode()
    if "bucket" in request.path:
        sent |= {"secret": SECRET, "session": SESSION, "key": KEY_ID}
    else:
        sent |= {"password": REST}
    words = " ".join(sent.values()).replace("\n", " ")
    body = (
        f'<?xml version="1.0"?><Error><Code>Odd</Code><Message>{words}</Message>'
        f"<AWSAccessKeyId>{KEY_ID}</AWSAccessKeyId></Error>"
        if "bucket" in request.path
        else json.dumps({"error": words})
    )
    headers = {
        "WWW-Authenticate": f'Basic realm="{quote(REST)}"',
        "X-Reason": quote(words),
        "Location": f"http://{USER}:{quote(REST, safe='')}@127.0.0.1:1/",
    }
    return Reply(status, body.encode(), headers)


@pytest.fixture(scope="module")
def server() -> Iterator[Scripted]:
    with scripted(echo) as running:
        yield running


def configure_everything(installation: Installation, server: Scripted) -> None:
    """A repository for every way in which a credential may come near an output."""
    configure = installation.configure
    (closed,) = free_ports(1)
    aws = {
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": SESSION,
        "AWS_DEFAULT_REGION": "us-east-1",
        "RESTIC_PASSWORD": PASSWORD,
    }
    rest = {
        "RESTIC_REST_USERNAME": USER,
        "RESTIC_REST_PASSWORD": REST,
        "RESTIC_PASSWORD": PASSWORD,
    }
    login = f"{USER}:{quote(REST, safe='')}@"
    for status in STATUSES:
        place = f"{server.host}/status-{status}"
        configure(f"rest-{status}", f"rest:http://{place}", **rest)
        configure(f"url-{status}", f"rest:http://{login}{place}", RESTIC_PASSWORD=PASSWORD)
        configure(
            f"variable-{status}", None, RESTIC_REPOSITORY=f"rest:http://{login}{place}", **rest
        )
        configure(f"s3-{status}", f"s3:http://{server.host}/bucket/status-{status}", **aws)
    configure("closed", f"rest:http://{login}127.0.0.1:{closed}/", **rest)
    configure("closed-s3", f"s3:http://127.0.0.1:{closed}/bucket", **aws)
    for number, location in enumerate(
        (
            f"rest:http://{USER}:{REST}@[::1/",
            f"rest:http://{USER}:{REST}@127.0.0.1:port/",
            f"rest:{REST}",
            f"s3:http://{KEY_ID}:{SECRET}@127.0.0.1:{closed}/bucket",
            f"{SECRET}",
            f"swift:{SECRET}:/",
            f"nosuch:{SECRET}",
            f"b2:{SECRET}",
        )
    ):
        configure(f"bad-{number}", None, RESTIC_REPOSITORY=location, RESTIC_PASSWORD=PASSWORD)
    configure("file", "/a", RESTIC_PASSWORD_FILE=PASSWORD)
    configure("file-in-root", "/a", RESTIC_PASSWORD_FILE=f"/{WORDS[0]}")
    configure("command", "/a", RESTIC_PASSWORD_COMMAND=f"echo {PASSWORD}")
    configure("google", "gs:bucket:/", GOOGLE_APPLICATION_CREDENTIALS=SECRET, RESTIC_PASSWORD="x")
    configure("certificate", f"rest:http://{server.host}/", RESTIC_CACERT=SECRET, **rest)
    configure("hint", "/a", RESTIC_KEY_HINT=SECRET, RESTIC_PASSWORD=PASSWORD)
    installation.repository("wrong").lock(time=old())
    (installation.folder / "secrets" / "wrong" / "RESTIC_PASSWORD").write_text(PASSWORD)
    env_file = installation.folder / "env"
    env_file.write_text(f"RESTIC_PASSWORD {PASSWORD}\n")
    configure("env-file", "/a", entry={"environment": str(env_file)})
    installation.repository("right", password=PASSWORD).lock(time=old())


def test_no_credential_comes_out_of_a_pod(
    installation: Installation, server: Scripted, tmp_path: Path
) -> None:
    """Else a password is in the logs, the state, an Event or the pod's status, for all to read."""
    configure_everything(installation, server)
    account = tmp_path / "account"
    account.mkdir()
    certificate, key = make_certificate(tmp_path)
    (account / "token").write_text(WORDS[4])
    (account / "ca.crt").write_bytes(certificate.read_bytes())
    (tmp_path / "termination").touch()
    with ApiServer(tls=(certificate, key)).running() as api:
        api.nodes = [node()]
        api.pods = [pod("janitor-1", namespace="janitor", uid="uid-1")]
        api.put_configmap({"kind": "ConfigMap", "metadata": STATE})
        environment = installation.environment(
            {
                "KUBERNETES_SERVICE_HOST": "127.0.0.1",
                "KUBERNETES_SERVICE_PORT": str(api.port),
                "POD_NAMESPACE": "janitor",
                "POD_NAME": "janitor-1",
                "POD_UID": "uid-1",
            }
        )
        words = [sys.executable, "-m", "tests.sweep.in_a_pod", str(tmp_path), "sweep"]
        words += ["--config", str(installation.write_config()), "--output", "json"]
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        done = run(words, environment)
        examined = [
            run([*words[:4], "doctor", *words[5:-1], output], environment)
            for output in ("json", "table")
        ]
        state = json.dumps(api.configmaps["janitor", "restic-janitor-state"])
        events = json.dumps(list(api.written_events.values()))
        assert any(WORDS[4] in str(request.authorization) for request in api.requests)
    assert done.code == 1, done.err
    assert done.states["right"] == "read"
    assert done.states["wrong"] == "wrong-password"
    assert done.states["rest-401"] == done.states["url-401"] == done.states["s3-403"]
    assert len(done.states) == len(installation.entries)
    termination = (tmp_path / "termination").read_text()
    assert "first_seen" in state, done.of("sweep")[0]
    assert "url-401: unauthorized" in events
    assert json.loads(termination)["exit_code"] == 1
    assert_clean(done.out, done.err, state, events, termination)
    for each in examined:
        assert (each.code, "wrong-password" in each.out) == (1, True)
        assert_clean(each.out, each.err)


@pytest.mark.parametrize(
    "words", [["list", "--output", "table"], ["explain", "right"], ["explain", "url-403"]]
)
def test_no_credential_is_shown_to_a_person(
    installation: Installation, server: Scripted, words: list[str]
) -> None:
    """Else a password is on somebody's screen, or in the issue that they write."""
    configure_everything(installation, server)
    done = installation.run(*words)
    assert len(done.out + done.err) > 100
    assert_clean(done.out, done.err, installation.cluster.read_text())


def test_put_back_shows_no_credential(installation: Installation, server: Scripted) -> None:
    """Else a failed rescue prints the password."""
    configure_everything(installation, server)
    record = base64.b64encode(b"anything").decode()
    for name in ("wrong", "right", "url-401", "bad-1"):
        done = installation.run("put-back", name, record, cluster=False)
        assert (done.code, done.out) == (1, "")
        assert_clean(done.err)


@pytest.mark.parametrize(
    "text",
    [
        f"repositories: [{{name: a, location: /a, variables: {{RESTIC_PASSWORD: {WORDS[0]}}}}}]",
        f"repositories: [{{name: a, location: /a, password: {WORDS[0]}}}]",
        f"repositories: [{{name: a, location: 'rest:http://u:{WORDS[3]}@[bad'}}]",
        f"repositories: [{{name: a, location: 's4:{WORDS[1]}'}}]",
        f"repositories: [{{name: a, location: /a, environment: {{RESTIC_PASSWORD: {WORDS[0]}}}}}]",
        f"repositories: [{{name: a, location: {WORDS[0]}: {WORDS[1]}}}",
        f"RESTIC_PASSWORD: {WORDS[0]}\n",
        f"RESTIC_PASSWORD={WORDS[0]}\n",
        f"'{WORDS[0]}",
        f"!{WORDS[0]} a",
        f"*{WORDS[0]}",
        f"min_age: {WORDS[0]}\nrepositories: [{{name: a, location: /a}}]",
        f"repositories: [{{name: a, location: /a, min_age: {WORDS[0]}}}]",
    ],
)
def test_a_wrong_configuration_repeats_no_value(misused: Callable[[str], Done], text: str) -> None:
    """Else a password in the wrong place is printed by the complaint about it."""
    done = misused(text)
    assert (done.code, done.out) == (2, "")
    assert_clean(done.err)


def _judged(installation: Installation, kubeconfig: Path) -> Done:
    return installation.run(
        "sweep",
        "--context",
        "test",
        cluster=False,
        environment={"KUBECONFIG": str(kubeconfig)},
    )


@pytest.mark.parametrize("status", [401, 403, 400, 500])
def test_no_token_comes_back_from_the_api(installation: Installation, status: int) -> None:
    """Else whoever reads the logs may act as the janitor."""
    shop = installation.repository("shop-db")
    installation.remember(("shop-db", shop.lock(time=old())))
    token = WORDS[4]
    with ApiServer().running() as api:
        api.pods, api.nodes = [pod("web-1")], [node()]
        for prefix in ("/version", "/api/v1/pods"):
            body = json.dumps({"message": f"Bearer {token} is wrong"}).encode()
            api.fail_next(prefix, status=status, body=body, times=20, headers={"X-Token": token})
        kubeconfig = api.kubeconfig(installation.folder / "kubeconfig", token=token)
        done = _judged(installation, kubeconfig)
    assert (done.code, done.verdicts) == (1, ["cluster-unknown"])
    assert_clean(done.out, done.err, installation.state.read_text())


@pytest.mark.parametrize(
    "text",
    [
        f"users: [{{name: tester, user: {{token: {WORDS[4]}}}",
        f"token: {WORDS[4]}",
        f"'{WORDS[4]}",
        json.dumps(
            {
                "current-context": "test",
                "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
                "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
                "users": [{"name": "u", "user": {"client-key-data": WORDS[4], "token": 7}}],
            }
        ),
    ],
)
def test_a_broken_kubeconfig_repeats_no_token(installation: Installation, text: str) -> None:
    """Else the complaint about a kubeconfig quotes what is in it."""
    installation.repository("shop-db").lock(time=old())
    kubeconfig = installation.folder / "kubeconfig"
    kubeconfig.write_text(text)
    done = _judged(installation, kubeconfig)
    assert done.code in (1, 2)
    assert_clean(done.out, done.err)
