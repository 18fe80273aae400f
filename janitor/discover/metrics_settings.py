"""Where a sweep's numbers go: `metrics_file` and `push_url`, and what the push needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from janitor.discover.mistakes import Mistakes
from janitor.discover.schema import Document

_FILE, _URL = "JANITOR_METRICS_FILE", "JANITOR_PUSH_URL"
_USER, _PASSWORD = "JANITOR_PUSH_USER", "JANITOR_PUSH_PASSWORD"


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """None: nowhere."""

    file: Path | None = None
    push_url: str | None = None


def read_metrics_settings(
    document: Document, process: Mapping[str, str], mistakes: Mistakes
) -> MetricsSettings:
    """Those of the file's top level with the process environment's over them.

    What is wrong is added to the mistakes; nowhere stands in its place.
    """
    file, url = process.get(_FILE, document.metrics_file), process.get(_URL, document.push_url)
    problem = _url_problem(url) if url else None
    if problem is not None:
        place = ("", _URL) if _URL in process else ("push_url", None)
        mistakes.add(place[0], problem, file=place[1])
        url = None
    if (_USER in process) != (_PASSWORD in process):
        there, missing = (_USER, _PASSWORD) if _USER in process else (_PASSWORD, _USER)
        mistakes.add("", f"is set and {missing} is not: give both or neither.", file=there)
    return MetricsSettings(Path(file) if file else None, url or None)


def override_metrics(
    settings: MetricsSettings, *, file: Path | None = None, push_url: str | None = None
) -> MetricsSettings:
    """The settings with the command line's options over them; empty ones switch them off.

    Raises ConfigurationError naming the option.
    """
    mistakes = Mistakes("")
    problem = _url_problem(push_url) if push_url else None
    if problem is not None:
        mistakes.add("--push-url", problem)
    mistakes.raise_if_any()
    if file is not None:
        settings = replace(settings, file=file if file != Path() else None)
    if push_url is not None:
        settings = replace(settings, push_url=push_url or None)
    return settings


def _url_problem(url: str) -> str | None:
    """What is wrong with it. The URL is not quoted: it may hold a password."""
    try:
        parts = urlsplit(url)
        fit = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fit, parts = False, urlsplit("")
    if "@" in url:
        return (
            "must not hold a user or a password: they would be shown; "
            f"set {_USER} and {_PASSWORD} instead."
        )
    if not fit:
        return "must be the address of a Pushgateway, such as http://pushgateway.example.com:9091."
    if parts.query or parts.fragment or not url.isprintable() or " " in url:
        return "must end with the host, the port or a path; nothing may follow."
    return None
