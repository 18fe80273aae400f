from __future__ import annotations

import traceback
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from janitor.discover.configuration import Configuration, load_configuration
from janitor.discover.mistakes import ConfigurationError
from janitor.discover.schema import Document, RepositoryEntry
from janitor.model import HolderPattern, Repository

from .writing import ONE, load, mistake, mistakes

CANARY = "hunter2-canary"


def test_a_repository_arrives_with_every_key(tmp_path: Path) -> None:
    """Else a key would be accepted and ignored."""
    text = """
repositories:
  - name: shop-db
    location: s3:https://s3.example.com/backups/shop
    environment: [secrets/shop, /etc/more.env]
    variables: {AWS_DEFAULT_REGION: eu-west-3}
    holders:
      - "shop-db-backup-*"
      - {name: "blockworld-*", containers: [backup]}
    namespaces: [shop]
    shared: true
    min_age: 1h
    remove_unrefreshed_after: 3d
"""
    (configured,) = load(tmp_path, text).repositories
    assert configured.repository == Repository(
        name="shop-db",
        location="s3:https://s3.example.com/backups/shop",
        holders=(HolderPattern("shop-db-backup-*"), HolderPattern("blockworld-*", ("backup",))),
        namespaces=("shop",),
        shared=True,
        min_age=timedelta(hours=1),
        remove_unrefreshed_after=timedelta(days=3),
    )
    assert configured.location is not None
    assert configured.location.bucket == "backups"
    assert configured.sources == (tmp_path / "secrets/shop", Path("/etc/more.env"))
    assert configured.variables == {"AWS_DEFAULT_REGION": "eu-west-3"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("min_aeg: 30m\n" + ONE, "`min_aeg` is not a key here: did you mean `min_age`?"),
        (
            "observe: {node: true}\n" + ONE,
            "observe: `node` is not a key here: did you mean `nodes`",
        ),
        (
            "repositories: [{name: a, location: /r, holder: [x-*]}]",
            "repositories[0]: `holder` is not a key here: did you mean `holders`?",
        ),
        (
            "repositories: [{name: a, location: /r, holders: [{nam: x-*, name: y-*}]}]",
            "repositories[0].holders[0]: `nam` is not a key here: did you mean `name`?",
        ),
        ("1: x\n" + ONE, "a key that is no plain word is not a key here"),
        (
            "repositories: [{name: a, location: /a, options: {sftp.args: -v}}]",
            "repositories[0]: `options` is not a key here: restic's `-o` options are not used. "
            "In place of `sftp.args` and `sftp.command` write `ssh: FOLDER`",
        ),
        (
            "repositories: [{name: a, location: /a, sftp.command: x}]",
            "repositories[0]: `sftp.command` is not a key here: restic's `-o` options",
        ),
        (
            'repositories: [{name: a, location: /a, ssh: ""}]',
            "repositories[0].ssh: must be the path of a folder",
        ),
        (
            "repositories: [{name: a, location: /r, AWS_PROFILE: x}]",
            "repositories[0]: `AWS_PROFILE` is a variable of restic, not a key",
        ),
    ],
)
def test_an_unknown_key_names_the_nearest(tmp_path: Path, text: str, sentence: str) -> None:
    """Else a misspelt setting would be ignored, or hard to find."""
    assert mistake(tmp_path, text).removeprefix("janitor.yaml: ").startswith(sentence)


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("{location: /r}", "repositories[0]: needs the key `name`."),
        ("{name: ''}", "repositories[0].name: must have 1 to 200"),
        ("{name: 7}", "repositories[0].name: must be text, not a number: put text in quotes."),
        ("{name: yes}", "repositories[0].name: must be text, not true or false (in YAML `yes`"),
        ("{name: 'a*'}", "repositories[0].name: must be printable"),
        ("{name: ' a'}", "repositories[0].name: must be printable"),
        (r'{name: "a\nb"}', "repositories[0].name: must be printable"),
        ("[a]", "repositories[0]: must be a mapping, not a list."),
        ("{name: a, location: 'nonsense:x'}", "repositories[0].location: the repository's"),
        ("{name: a, location: ''}", "repositories[0].location: the repository's location is empty"),
        ("{name: a, holders: x-*}", "repositories[0].holders: must be a list, not text."),
        ("{name: a, holders: ['']}", "repositories[0].holders[0]: must be a glob of 1"),
        ("{name: a, holders: ['a b']}", "repositories[0].holders[0]: must be a glob of a hostname"),
        ("{name: a, holders: [{name: b, containers: []}]}",
         "repositories[0].holders[0].containers: is an empty list"),
        ("{name: a, holders: [{name: b, containers: [B]}]}",
         "repositories[0].holders[0].containers[0]: must be a Kubernetes name"),
        ("{name: a, namespaces: []}", "repositories[0].namespaces: is an empty list"),
        ("{name: a, namespaces: [a.b]}", "repositories[0].namespaces[0]: must be a Kubernetes"),
        ("{name: a, namespaces: all}", "repositories[0].namespaces: must be a list or null"),
        ("{name: a, environment: ''}", "repositories[0].environment: must be the path"),
        ("{name: a, environment: [1]}", "repositories[0].environment[0]: must be text"),
        ("{name: a, variables: {AWS_PROFILE: 1}}",
         "repositories[0].variables.AWS_PROFILE: must be text"),
        ("{name: a, variables: {AWS_DEFAULT_REGIO: x}}",
         "repositories[0].variables: `AWS_DEFAULT_REGIO` is no variable that restic reads: "
         "did you mean `AWS_DEFAULT_REGION`"),
        ("{name: a, variables: {PATH: x}}", "repositories[0].variables: `PATH` is no variable"),
        ("{name: a, min_age: 1x}", "repositories[0].min_age: must be a duration"),
        ("{name: a, remove_unrefreshed_after: 1h}",
         "repositories[0].remove_unrefreshed_after: must be 24h or more"),
    ],
)  # fmt: skip
def test_a_wrong_entry_says_where_and_what_is_allowed(
    tmp_path: Path, entry: str, sentence: str
) -> None:
    """Else a person with twenty repositories would have to guess which one."""
    text = f"repositories: [{entry}]"
    assert mistake(tmp_path, text).removeprefix("janitor.yaml: ").startswith(sentence)


@pytest.mark.parametrize("glob", ["*", "**", "?*", "*-*", "[a-z]*", "[!a]*", "*.*", "[]a]*"])
def test_a_glob_that_fits_every_hostname_is_refused(tmp_path: Path, glob: str) -> None:
    """Else the lock of a laptop that backs up now would be removed as holder-absent."""
    text = f"repositories: [{{name: a, location: /r, holders: ['{glob}']}}]"
    assert "fits every hostname" in mistake(tmp_path, text)


@pytest.mark.parametrize("glob", ["db-?", "*-backup", "web[0-9]", "x*", "DB-*"])
def test_a_glob_with_some_of_a_name_is_accepted(tmp_path: Path, glob: str) -> None:
    """Else ordinary pods could not be named."""
    text = f"repositories: [{{name: a, location: /r, holders: ['{glob}']}}]"
    assert load(tmp_path, text).repositories[0].repository.holders == (HolderPattern(glob),)


def test_two_repositories_of_one_name_are_refused(tmp_path: Path) -> None:
    """Else the state of one would be taken for the other's."""
    text = "repositories: [{name: a, location: /r}, {name: b, location: /s}, {name: a}]"
    assert mistake(tmp_path, text) == (
        "janitor.yaml: repositories[2].name: is the name of repositories[0] already."
    )


def test_a_namespace_that_is_not_observed_is_refused(tmp_path: Path) -> None:
    """Else its pods would be absent from every observation, and their locks stale."""
    text = (
        "observe: {namespaces: [shop]}\n"
        "repositories: [{name: a, location: /r, namespaces: [shop, media]}]"
    )
    assert mistake(tmp_path, text).startswith(
        "janitor.yaml: repositories[0].namespaces[1]: is not in `observe.namespaces`"
    )


def test_null_cannot_take_back_the_unrefreshed_verdict_silently(tmp_path: Path) -> None:
    """Else a repository that opted out would still lose locks to it."""
    entry = "repositories: [{name: a, location: /r, remove_unrefreshed_after: null}]"
    assert load(tmp_path, entry).repositories[0].repository.remove_unrefreshed_after is None
    assert "cannot switch off" in mistake(tmp_path, "remove_unrefreshed_after: 2d\n" + entry)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("discover: {stahs: {}}", "discover: `stahs` is not a key here: did you mean `stash`?"),
        ("discover: {stash: {namespaces: []}}", "discover.stash.namespaces: is an empty list"),
        ("discover: {stash: {namespaces: [A_b]}}", "discover.stash.namespaces[0]: must be a Kub"),
        ("discover: {volsync: {endpoints: []}}", "discover.volsync.endpoints: is an empty list"),
        (
            'discover: {volsync: {endpoints: ["https://s3.example.com"]}}',
            "discover.volsync.endpoints[0]: must be a host",
        ),
        ("discover: {stash: {selector: a}}", "discover.stash: `selector` is not a key here"),
        ("discover: {workloads: {selector: ''}}", "discover.workloads.selector: must be a label"),
        ("discover: {workloads: {selector: 'a\\n'}}", "discover.workloads.selector: must be"),
        (
            "discover: {k8up: {defaults: {bucket: 3}}}",
            "discover.k8up.defaults.bucket: must be text",
        ),
        ("volumes: [{path: /r}]", "volumes[0]: needs one of `claim: namespace/name` and `nfs"),
        ("volumes: [{path: r, claim: a/b}]", "volumes[0].path: must be the folder's absolute"),
        ("volumes: [{path: /r/../s, claim: a/b}]", "volumes[0].path: must be the folder's absol"),
        ("volumes: [{path: /r, claim: b}]", "volumes[0].claim: must be the claim's `namespace/n"),
        ("volumes: [{path: /r, nfs: nas}]", "volumes[0].nfs: must be `server:/path`."),
        (
            "repositories: [{name: a, location: /r, workloads: [CronJob/b]}]",
            "repositories[0].workloads: needs `namespaces` beside it",
        ),
        (
            "repositories: [{name: a, location: /r, namespaces: [s], workloads: [Pod/b]}]",
            "repositories[0].workloads[0]: must be `Kind/name`, where the kind is one of CronJob",
        ),
        (
            "repositories: [{name: a, location: /r, secrets: [{namespace: s, name: N}]}]",
            "repositories[0].secrets[0].name: must be the name of a Secret.",
        ),
        (
            "repositories: [{name: a, location: /r, secrets: [{namespace: s, name: n, keys: "
            "{RESTIC_PASSWROD: k}}]}]",
            "repositories[0].secrets[0].keys: `RESTIC_PASSWROD` is no variable that restic reads",
        ),
    ],
)
def test_what_reads_the_cluster_is_checked_before_anything_is_touched(
    tmp_path: Path, text: str, sentence: str
) -> None:
    """Else a slip would be a source that finds nothing, night after night."""
    if not text.startswith("repositories"):
        text += "\n" + ONE
    assert mistake(tmp_path, text).startswith(f"janitor.yaml: {sentence}")


def test_a_source_that_is_named_is_switched_on(tmp_path: Path) -> None:
    """Else `stash:` without settings, as YAML people write it, would find nothing."""
    loaded = load(tmp_path, "discover: {stash: , volsync: {}, k8up: {pod_identity: true}}\n")
    assert [source.name for source in loaded.sources] == ["stash", "volsync", "k8up"]
    assert [source.pod_identity for source in loaded.sources] == [False, False, True]
    assert loaded.reads_the_cluster == "discover.stash"


def test_sources_are_off_unless_they_are_named(tmp_path: Path) -> None:
    """Else an upgrade would begin to read objects that nobody asked it to."""
    loaded = load(tmp_path, "discover: {}\nvolumes: []\n" + ONE)
    assert loaded.sources == ()
    assert loaded.reads_the_cluster == ""


def test_what_needs_an_api_server_is_named(tmp_path: Path) -> None:
    """Else nobody would know which line of the file asks for a cluster."""
    text = "repositories: [{name: a, location: /r, secrets: [{namespace: s, name: n}]}]"
    assert load(tmp_path, text).reads_the_cluster == "repositories[0].secrets"


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null"])
def test_an_empty_file_is_a_mistake(tmp_path: Path, text: str) -> None:
    """Else a ConfigMap without its data would be a sweep that does nothing, and says 0."""
    assert mistake(tmp_path, text) == (
        "janitor.yaml: is empty; it needs one under the key `repositories`, or a source under "
        "`discover`."
    )


@pytest.mark.parametrize("text", ["min_age: 1h\n", "repositories: []\n"])
def test_no_repository_is_a_mistake(tmp_path: Path, text: str) -> None:
    """Else a misplaced key would be a sweep that does nothing, and says 0."""
    assert mistake(tmp_path, text) == (
        "janitor.yaml: repositories: names no repository; it needs one under the key "
        "`repositories`, or a source under `discover`."
    )


def test_at_most_ten_mistakes_are_told(tmp_path: Path) -> None:
    """Else one wrong indentation would fill the screen."""
    told = mistakes(tmp_path, "\n".join(f"key{number}: 1" for number in range(14)) + "\n" + ONE)
    assert len(told) == 11
    assert told[-1] == "... and 4 more."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: [1, 2\nb: 3", "janitor.yaml, line 2: is not valid YAML"),
        ("a:\n\t- b", "janitor.yaml, line 2: is not valid YAML"),
        ("repositories:\n- {name: a, location: /r, name: b}",
         "janitor.yaml, line 2: `name` is written twice in one mapping."),
        ("min_age: 1h\nrepositories: []\nmin_age: 2h",
         "janitor.yaml, line 3: `min_age` is written twice in one mapping."),
        ("a: 1\n---\nb: 2", "janitor.yaml, line 2: a second document"),
        ("a: !!python/object:os.system x", "janitor.yaml, line 1: tags (`!...`) are not allowed"),
        ("a: !secret x", "janitor.yaml, line 1: tags (`!...`) are not allowed"),
        ("[a]: 1", "janitor.yaml, line 1: a key must be a plain word."),
        ("a: &x [*x]", "janitor.yaml, line 1: an anchor contains itself."),
        ("a: \x07", "janitor.yaml: is not valid YAML: it holds a character"),
        ("a: 0b_", "janitor.yaml: is not valid YAML: a number"),
        ("- a", "janitor.yaml: must be a mapping; it needs one under"),
        ("text", "janitor.yaml: must be a mapping"),
        ("[" * 40 + "]" * 40, "janitor.yaml, line 1: is nested more than 30 deep."),
        ("[" * 200000, "janitor.yaml, line 1: is "),
    ],
)  # fmt: skip
def test_broken_yaml_is_one_sentence_with_the_line(
    tmp_path: Path, text: str, sentence: str
) -> None:
    """Else a traceback, or the last of two values, would answer a slip of the pen."""
    assert mistake(tmp_path, text).startswith(sentence)


def test_anchors_work_and_bombs_do_not(tmp_path: Path) -> None:
    """Else repeated settings had to be copied, or nine lines could eat the memory."""
    text = (
        "repositories:\n"
        "- &first {name: a, location: /r, namespaces: [shop]}\n"
        "- &second {<<: *first, name: b, shared: true}\n"
        "- {<<: *second, name: c}\n"
    )
    read = [each.repository for each in load(tmp_path, text).repositories]
    assert [(each.name, each.namespaces, each.shared) for each in read] == [
        ("a", ("shop",), False),
        ("b", ("shop",), True),
        ("c", ("shop",), True),
    ]
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
    )
    assert "its anchors multiply to far too much" in mistake(tmp_path, bomb)
    merges = "a0: &a0 {b: c}\n" + "".join(
        f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 10)
    )
    assert "its anchors multiply to far too much" in mistake(tmp_path, merges)


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    """Else a wrong --config would be a traceback."""
    for path, why in [
        (tmp_path / "missing.yaml", "cannot be read: No such file or directory."),
        (tmp_path, "cannot be read: Is a directory."),
    ]:
        with pytest.raises(ConfigurationError) as caught:
            load_configuration(path, process={})
        assert str(caught.value) == f"{path}: {why}"
    file = tmp_path / "janitor.yaml"
    file.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ConfigurationError, match=r"line 2: is not UTF-8 text\."):
        load_configuration(file, process={})
    file.write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(ConfigurationError, match=r"is larger than 1 MiB"):
        load_configuration(file, process={})


@pytest.mark.parametrize(
    "text",
    [
        f"min_age: {CANARY}",
        f"max_removals: {CANARY}",
        f"dry_run: {CANARY}",
        f"max_skew: [{CANARY}]",
        f"repositories: {CANARY}",
        f"repositories: [{CANARY}]",
        f"repositories: [{{name: a, location: 'rest:https://u:{CANARY}@h/x?y'}}]",
        f"repositories: [{{name: a, location: 'rest:https://u:{CANARY}@h:b/'}}]",
        f"repositories: [{{name: a, location: 'oops:{CANARY}'}}]",
        f"repositories: [{{name: a, location: [{CANARY}]}}]",
        f"repositories: [{{name: a, variables: {{RESTIC_PASSWORD: {CANARY}}}}}]",
        f"repositories: [{{name: a, variables: {{RCLONE_CONFIG_X_PASS: {CANARY}}}}}]",
        f"repositories: [{{name: a, variables: {{AWS_PROFILE: [{CANARY}]}}}}]",
        f"repositories: [{{name: a, variables: {{RESTIC_PASSWORD={CANARY}: }}}}]",
        f"repositories: [{{name: a, variables: RESTIC_PASSWORD={CANARY}}}]",
        f"repositories: [{{name: a, RESTIC_PASSWORD: {CANARY}}}]",
        f"repositories: [{{name: a, RESTIC_PASSWORD={CANARY}}}]",
        f"repositories: [{{name: a, environment: {{RESTIC_PASSWORD: {CANARY}}}}}]",
        f"repositories: [{{name: a, environment: {{RESTIC_PASSWORD={CANARY}: 1}}}}]",
        f"repositories: [{{name: a, holders: ['{CANARY} {CANARY}']}}]",
        f"repositories: [{{name: a, namespaces: ['{CANARY}.x']}}]",
        f"password: *{CANARY}",
        f"password: !{CANARY} x",
        f"password: &{CANARY} x\nother: &{CANARY} y\n*{CANARY} z",
        f"password: \"\\q{CANARY}",
        f"password: '{CANARY}",
        f"password: {CANARY}: {CANARY}",
        f"password: %{CANARY}",
        f"%{CANARY}",
        f"password: @{CANARY}",
        f"? [{CANARY}]\n: x",
        f"'a={CANARY}': 1\n'a={CANARY}': 1",
        f"discover: {{stash: {CANARY}}}",
    ],
)  # fmt: skip
def test_no_sentence_repeats_a_value(tmp_path: Path, text: str) -> None:
    """Else a password in the wrong place would stand in the log of the CronJob."""
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    printed = "".join(traceback.format_exception(caught.value, limit=0))
    assert CANARY not in printed


def test_the_configuration_prints_without_its_variables(tmp_path: Path) -> None:
    """Else a debug print would show a location's password."""
    text = f"repositories: [{{name: a, location: 'rest:https://u:{CANARY}@h/x'}}]"
    configuration = load(tmp_path, text)
    assert CANARY not in repr(configuration)
    assert CANARY not in repr(configuration.repositories)


KEYS = sorted({*Document.__struct_fields__, *RepositoryEntry.__struct_fields__, "stash", "nodes"})
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.dates()
    | st.sampled_from(["30m", "all", "s3:h/b", "rest:https://h/", "/r", "*", "a-*", "shop"])
)
STRUCTURES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | SCALARS, inner, max_size=6)
    ),
    max_leaves=25,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(STRUCTURES | st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, STRUCTURES)))
def test_any_structure_is_a_configuration_or_a_sentence(tmp_path: Path, value: object) -> None:
    """Else some file would be answered by a traceback."""
    file = tmp_path / "any.yaml"
    file.write_text(yaml.safe_dump(value, allow_unicode=True), "utf-8", errors="surrogatepass")
    _configuration_or_sentences(file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary() | st.text("{}[]&*!|>'\"%@`:,-?#~<=0b1xe._ \n\tak").map(str.encode))
def test_any_bytes_are_a_configuration_or_a_sentence(tmp_path: Path, raw: bytes) -> None:
    """Else some file would be answered by a traceback."""
    file = tmp_path / "any.yaml"
    file.write_bytes(raw)
    _configuration_or_sentences(file)


def _configuration_or_sentences(file: Path) -> None:
    try:
        configuration = load_configuration(file, process={})
    except ConfigurationError as error:
        lines = str(error).splitlines()
        assert 1 <= len(lines) <= 11
        assert all(line.startswith((f"{file}:", f"{file}, line ", "... and ")) for line in lines)
    else:
        assert isinstance(configuration, Configuration)
        assert configuration.repositories
