"""What only tells is never a reason to fail, nor to wait for ever."""

from __future__ import annotations

import threading

import pytest

from janitor import causes, tell


def test_a_fault_while_finding_causes_ends_no_sweep(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Else one odd Event leaves every stale lock of every repository where it is."""

    def fails(*_: object, **__: object) -> None:
        raise OverflowError("Canary")

    monkeypatch.setattr(causes, "_find", fails)
    assert causes.find_causes(None, (), world=None, policy=None) == {}  # type: ignore[arg-type]
    said = "".join(capfd.readouterr())
    assert "OverflowError" in said
    assert "Canary" not in said


def test_a_push_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a gateway that sends a byte now and then makes the Job miss its deadline."""
    monkeypatch.setattr(tell, "_LONGEST_PUSH", 0.05)
    over = threading.Event()
    assert tell._within_a_minute(over.wait) == "no end within 0 seconds"  # type: ignore[arg-type]
    over.set()
    assert tell._within_a_minute(lambda: "the gateway said no") == "the gateway said no"
    assert tell._within_a_minute(lambda: None) is None

    def fails() -> None:
        raise ValueError("Canary")

    assert tell._within_a_minute(fails) == "an unexpected fault (ValueError)"
