"""A container's environment, its files and its flags, as the kubelet and restic make them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.discover.container import Container, read_container
from janitor.discover.draft import MountedVolume
from janitor.discover.expansion import LONGEST, TooLong, expand
from janitor.discover.template import PodTemplate, environment_of
from janitor.model import Secret, SecretFile

from .fake_reader import FakeReader


@pytest.fixture
def reader() -> FakeReader:
    reader = FakeReader()
    reader.add_secret("shop", "restic", RESTIC_PASSWORD="word", RESTIC_REPOSITORY="s3:host/b")
    reader.add_secret("shop", "keys", AWS_ACCESS_KEY_ID="id", AWS_SECRET_ACCESS_KEY="key")
    reader.config_maps["shop", "ca"] = {"ca.crt": Secret("PEM")}
    return reader


def evaluated(container: dict, reader: FakeReader, **metadata: object):
    return environment_of(container, PodTemplate("shop", {}, metadata), reader)


def values(container: dict, reader: FakeReader) -> dict[str, str]:
    found = evaluated(container, reader)
    return {name: value.reveal() for name, value in found.values.items()}


def env(*pairs: tuple[str, str]) -> dict:
    return {"env": [{"name": name, "value": value} for name, value in pairs]}


# --- $(NAME) ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)", "a"),
        ("$(A)$(B)", "ab"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$a"),
        ("$$$$(A)", "$$(A)"),
        ("$(MISSING)", "$(MISSING)"),
        ("$(A", "$(A"),
        ("$A ${A} $", "$A ${A} $"),
        ("$()", "$()"),
        ("$(A$(B))", "$(A$(B))"),
        ("x$(A)y", "xay"),
        ("$)", "$)"),
    ],
)
def test_references_are_expanded_as_kubernetes_does(text, expanded):
    """Else a password with a dollar would be another one."""
    assert expand(text, {"A": "a", "B": "b"}.get) == expanded


@given(st.text(alphabet="$)AB x", max_size=40))
def test_what_holds_no_reference_stays(text):
    """`$$` is one `$`, and every other `$` that begins no reference stays."""
    assert expand(text, lambda _: None) == text.replace("$$", "\0").replace("\0", "$")


def test_a_value_that_doubles_itself_is_bounded(reader):
    """Else a hostile template would take the pod's memory."""
    with pytest.raises(TooLong):
        expand("$(A)$(A)", lambda _: "x" * LONGEST)
    pairs = [("V0", "x" * 1000)]
    pairs += [(f"V{n}", f"$(V{n - 1})" * 10) for n in range(1, 30)]
    assert "longer" in next(iter(evaluated(env(*pairs), reader).unknown.values()))


# --- the environment --------------------------------------------------------------------------


def test_env_is_over_env_from_and_the_later_source_wins(reader):
    """Else the wrong of two passwords would be tried."""
    reader.add_secret("shop", "other", RESTIC_PASSWORD="other", X="1")
    sources = [{"secretRef": {"name": "restic"}}, {"secretRef": {"name": "other"}}]
    assert values({"envFrom": sources}, reader)["RESTIC_PASSWORD"] == "other"
    both = {
        "envFrom": sources,
        **env(("RESTIC_PASSWORD", "mine"), ("Y", "$(X)-$(RESTIC_PASSWORD)")),
    }
    assert values(both, reader)["RESTIC_PASSWORD"] == "mine"
    assert values(both, reader)["Y"] == "1-mine"


def test_a_reference_sees_only_what_stands_before_it(reader):
    """Else a location would be put together of what comes later."""
    found = values(env(("A", "$(B)"), ("B", "b"), ("C", "$(B)"), ("B", "again")), reader)
    assert found == {"A": "$(B)", "B": "again", "C": "b"}


def test_a_prefix_is_put_before_every_key(reader):
    """Else `RESTIC_` before `PASSWORD` would find none."""
    reader.add_secret("shop", "short", PASSWORD="p")
    source = {"prefix": "RESTIC_", "secretRef": {"name": "short"}}
    assert values({"envFrom": [source]}, reader) == {"RESTIC_PASSWORD": "p"}


def test_optional_sources_may_be_absent(reader):
    """Else a workload that runs well would be told as broken."""
    container = {
        "envFrom": [{"secretRef": {"name": "none", "optional": True}}],
        "env": [
            {
                "name": "A",
                "valueFrom": {"secretKeyRef": {"name": "none", "key": "k", "optional": True}},
            },
            {
                "name": "B",
                "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k", "optional": True}},
            },
        ],
    }
    found = evaluated(container, reader)
    assert (found.values, found.unknown, found.missing) == ({}, {}, [])


def test_an_optional_source_that_is_denied_is_not_absent(reader):
    """Else a password that the janitor may not read would be one that is not set."""
    reader.denied.add(("shop", "none"))
    found = evaluated({"envFrom": [{"secretRef": {"name": "none", "optional": True}}]}, reader)
    assert found.missing == ["the Secret shop/none cannot be read: denied"]


def test_what_only_the_pod_knows_is_not_guessed(reader):
    """Else a location would be read that no pod uses."""
    container = {
        "env": [
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "NS", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "L", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
            {"name": "M", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}},
            {"name": "A", "value": "$(NS)-$(L)"},
            {"name": "B", "value": "$(IP)"},
            {"name": "C", "value": "$(KUBERNETES_SERVICE_HOST)"},
        ]
    }
    found = evaluated(container, reader, labels={"app": "db"})
    assert {name: value.reveal() for name, value in found.values.items()} == {
        "NS": "shop",
        "L": "db",
        "A": "shop-db",
    }
    assert set(found.unknown) == {"IP", "M", "B", "C"}


@settings(max_examples=300, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "env",
                        "envFrom",
                        "name",
                        "value",
                        "valueFrom",
                        "secretRef",
                        "secretKeyRef",
                        "fieldRef",
                        "fieldPath",
                        "key",
                        "optional",
                        "prefix",
                        "command",
                        "args",
                        "volumeMounts",
                        "mountPath",
                        "subPath",
                        "volumes",
                        "secret",
                        "items",
                        "path",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_an_absurd_template_is_no_crash(container):
    """Anybody may write a template: one that no API server would accept is still a value."""
    if isinstance(container, dict):
        read_container(container, PodTemplate("shop", container, {}), FakeReader())


# --- files ------------------------------------------------------------------------------------


def read(container: dict, reader: FakeReader, *volumes: dict) -> Container:
    return read_container(
        {"name": "backup", **container}, PodTemplate("shop", {"volumes": list(volumes)}), reader
    )


def with_password(*pairs: tuple[str, str], **container: object) -> dict:
    given = env(("RESTIC_REPOSITORY", "s3:host/b"), ("RESTIC_PASSWORD", "word"), *pairs)
    return given | container


def mount(name: str, at: str, **more: str) -> dict:
    return {"name": name, "mountPath": at, **more}


def test_a_file_of_a_mounted_secret_is_carried_by_its_content(reader):
    """Else nobody with RESTIC_PASSWORD_FILE could be discovered."""
    container = env(
        ("RESTIC_REPOSITORY", "s3:host/b"), ("RESTIC_PASSWORD_FILE", "/s/RESTIC_PASSWORD")
    )
    container["volumeMounts"] = [mount("v", "/s")]
    found = read(container, reader, {"name": "v", "secret": {"secretName": "restic"}})
    assert found.problem is None
    assert found.variables["RESTIC_PASSWORD_FILE"] == SecretFile("word")


@pytest.mark.parametrize(
    ("volume", "mounts", "path", "content"),
    [
        ({"configMap": {"name": "ca"}}, [mount("v", "/c")], "/c/ca.crt", "PEM"),
        (
            {"configMap": {"name": "ca", "items": [{"key": "ca.crt", "path": "a/b.pem"}]}},
            [mount("v", "/c")],
            "/c/a/b.pem",
            "PEM",
        ),
        ({"configMap": {"name": "ca"}}, [mount("v", "/x.crt", subPath="ca.crt")], "/x.crt", "PEM"),
        ({"configMap": {"name": "ca"}}, [mount("v", "/c")], "/c/..data/ca.crt", "PEM"),
        ({"configMap": {"name": "ca"}}, [mount("v", "/c"), mount("w", "/")], "/c/ca.crt", "PEM"),
        (
            {
                "projected": {
                    "sources": [{"secret": {"name": "restic"}}, {"configMap": {"name": "ca"}}]
                }
            },
            [mount("v", "/p")],
            "/p/RESTIC_PASSWORD",
            "word",
        ),
        ({"emptyDir": {}}, [mount("v", "/c")], "/c/ca.crt", None),
        ({"configMap": {"name": "ca"}}, [mount("v", "/c")], "/c/none", None),
        ({"configMap": {"name": "ca"}}, [mount("v", "/c")], "/etc/ca.crt", None),
        ({"configMap": {"name": "none"}}, [mount("v", "/c")], "/c/ca.crt", None),
        ({"configMap": {"name": "ca"}}, [mount("v", "/c", subPathExpr="$(X)")], "/c/ca.crt", None),
        (
            {"configMap": {"name": "ca", "items": [{"key": "ca.crt", "path": "other"}]}},
            [mount("v", "/c")],
            "/c/ca.crt",
            None,
        ),
    ],
)
def test_a_path_is_resolved_through_the_mounts(reader, volume, mounts, path, content):
    """Else a CA would be missing, or another file would be taken for it."""
    container = with_password(("RESTIC_CACERT", path), volumeMounts=mounts)
    found = read(container, reader, {"name": "v", **volume}, {"name": "w", "emptyDir": {}})
    if content is None:
        assert f"the file {path!r} that RESTIC_CACERT names" in (found.problem or "")
    else:
        assert (found.problem, found.variables["RESTIC_CACERT"]) == (None, SecretFile(content))


def test_a_local_repository_tells_its_volume(reader):
    """Else two workloads' /backup would be one repository."""
    container = env(("RESTIC_REPOSITORY", "/backup/db"), ("RESTIC_PASSWORD", "x"))
    container["volumeMounts"] = [mount("v", "/backup", subPath="restic")]
    claim = {"name": "v", "persistentVolumeClaim": {"claimName": "backups"}}
    assert read(container, reader, claim).volume == MountedVolume(
        "shop", "claim:backups", "restic", "db"
    )
    nfs = {"name": "v", "nfs": {"server": "nas", "path": "/pool"}}
    assert read(container, reader, nfs).volume == MountedVolume(
        "shop", "nfs:nas:/pool", "restic", "db"
    )


# --- flags ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["restic", "-r", "s3:host/b", "backup", "/data"],
        ["/usr/bin/restic", "backup", "--repo", "s3:host/b"],
        ["restic", "--repo=s3:host/b"],
        ["restic", "-rs3:host/b"],
        ["restic", "-r", "$(WHERE)"],
    ],
)
def test_a_literal_flag_names_the_repository(reader, words):
    """Else those who write `restic -r` need a configuration."""
    container = env(("RESTIC_PASSWORD", "word"), ("WHERE", "s3:host/b")) | {"command": words}
    found = read(container, reader)
    assert (found.problem, found.location) == (None, "s3:host/b")


def test_flags_are_over_the_environment(reader):
    """Else another repository than the workload's would be swept."""
    container = with_password(command=["restic"], args=["-r", "s3:host/other", "--insecure-tls"])
    found = read(container, reader)
    assert (found.location, found.insecure_tls) == ("s3:host/other", True)


@pytest.mark.parametrize(
    "words", [["sh", "-c", "restic -r s3:host/b backup"], ["rclone", "-r", "s3:host/b"], []]
)
def test_what_stands_in_a_script_is_not_known(reader, words):
    """Else half of a shell's words would be taken for a location."""
    found = read(env(("RESTIC_PASSWORD", "word")) | {"command": words}, reader)
    assert not found.names_a_repository
    assert found.mentions_restic


@pytest.mark.parametrize(
    ("container", "sentence"),
    [
        (env(("RESTIC_REPOSITORY", "s3:host/b")), "has neither RESTIC_PASSWORD nor"),
        (
            {
                "env": [
                    {"name": "RESTIC_REPOSITORY", "value": "s3:host/b"},
                    {
                        "name": "RESTIC_PASSWORD",
                        "valueFrom": {"secretKeyRef": {"name": "none", "key": "k"}},
                    },
                ]
            },
            "RESTIC_PASSWORD is not known: there is no Secret shop/none",
        ),
        (
            {
                "env": [
                    {
                        "name": "RESTIC_REPOSITORY",
                        "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}},
                    },
                ]
            },
            "RESTIC_REPOSITORY is not known: 'keys' has no key 'k'",
        ),
    ],
)
def test_what_is_missing_is_named(reader, container, sentence):
    """Else a person has to compare two manifests to find the missing key."""
    assert sentence in (read(container, reader).problem or "")
