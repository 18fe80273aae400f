"""Diagnostics: one line each, and never a secret."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from janitor.model import Secret
from janitor.report.log import configure_logging

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def fail_with_a_password_at_hand() -> None:
    """Raises while a local variable holds the password in the clear."""
    clear = PASSWORD
    if clear:
        raise RuntimeError("the store hung up\x1b[2J")


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "readable"])
def test_a_secret_prints_as_stars_however_deep_it_lies(as_json: bool) -> None:
    """A password in `kubectl logs` is a leak for everybody who may read logs."""
    stream = io.StringIO()
    configure_logging(stream, json=as_json)
    secret = Secret(PASSWORD)
    structlog.get_logger().info(
        "opening",
        one=secret,
        many=[{"deep": (secret, "x")}],
        environment={"RESTIC_PASSWORD": secret},
    )
    assert "correct horse" not in stream.getvalue()
    assert stream.getvalue().count("***") == 3


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "readable"])
def test_a_trace_shows_no_local_variables(as_json: bool) -> None:
    """structlog's ready-made traces print locals, and the password in the clear is one."""
    stream = io.StringIO()
    configure_logging(stream, json=as_json)
    try:
        fail_with_a_password_at_hand()
    except RuntimeError:
        structlog.get_logger().exception("repository failed")
    assert "the store hung up" in stream.getvalue()
    assert "fail_with_a_password_at_hand" in stream.getvalue()
    assert "correct horse" not in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_a_json_line_starts_with_time_level_and_event() -> None:
    """Diagnostics and reports stand side by side in a pod's log: `level` tells them apart."""
    stream = io.StringIO()
    configure_logging(stream, json=True)
    structlog.get_logger().warning("slow", repository="a\n\ud800")
    [line] = stream.getvalue().splitlines()
    read = json.loads(line)
    assert list(read) == ["timestamp", "level", "event", "repository"]
    assert (read["level"], read["event"], read["repository"]) == ("warning", "slow", "a\n\ufffd")


def test_readable_lines_are_one_line_each() -> None:
    """A hostname with a line break could otherwise forge a diagnostic."""
    stream = io.StringIO()
    configure_logging(stream, json=False)
    structlog.get_logger().info("kept", hostname="a\n2026 [error] forged\x1b[31m", count=3)
    [line] = stream.getvalue().splitlines()
    assert line.isprintable()
    assert "2026 [error] forged" in line
    assert "count=3" in line


def test_what_is_below_the_level_is_dropped() -> None:
    """A quiet run is asked for by --log-level; debug lines would drown the warning."""
    stream = io.StringIO()
    configure_logging(stream, json=True, level="warning")
    structlog.get_logger().info("quiet")
    structlog.get_logger().error("loud")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]


def test_an_unknown_level_is_named_with_those_that_exist() -> None:
    """A typing mistake would otherwise end in a traceback."""
    with pytest.raises(ValueError, match="'loud' is not one of debug, info, warning, error"):
        configure_logging(io.StringIO(), json=True, level="loud")


def test_libraries_do_not_write_past_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    """urllib3 warns with the request's path, which may carry a signature."""
    stream = io.StringIO()
    configure_logging(stream, json=True)
    logging.getLogger("urllib3.connectionpool").warning("Retrying: /bucket?sig=s3cr3t")
    assert "s3cr3t" not in stream.getvalue() + "".join(capfd.readouterr())
