"""What of a repository that was found in the cluster may be used: others wrote its words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from janitor.discover.confine import Confines, confine
from janitor.discover.draft import MountedVolume
from janitor.discover.found import Found
from janitor.discover.mounts import Mount
from janitor.model import HolderPattern, Policy, RepositoryState, Secret, SecretFile

from .drafts import KEYS, PASSWORD, draft

WITHOUT_KEYS = {"AWS_ACCESS_KEY_ID": Secret(""), "AWS_SECRET_ACCESS_KEY": Secret("")}


def confined(made, confines: Confines | None = None, policy: Policy | None = None) -> Found:
    return confine(made, confines or Confines(), policy or Policy())


def refusal(made, confines: Confines | None = None) -> str:
    found = confined(made, confines)
    assert found.state is RepositoryState.INCOMPLETE
    assert found.problem
    assert PASSWORD not in found.problem
    assert "hunter2" not in found.problem
    return found.problem


def test_a_complete_one_is_ready_to_be_opened():
    """Else discovery finds repositories that nobody can sweep."""
    found = confined(draft())
    assert found.state is None
    assert found.repository.name == "volsync/media/plex"
    assert found.repository.location == "s3:https://s3.example.com/backups/plex"
    assert found.repository.namespaces == ("media",)
    assert found.repository.owners[0].kind == "ReplicationSource"
    assert found.password == Secret(PASSWORD)
    assert dict(found.environment) == KEYS


def test_only_restics_own_variables_reach_a_store():
    """Else a Secret could set whatever a library reads."""
    more = {
        "HTTPS_PROXY": Secret("http://evil"),
        "HOME": Secret("/"),
        "SSL_CERT_FILE": Secret("/x"),
    }
    assert dict(confined(draft(variables=more)).environment) == KEYS


# --- no file, no program, no identity of the janitor's own ----------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "RESTIC_CACERT",
        "RESTIC_TLS_CLIENT_CERT",
        "AWS_SHARED_CREDENTIALS_FILE",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "RCLONE_CONFIG",
        "RESTIC_PASSWORD_FILE",
        "RESTIC_REPOSITORY_FILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ],
)
def test_no_path_of_the_janitors_own_file_system_is_opened(name):
    """Else a tenant's Secret could send the janitor's service account token to his server."""
    token = Secret("/var/run/secrets/kubernetes.io/serviceaccount/token")
    assert name in refusal(draft(variables={name: token}))


def test_a_files_content_is_used_in_its_place():
    """Else nobody with a CA of their own could be discovered."""
    content = SecretFile("-----BEGIN CERTIFICATE-----")
    found = confined(draft(variables={"RESTIC_CACERT": content}))
    assert found.environment["RESTIC_CACERT"] == content
    assert found.state is None


def test_a_password_files_content_is_the_password_as_restic_trims_it():
    """Else such a repository is told `wrong-password`."""
    found = confined(draft(variables={"RESTIC_PASSWORD_FILE": SecretFile(" word\n")}))
    assert found.password == Secret("word")


@pytest.mark.parametrize(
    "name",
    [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "RESTIC_AWS_ASSUME_ROLE_STS_ENDPOINT",
        "RESTIC_AWS_ASSUME_ROLE_ARN",
        "AZURE_AUTHORITY_HOST",
    ],
)
def test_no_variable_leads_to_another_server(name):
    """Else a Secret could make the janitor ask a server inside the cluster for credentials."""
    assert name in refusal(draft(variables={name: Secret("http://169.254.170.2/x")}))


@pytest.mark.parametrize(
    ("location", "word"),
    [
        ("rclone:remote:path", "rclone"),
        ("rclone::local:/", "rclone"),
        ("sftp:root@host:/srv", "sftp"),
        ("rest:http+unix:///var/run/docker.sock:/x", "unix socket"),
    ],
)
def test_nothing_is_spawned_and_no_socket_is_opened(location, word):
    """Else a Secret could run a program in the janitor's pod."""
    sentence = refusal(draft(location))
    assert word in sentence
    assert "`repositories`" in sentence


def test_a_password_command_is_never_run():
    """Else a Secret could run a program in the janitor's pod."""
    assert "RESTIC_PASSWORD_COMMAND" in refusal(
        draft(variables={"RESTIC_PASSWORD_COMMAND": Secret("cat /etc/passwd")})
    )


@pytest.mark.parametrize("location", ["s3:https://s3.example.com/b", "gs:bucket:/x", "azure:c:/x"])
def test_the_janitors_own_identity_is_not_lent_unasked(location):
    """Else a tenant without credentials could reach whatever the janitor's identity may."""
    sentence = refusal(draft(location, variables=WITHOUT_KEYS))
    assert "`pod_identity: true`" in sentence


def test_the_janitors_own_identity_is_lent_where_the_configuration_says_so():
    """Else Stash with workload identity could not be discovered."""
    process = {"AWS_ROLE_ARN": "arn:x", "AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "OTHER": "x"}
    found = confined(draft(variables=WITHOUT_KEYS), Confines(pod_identity=True, process=process))
    assert set(found.environment) == {"AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"}


# --- which servers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "endpoints", "allowed"),
    [
        ("s3:https://s3.example.com/b", ["s3.example.com"], True),
        ("s3:https://S3.Example.COM/b", ["s3.example.com"], True),
        ("s3:https://s3.example.com:9000/b", ["s3.example.com"], True),
        ("s3:https://s3.example.com:9000/b", ["s3.example.com:9001"], False),
        ("s3:https://s3.example.com/b", ["*.example.com"], True),
        ("s3:https://s3.example.com.evil.net/b", ["*.example.com"], False),
        ("s3:http://169.254.169.254/latest/meta-data", ["*.example.com"], False),
        ("rest:http://user:word@rest.shop.svc:8000/x", ["rest.shop.svc:8000"], True),
        ("rest:http://rest.shop.svc@kubernetes.default.svc/x", ["rest.shop.svc"], False),
        ("rest:https://kubernetes.default.svc/api", ["rest.shop.svc"], False),
    ],
)
def test_only_the_servers_of_the_allow_list_are_asked(location, endpoints, allowed):
    """Else a tenant could make the janitor send requests to whatever it can reach."""
    confines = Confines(endpoints=tuple(endpoints))
    if allowed:
        assert confined(draft(location), confines).state is None
    else:
        assert "`endpoints`" in refusal(draft(location), confines)


@pytest.mark.parametrize(
    ("location", "variables", "endpoint"),
    [
        ("gs:b:/x", {"GOOGLE_ACCESS_TOKEN": "t"}, "storage.googleapis.com"),
        (
            "azure:c:/x",
            {"AZURE_ACCOUNT_NAME": "acme", "AZURE_ACCOUNT_KEY": "k"},
            "acme.blob.core.windows.net",
        ),
        (
            "azure:c:/x",
            {
                "AZURE_ACCOUNT_NAME": "acme",
                "AZURE_ACCOUNT_KEY": "k",
                "AZURE_ENDPOINT_SUFFIX": "evil.net",
            },
            "acme.blob.evil.net",
        ),
        ("b2:bucket:x", {"B2_ACCOUNT_ID": "i", "B2_ACCOUNT_KEY": "k"}, "api.backblazeb2.com"),
        (
            "swift:c:/x",
            {"OS_AUTH_URL": "https://keystone.evil.net:5000/v3"},
            "keystone.evil.net:5000",
        ),
        (
            "swift:c:/x",
            {"OS_STORAGE_URL": "https://s3.example.com", "ST_AUTH": "http://evil.net/v1"},
            "evil.net",
        ),
    ],
)
def test_the_server_of_a_provider_is_checked_too(location, variables, endpoint):
    """Else an endpoint in a variable would pass by the allow-list."""
    given = {name: Secret(value) for name, value in variables.items()}
    made = draft(location, variables=given)
    assert endpoint in refusal(made, Confines(endpoints=("s3.example.com",)))
    found = confined(made, Confines(endpoints=(endpoint, "s3.example.com")))
    assert found.state is None
    # of Swift's the identity service names another server, which is checked when it does
    assert (found.endpoints is not None) == location.startswith("swift")


@pytest.mark.parametrize("name", ["OS_AUTH_URL", "ST_AUTH", "OS_STORAGE_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "http://evil.net\\@s3.example.com/v3",
        "http://evil.net:80\\@s3.example.com/v3",
        "http:\\\\evil.net/@s3.example.com",
        "http://evil.net\t@s3.example.com/v3",
        "http://a@evil.net@s3.example.com/v3",
        "//s3.example.com/v3",
    ],
)
def test_a_url_that_can_be_read_in_two_ways_passes_no_allow_list(name, url):
    """Else one host would be checked, and another one asked."""
    made = draft("swift:c:/x", variables={name: Secret(url)})
    assert "none of the `endpoints`" in refusal(made, Confines(endpoints=("s3.example.com",)))


# --- local paths ------------------------------------------------------------------------------

CLAIM = MountedVolume("shop", "claim:backups", path="db")


def test_a_local_path_is_never_opened_in_the_janitors_own_file_system():
    """Else `local:/etc`, in somebody's Secret, would be swept in the janitor's pod."""
    found = confined(draft("local:/", volume=None))
    assert found.state is RepositoryState.NOT_MOUNTED
    found = confined(draft("local:/var/run/secrets", volume=CLAIM))
    assert found.state is RepositoryState.NOT_MOUNTED
    assert found.problem == (
        "it lies on the claim shop/backups, which is not mounted here: install a janitor in the "
        "namespace shop with k8s/components/volume and add "
        "`volumes: [{claim: shop/backups, path: /repos/backups}]`"
    )


@pytest.mark.parametrize(
    ("volume", "mount", "folder"),
    [
        (CLAIM, Mount("claim:shop/backups", "/repos/shop"), "/repos/shop/db"),
        (
            MountedVolume("shop", "claim:backups", sub_path="a/", path="/b"),
            Mount("claim:shop/backups", "/r"),
            "/r/a/b",
        ),
        (
            MountedVolume("shop", "nfs:nas:/pool/x", path="y"),
            Mount("nfs:nas:/pool", "/r"),
            "/r/x/y",
        ),
        (MountedVolume("shop", "nfs:NAS:/pool/"), Mount("nfs:nas:/pool", "/r"), "/r"),
        (CLAIM, Mount("claim:other/backups", "/r"), None),
        (MountedVolume("shop", "nfs:nas:/pool2"), Mount("nfs:nas:/pool", "/r"), None),
        (MountedVolume("shop", "nfs:nas:/pool/../etc"), Mount("nfs:nas:/pool", "/r"), None),
        (
            MountedVolume("shop", "claim:backups", path="../x"),
            Mount("claim:shop/backups", "/r"),
            None,
        ),
        (
            MountedVolume("shop", "claim:backups", sub_path=".."),
            Mount("claim:shop/backups", "/r"),
            None,
        ),
        (MountedVolume("shop", "hostPath:/var"), Mount("claim:shop/backups", "/r"), None),
    ],
)
def test_a_volume_that_the_configuration_maps_is_opened_there_and_nowhere_else(
    volume, mount, folder
):
    """Else two tenants' /safe/data would be one, or a `..` would leave the volume."""
    found = confined(draft("local:/safe/data", volume=volume), Confines(mounts=(mount,)))
    if folder is None:
        assert found.state is RepositoryState.NOT_MOUNTED
    else:
        assert (found.state, found.location.path) == (None, folder)


# --- annotations ------------------------------------------------------------------------------


def annotated(**annotations: str) -> Found:
    given = {f"restic-janitor.io/{name.replace('_', '-')}": v for name, v in annotations.items()}
    return confined(draft(annotations=given | {"other.io/ignore": "true"}))


def test_an_owner_may_say_what_it_knows():
    """Else people would need the janitor's configuration for their own repository."""
    repository = annotated(min_age="2h", holders="laptop-*, nas", shared="true").repository
    assert repository.min_age == timedelta(hours=2)
    assert repository.holders == (HolderPattern("laptop-*"), HolderPattern("nas"))
    assert repository.shared


def test_an_owner_may_be_ignored():
    """Else nobody could keep the janitor from one repository."""
    found = annotated(ignore="true")
    assert found.state is RepositoryState.IGNORED
    assert annotated(ignore="false").state is None


@pytest.mark.parametrize(
    ("annotations", "sentence"),
    [
        ({"min_age": "5m"}, "its annotation restic-janitor.io/min-age must be 30m or more"),
        ({"min_age": "long"}, "its annotation restic-janitor.io/min-age must be a duration"),
        ({"ignore": "yes"}, 'its annotation restic-janitor.io/ignore must be "true" or "false"'),
        ({"shared": ""}, 'its annotation restic-janitor.io/shared must be "true" or "false"'),
        ({"holders": "*"}, "its annotation restic-janitor.io/holders fits every hostname"),
        ({"holders": "a b"}, "its annotation restic-janitor.io/holders must be a glob"),
        ({"ingore": "true"}, "did you mean `restic-janitor.io/ignore`?"),
    ],
)
def test_an_annotation_that_cannot_be_followed_keeps_every_lock(annotations, sentence):
    """Else a slip in `ignore` or `min-age` would remove what was to be kept."""
    found = annotated(**annotations)
    assert found.state is RepositoryState.INCOMPLETE
    assert sentence in found.problem


@pytest.mark.parametrize("location", ["gs:bucket", "nonsense:x", None])
def test_a_broken_one_may_be_ignored_too(location):
    """Else what somebody has taken out of service is told every night."""
    made = draft(location, annotations={"restic-janitor.io/ignore": "true"}, problem="broken")
    assert confined(made).state is RepositoryState.IGNORED


def test_an_endless_location_is_refused():
    """Else one Secret would fill every log with a megabyte."""
    assert "4096" in refusal(draft("s3:https://s3.example.com/b/" + "x" * 5000))


def test_a_broken_owner_keeps_its_own_sentence():
    """Else nobody knows which Secret is missing."""
    found = confined(draft(None, problem="there is no Secret media/plex"))
    assert (found.state, found.problem) == (
        RepositoryState.INCOMPLETE,
        "there is no Secret media/plex",
    )


def test_a_missing_password_is_told():
    """Else it would be `wrong-password`, and somebody would look for the wrong fault."""
    assert "RESTIC_PASSWORD" in refusal(draft(variables={"RESTIC_PASSWORD": Secret("")}))


def test_a_location_that_cannot_be_read_is_told():
    """Else one bad Secret would end the sweep of all."""
    assert "second colon" in refusal(draft("gs:bucket"))
