"""The configuration file with its environment, mounted Secrets and env files."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from janitor.discover.configuration import load_configuration
from janitor.discover.configured import find_configured, select
from janitor.discover.mistakes import ConfigurationError
from janitor.discover.variables import is_restic_variable
from janitor.model import Policy, RepositoryState
from janitor.store.connections import Connections
from janitor.store.errors import StoreError
from janitor.store.open import open_store
from tests.fuzz.mutations import ODD, Literal, damaged, documents, texts
from tests.fuzz.sentences import CANARY, check_sentence
from tests.fuzz.target import Target

_FILE = {
    "min_age": "45m",
    "max_removals": 20,
    "max_skew": "2m",
    "remove_unrefreshed_after": "3d",
    "allow_short_min_age": False,
    "dry_run": True,
    "observe": {"namespaces": ["shop", "web"], "nodes": True},
    "repositories": [
        {
            "name": "shop-db",
            "location": "s3:https://s3.example.com/backups/shop",
            "environment": ["secret", "more.env"],
            "variables": {"AWS_DEFAULT_REGION": "eu-west-3", "RESTIC_KEY_HINT": "ab"},
            "holders": ["shop-db-backup-*", {"name": "b-*", "containers": ["backup"]}],
            "namespaces": ["shop"],
            "shared": True,
            "min_age": "1h",
            "remove_unrefreshed_after": "4d",
        },
        {"name": "web", "environment": "secret"},
        {"name": "blocked", "environment": ["fifo", "folder"]},
    ],
}
_WRONG = {
    "max_removals": CANARY,
    "observe": {"namespaces": CANARY, "nodes": CANARY},
    "repositories": [
        {"name": "a", "location": {"a": CANARY}, "shared": CANARY, "min_age": CANARY},
        {"name": "b", "variables": {"RESTIC_PASSWORD": CANARY}, "holders": [[CANARY]]},
    ],
}
_YAMLS = [Literal(each) for each in (b"0x_", b"0b_", b"1:99", b"<<", b"2026-13-45", b"*x")]
_ODD = st.booleans().flatmap(lambda odd: ODD if odd else st.sampled_from(_YAMLS))
"""As often something that only YAML has."""
_YAML = f"""\
min_age: 45m  # comment
observe: {{namespaces: all, nodes: true}}
defaults: &defaults
  environment: secret
repositories:
  - name: shop-db
    <<: *defaults
    location: "rest:https://user:{CANARY}@host/"
    holders: ['shop-*', "web-?"]
    variables:
      RESTIC_PASSWORD: {CANARY}
  - {{name: web, location: /srv/web, min_age: 2026-11-24}}
"""
_TOKENS = (
    *("- ", ": ", "? ", "\n", "\n  ", "\t", "#", "&a ", "*a", "<<: *a", "!!python/name:os.system "),
    *(
        "!!binary ",
        "!t ",
        "| ",
        "> ",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        "{",
        "}",
        "[",
        "]",
        "'",
        '"',
    ),
    *("0x1f", "0o17", "1_000", "1:30", ".inf", ".nan", "=", "~", "yes", "2026-11-24", "\\x41", "@"),
    *("\ufeff", "\x85", "\u2028", "\x07", "[" * 40, "{a: " * 40, "&a [*a]", "*defaults"),
)
_WORDS = (
    *("secret", "more.env", "folder", "absent", "a\0b", "/", ".", "..", "x" * 300, "/etc/shadow"),
    *("all", "30m", "1s", "0s", "99999999d", "1d1d", "*", "[!a]", "rest:http://h/", "s3:h/b"),
    *("/dev/zero", "/proc/self/mem", "fifo", "", CANARY),
)
_NAMES = (
    *("RESTIC_PASSWORD", "RESTIC_PASSWORD_FILE", "RESTIC_PASSWORD_COMMAND", "RESTIC_REPOSITORY"),
    *("RESTIC_REPOSITORY_FILE", "RESTIC_CACERT", "RESTIC_KEY_HINT", "RESTIC_TLS_CLIENT_CERT"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"),
    *("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_DEFAULT_REGION", "RCLONE_CONFIG_X"),
    *("AWS_EC2_METADATA_DISABLED", "RESTIC_REST_USERNAME", "RESTIC_REST_PASSWORD", "README"),
)
_VALUES = st.sampled_from(
    [
        *(b"test", b"test\n", b"rest:https://h/r", b"s3:https://h/b\n", b"/srv/r", b"secret/x"),
        *(b"\xff\xfe\0", b"a" * 300, b"/" + b"a" * 5000, b"{}", b"-----BEGIN X-----\n", b"a\0b"),
        *(b"/etc/passwd", b"/proc/self/environ", b"\n", b" ", b"'", b'"', b"$X", b"\xef\xbb\xbfa"),
    ]
) | st.binary(max_size=12)


# --- the file --------------------------------------------------------------------------------


def check_configuration(value: tuple[bytes, dict[str, str]]) -> None:
    """A configuration is loaded, or every mistake is one line that repeats no value."""
    raw, process = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "janitor.yaml"
        path.write_bytes(raw)
        _furnish(Path(folder), {"RESTIC_PASSWORD": b"test"}, b"RESTIC_KEY_HINT=a\n")
        try:
            configuration = load_configuration(path, process=process)
        except ConfigurationError as error:
            _told(str(error).split("\n"))
            return
        assert _within_bounds(configuration.policy)
        _find(configuration, process)


def _told(lines: list[str]) -> None:
    assert len(lines) <= 11
    for line in lines:
        check_sentence(line)


def _within_bounds(policy: Policy) -> bool:
    """No input talks the floors away, but by the word that is for it."""
    low = policy.min_age.total_seconds() < 1800 and not policy.allow_short_min_age
    return not low and 1 <= policy.max_skew.total_seconds() <= 900


def _find(configuration: Any, process: dict[str, str]) -> None:
    """The repositories are found, or incomplete in a sentence; their stores open, or say why."""
    with Connections() as connections:
        for found in select(find_configured(configuration, process), ["*"]):
            if found.state is not None:
                assert found.state is RepositoryState.INCOMPLETE
                assert found.problem
                assert CANARY not in found.problem
                continue
            assert found.location is not None
            assert not any("\0" in value.reveal() for value in found.environment.values())
            try:
                open_store(found.location, found.environment, connections=connections).close()
            except StoreError as error:
                check_sentence(error, at_most=20_000, on_one_line=False)


def _furnish(folder: Path, values: dict[str, bytes], env_file: bytes) -> None:
    """What `secret`, `more.env`, `folder` and `fifo` are."""
    (folder / "secret").mkdir()
    (folder / "folder").mkdir()
    for name, value in values.items():
        (folder / "secret" / name).write_bytes(value)
    (folder / "more.env").write_bytes(env_file)
    os.mkfifo(folder / "fifo")


_PROCESS = st.dictionaries(
    st.sampled_from(
        ["JANITOR_MIN_AGE", "JANITOR_MAX_SKEW", "JANITOR_DRY_RUN", "JANITOR_MAX_REMOVALS", "HOME"]
    )
    | st.sampled_from(["JANITOR_ALLOW_SHORT_MIN_AGE", "JANITOR_PORT", "JANITOR_é", *_NAMES]),
    st.sampled_from(["30m", "1s", "true", "TRUE", "1", "٣", "null", "", "\udcff", *_WORDS]),
    max_size=2,
)
_FILES = st.one_of(
    documents([_FILE, _FILE, _WRONG], _WORDS, odd=_ODD),
    texts([_YAML, json.dumps(_FILE)], _TOKENS).map(lambda text: text.encode("utf-8", "replace")),
    documents([_FILE], _WORDS).flatmap(damaged),
)


# --- Secrets ---------------------------------------------------------------------------------


def check_environment(value: tuple[dict[str, bytes], bytes]) -> None:
    """Whatever a Secret or an env file holds costs one repository, in a sentence."""
    values, env_file = {"RESTIC_PASSWORD": b"test"} | value[0], value[1]
    with tempfile.TemporaryDirectory() as folder:
        _furnish(Path(folder), values, env_file)
        path = Path(folder) / "janitor.yaml"
        path.write_text(
            "repositories:\n"
            "- {name: a, location: 's3:https://h/b', environment: [secret, more.env]}\n"
            "- {name: b, environment: secret}\n"
            "- {name: c, environment: more.env, location: 'rest:https://h/r'}\n"
        )
        configuration = load_configuration(path, process={})
        _find(configuration, {"AWS_ROLE_ARN": "arn", "AWS_WEB_IDENTITY_TOKEN_FILE": "a" * 300})
    plain = {
        name: raw.decode("utf-8", "surrogateescape")
        for name, raw in values.items()
        if is_restic_variable(name) and b"\0" not in raw
    }
    try:
        _find(load_configuration(None, process={}), plain)
    except ConfigurationError as error:
        assert "nothing to look at" in str(error)  # noqa: PT017 - the one that may come


_LINES = st.tuples(st.sampled_from(["", "export ", " ", "#"]), st.sampled_from(_NAMES), _VALUES)
_ENV_FILES = st.lists(
    _LINES.map(lambda line: line[0].encode() + line[1].encode() + b"=" + line[2]), max_size=4
).map(b"\n".join)


TARGETS = (
    Target("configuration", st.tuples(_FILES, _PROCESS), check_configuration),
    Target(
        "environment",
        st.tuples(
            st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=5),
            _ENV_FILES.flatmap(lambda raw: st.just(raw) | damaged(raw)),
        ),
        check_environment,
        examples=100,
    ),
)
