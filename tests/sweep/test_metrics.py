"""A sweep's numbers: in a file as node-exporter reads it, and at a real Pushgateway."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.servers.process import free_ports
from tests.servers.pushgateway import PASSWORD, Pushgateway
from tests.servers.scripted import Reply, scripted
from tests.sweep.installation import Installation, old

HOST = "shop-db-backup-29401-x2x9k"
Numbers = dict[tuple[str, ...], float]


def numbers(text: str) -> Numbers:
    """Each of our samples: its name without `restic_janitor_`, and its labels' values."""
    found: Numbers = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("restic_janitor_"):
                labels = {
                    name: value
                    for name, value in sample.labels.items()
                    if name not in ("job", "namespace", "instance")
                }
                name = sample.name.removeprefix("restic_janitor_")
                found[name, *labels.values()] = sample.value
    return found


@pytest.fixture
def shop(installation: Installation) -> Installation:
    """A repository with a stale lock and a young one, and an empty one."""
    forged = installation.repository("shop-db")
    lock = forged.lock(time=old(), hostname=HOST)
    forged.lock(time=old(0.1), hostname=HOST)
    installation.remember(("shop-db", lock))
    installation.repository("web")
    return installation


def test_the_file_has_the_numbers_of_the_last_run(shop: Installation, promtool: Path) -> None:
    """Else an alert is about something else than what happened."""
    file = shop.folder / "janitor.prom"
    shop.run("sweep", "--dry-run", "--metrics-file", str(file))
    found = numbers(file.read_text())
    assert found["locks", "shop-db", "holder-absent"] == 1
    assert found["stale_locks", "shop-db"] == 1
    assert found["locks_removed", "shop-db"] == 0
    assert found["dry_run",] == 1
    shop.run("sweep", "--metrics-file", str(file))
    found = numbers(file.read_text())
    assert found["locks", "shop-db", "holder-absent"] == 1
    assert found["locks", "shop-db", "too-young"] == 1
    assert found["stale_locks", "shop-db"] == 0
    assert found["locks_removed", "shop-db"] == 1
    assert found["locks", "web", "holder-absent"] == 0
    assert found["repositories", "read"] == 1
    assert found["repositories", "unlocked"] == 1
    assert found["repositories", "unreachable"] == 0
    assert found["dry_run",] == 0
    assert found["last_run_exit_code",] == 0
    assert found["last_success_timestamp_seconds",] == found["last_run_timestamp_seconds",]
    assert abs(found["last_run_timestamp_seconds",] - old(0).timestamp()) < 60
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=file.read_text(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_a_run_that_fails_keeps_the_time_of_the_last_success(shop: Installation) -> None:
    """Else nobody can be told how long it has not worked."""
    file = shop.folder / "janitor.prom"
    shop.run("sweep", "--metrics-file", str(file))
    before = numbers(file.read_text())["last_success_timestamp_seconds",]
    shop.configure("gone", "/not/there", RESTIC_PASSWORD="x")
    assert shop.run("sweep", "--metrics-file", str(file)).code == 1
    found = numbers(file.read_text())
    assert found["last_success_timestamp_seconds",] == before
    assert found["last_run_timestamp_seconds",] > before
    assert found["last_run_exit_code",] == 1
    assert found["repository_failed", "gone", "not-mounted"] == 1
    assert found["repository_failed", "shop-db", "read"] == 0


def test_a_first_run_that_fails_claims_no_success(installation: Installation) -> None:
    """Else an installation that never worked looks as if it had."""
    installation.configure("gone", "/not/there", RESTIC_PASSWORD="x")
    file = installation.folder / "janitor.prom"
    file.write_text("of another program 1\nrestic_janitor_last_success_timestamp_seconds soon\n")
    installation.run("sweep", "--metrics-file", str(file))
    assert ("last_success_timestamp_seconds",) not in numbers(file.read_text())
    assert file.stat().st_mode & 0o044, "node-exporter is another user"


def test_a_file_that_cannot_be_written_is_a_warning(shop: Installation) -> None:
    """Else a full disk of the monitoring stops the unlocking."""
    for file in (shop.folder / "not" / "there.prom", shop.folder / "secrets"):
        done = shop.run("sweep", "--metrics-file", str(file))
        assert done.code == 0
        assert f"{file} cannot be written" in done.err
    assert not list(shop.folder.glob("secrets.*"))


def test_the_gateway_has_the_numbers_of_the_last_run(
    shop: Installation, pushgateway: Pushgateway
) -> None:
    """Else it shows repositories that are gone, or loses the last success."""
    push = ("sweep", "--push-url", pushgateway.url)
    pod = {"POD_NAMESPACE": "backup/janitor"}
    assert shop.run(*push, environment=pod).err.count("\n") == 1  # the removal's record
    text = pushgateway.metrics()
    assert (
        'restic_janitor_stale_locks{instance="",job="restic-janitor",namespace="backup/janitor",'
        'repository="shop-db"} 0'
    ) in text
    first = numbers(text)
    assert first["locks_removed", "shop-db"] == 1
    shop.entries.pop("web")
    shop.configure("gone", "/not/there", RESTIC_PASSWORD="x")
    assert shop.run(*push, environment=pod).code == 1
    second = numbers(pushgateway.metrics())
    last = ("last_success_timestamp_seconds",)
    assert second[last] == first[last] < second["last_run_timestamp_seconds",]
    assert second["locks_removed", "shop-db"] == 0
    assert second["repository_failed", "gone", "not-mounted"] == 1
    assert not [each for each in second if "web" in each]
    other = shop.run(*push, environment={"POD_NAMESPACE": "other"})
    assert other.code == 1
    assert pushgateway.metrics().count("restic_janitor_last_run_exit_code{") == 2


def test_a_gateway_with_a_password_of_its_own_and_a_private_ca(
    shop: Installation, private_pushgateway: Pushgateway
) -> None:
    """Else it has to be open to every pod."""
    pushed = {"JANITOR_PUSH_URL": f"{private_pushgateway.url}/"}
    right = private_pushgateway.environment
    assert "not pushed" not in shop.run("sweep", environment=pushed | right).err
    assert "restic_janitor_build_info{" in private_pushgateway.metrics()
    for broken, words in (
        ({"JANITOR_PUSH_PASSWORD": "wrong-Canary"}, "does not take them: 401"),
        ({"JANITOR_PUSH_CACERT": ""}, "in the file that JANITOR_PUSH_CACERT names"),
        ({"JANITOR_PUSH_CACERT": "/not/there"}, "JANITOR_PUSH_CACERT (/not/there) cannot be read"),
    ):
        done = shop.run("sweep", environment=pushed | right | broken)
        assert (done.code, words in done.err) == (0, True), done.err
        assert "Canary" not in done.err + done.out
        assert PASSWORD not in done.err + done.out


def test_whatever_the_environment_holds_the_sweep_goes_on(
    shop: Installation, pushgateway: Pushgateway
) -> None:
    """Else a password of odd bytes, or a proxy that is none, fails each run at its end."""
    login = {"JANITOR_PUSH_USER": "j\udcff", "JANITOR_PUSH_PASSWORD": "p\udcfe\n"}
    done = shop.run("sweep", "--push-url", pushgateway.url, environment=login)
    assert (done.code, "not pushed" in done.err) == (0, False), done.err
    proxy = {"http_proxy": "nonsense://x"}
    done = shop.run("sweep", "--push-url", pushgateway.url, environment=proxy)
    assert (done.code, "metrics not" in done.err) == (0, True), done.err


def test_a_gateway_that_does_not_answer_or_leads_elsewhere_is_a_warning(
    shop: Installation,
) -> None:
    """Else monitoring that is down stops the unlocking, or a password goes to whoever is named."""
    (closed,) = free_ports(1)
    login = {"JANITOR_PUSH_USER": "janitor", "JANITOR_PUSH_PASSWORD": "Canary"}
    done = shop.run("sweep", "--push-url", f"http://127.0.0.1:{closed}", environment=login)
    assert done.code == 0
    assert "metrics not pushed" in done.err
    assert "nothing listens there" in done.err
    with scripted(lambda _: Reply(200)) as other:

        def elsewhere(_: object) -> Reply:
            return Reply(307, b"", {"Location": f"http://{other.host}/metrics/job/x"})

        with scripted(elsewhere) as server:
            done = shop.run("sweep", "--push-url", f"http://{server.host}", environment=login)
        assert (done.code, "redirects" in done.err) == (0, True)
        assert not other.requests
    assert "Canary" not in done.err


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://janitor:Canary@gateway:9091", "must not hold a user or a password"),
        ("gateway:9091", "must be the address of a Pushgateway"),
        ("http://:9091", "must be the address of a Pushgateway"),
        ("http://gateway:99999", "must be the address of a Pushgateway"),
        ("http://[::1", "must be the address of a Pushgateway"),
        ("ftp://gateway", "must be the address of a Pushgateway"),
        ("http://gateway/?x=y", "must end with the host"),
        ("http://gateway/a b", "must end with the host"),
    ],
)
def test_a_wrong_address_is_a_sentence(shop: Installation, url: str, words: str) -> None:
    """Else the numbers go nowhere, and nobody knows."""
    for place, done in (
        ("--push-url", shop.run("sweep", "--push-url", url)),
        ("JANITOR_PUSH_URL", shop.run("sweep", environment={"JANITOR_PUSH_URL": url})),
    ):
        assert (done.code, words in done.err, place in done.err) == (2, True, True), done.err
        assert "Canary" not in done.err
    shop.settings["push_url"] = url
    done = shop.run("sweep")
    assert (done.code, f"push_url: {words}" in done.err) == (2, True), done.err


def test_a_user_without_a_password_is_a_mistake(shop: Installation) -> None:
    """Else the gateway says 401, and nobody sees that a Secret's key is missing."""
    done = shop.run("sweep", environment={"JANITOR_PUSH_USER": "janitor"})
    assert done.code == 2
    assert "JANITOR_PUSH_USER" in done.err
    assert "JANITOR_PUSH_PASSWORD is not" in done.err


def test_the_command_line_is_over_the_environment_and_that_over_the_file(
    shop: Installation,
) -> None:
    """Else a patch of kustomize, or a person, changes nothing."""
    files = [shop.folder / f"{name}.prom" for name in ("file", "variable", "option")]
    shop.settings["metrics_file"] = str(files[0])
    variable = {"JANITOR_METRICS_FILE": str(files[1])}
    for expected, done in (
        (0, lambda: shop.run("sweep")),
        (1, lambda: shop.run("sweep", environment=variable)),
        (2, lambda: shop.run("sweep", "--metrics-file", str(files[2]), environment=variable)),
    ):
        done()
        assert [each for each in files if each.exists()] == [files[expected]]
        files[expected].unlink()
    shop.run("sweep", "--metrics-file", "")
    shop.run("list")
    assert not list(shop.folder.glob("*.prom"))
