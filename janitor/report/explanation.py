"""The page that `restic-janitor explain` prints: all evidence for one verdict, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from janitor.model import LockReport, RepositoryReport, Verdict
from janitor.report.ages import ago, clock_time, parse_iso, span
from janitor.report.commands import commands
from janitor.report.escape import printable, sentence
from janitor.report.lines import detail_of, plain
from janitor.report.summary import blocked_words, done_words, run_words
from janitor.report.table import indented, wrapped
from janitor.report.words import VERDICT_WORDS

_LABEL = 18
_SHOWN_RUNS = 5
"""The earliest and the latest."""
_MOST_SECONDS = 10**9
_KNOWN = frozenset({"hostname_is_ours", "candidates", "clocks", "min_age_seconds", "observed"})
_KNOWN_OF_POD = frozenset(
    {"pod", "phase", "reason", "message", "deleting", "created", "node", "containers"}
)
_KNOWN_OF_CONTAINER = frozenset(
    {"name", "state", "started", "finished", "reason", "restarts", "may_hold", "why"}
)
_STORE_CLOCKS = {
    "server": "stored (server)",
    "writer": "stored (mtime)",
    "none": "stored",
}
_CLAIMS = {
    "pod": "Ours: a pod of that name, older than the lock, is in this cluster.",
    "event": "Ours: an Event is about a pod of that name.",
    "node": "Ours: the state knows it as a Node of this cluster.",
    "owner": "Ours: it is a name that the repository's own workload gives to its pods.",
    "pattern": "Ours: it fits `holders`.",
    "family": "Ours: it is a name that a controller of this cluster gives to its pods.",
}

Evidence = Mapping[str, object]


def explanation(
    report: LockReport, repository: RepositoryReport | None = None, *, width: int = 80
) -> str:
    """Returns the page about one lock, in lines of at most `width` cells (but for commands).

    Args:
        report: the lock as a sweep would report it; whatever its evidence holds is shown.
        repository: where it was read, for the commands; None where that is not known.
        width: of the page, at least 40.
    """
    width = max(width, 40)
    evidence = _mapping(plain(report.judgement.evidence))
    words = VERDICT_WORDS[report.judgement.verdict]
    page = _title(report, width)
    page += _section("The lock", _fields(_lock_fields(report), width))
    page += _section("The clocks", _clocks(evidence, width))
    page += _section("Whose hostname it is", _prose([_claim(evidence)], width))
    page += _section("Which pods may hold it", _candidates(evidence, width))
    page += _section("What the verdict means", _prose([words.meaning, _blocked(report)], width))
    page += _section("Why the holder died", _prose(_death(report), width))
    page += _section("What failed on it", _failed(report, width))
    page += _section("What would change it", _prose([words.change], width))
    page += _section("What to do", _prose([words.advice], width))
    page += _section("Where to look further", indented(commands(report, evidence, repository)))
    page += _section("More evidence", _tree(_others(evidence), width))
    return "\n".join(page).rstrip("\n") + "\n"


# --- the parts -------------------------------------------------------------------------------


def _title(report: LockReport, width: int) -> list[str]:
    verdict = report.judgement.verdict
    stale = "stale" if verdict.stale else "not stale"
    lines = wrapped(f"Lock {printable(report.lock)}", width, hanging=2)
    lines += wrapped(f"of repository {printable(report.repository)}", width, hanging=2)
    lines += ["", *wrapped(f"Verdict: {verdict.value} ({stale}; {done_words(report)})", width)]
    return [*lines, *indented(wrapped(sentence(detail_of(report)), width - 2)), ""]


def _lock_fields(report: LockReport) -> list[tuple[str, str]]:
    content = report.content
    if content is None:
        unreadable = report.judgement.verdict is Verdict.UNREADABLE
        return [("content", "unreadable" if unreadable else "not opened")]
    kind = (
        "exclusive: nothing else can work, no backup either"
        if content.exclusive
        else "plain: backups go on; forget, prune and check cannot"
    )
    return [
        ("hostname", printable(content.hostname) or "(none)"),
        ("user", printable(content.username) or "(none)"),
        ("process", f"{content.pid} (proves nothing in a container)"),
        ("user, group ID", f"{content.uid}, {content.gid}"),
        ("kind", kind),
        ("written", "" if report.age is None else ago(report.age)),
        ("same file for", "not known" if report.unchanged is None else span(report.unchanged)),
    ]


def _clocks(evidence: Evidence, width: int) -> list[str]:
    clocks = _mapping(evidence.get("clocks"))
    now = _moment(clocks.get("now"))
    store = _STORE_CLOCKS.get(str(clocks.get("store_clock")), "stored")
    if evidence.get("observed"):
        clocks = {**clocks, "observed": evidence["observed"]}
    labels = {"now": "now", "lock_time": "written (holder)", "store_time": store}
    labels |= {key: key.replace("_", " ") for key in clocks if key not in labels}
    labels.pop("store_clock", None)
    fields = [
        (printable(label), _time_words(clocks[key], now if key != "now" else None))
        for key, label in labels.items()
        if key in clocks
    ]
    lines = _fields(fields, width)
    min_age = evidence.get("min_age_seconds")
    if isinstance(min_age, int) and 0 <= min_age <= _MOST_SECONDS:
        needed = span(timedelta(seconds=min_age))
        said = f"A lock is kept until it is {needed} old by its holder's clock and by another."
        lines += _prose([said], width)
    return lines


def _time_words(value: object, now: datetime | None) -> str:
    if value is None:
        return "not known"
    moment = _moment(value)
    if moment is None:
        return _short(value)
    shown = clock_time(moment)
    return shown if now is None else f"{shown}, {ago(now - moment)}"


def _claim(evidence: Evidence) -> str:
    if "hostname_is_ours" not in evidence:
        return "Not asked: the verdict was clear before."
    claim = evidence["hostname_is_ours"]
    if claim is None:
        return "Nobody's that is known here: no pod, Event, Node, holder pattern or family fits it."
    return _CLAIMS.get(str(claim), f"Ours, by {_short(claim)}.")


def _candidates(evidence: Evidence, width: int) -> list[str]:
    if "candidates" not in evidence:
        return _prose(["Not asked: the verdict was clear before."], width)
    found = [_mapping(candidate) for candidate in _list(evidence["candidates"])]
    if not found:
        return _prose(["None: no pod in view carries this hostname."], width)
    return [line for candidate in found for line in _candidate(candidate, width)]


def _candidate(candidate: Evidence, width: int) -> list[str]:
    about = [_short(candidate.get("pod")), _short(candidate.get("phase"))]
    about += [_short(candidate[key]) for key in ("reason",) if candidate.get(key)]
    about += ["being deleted"] if candidate.get("deleting") else []
    about += [f"created {_time_words(candidate.get('created'), None)}"]
    about += [f"on Node {_short(candidate['node'])}" if candidate.get("node") else "on no Node"]
    about += _rest(candidate, _KNOWN_OF_POD)
    lines = indented(wrapped(", ".join(about), width - 2, hanging=2))
    if candidate.get("message"):
        lines += indented(wrapped(sentence(_short(candidate["message"])), width - 4), by=4)
    containers = [_mapping(container) for container in _list(candidate.get("containers"))]
    for container in containers:
        lines += indented(wrapped(_container(container), width - 4, hanging=2), by=4)
    if not containers:
        lines += indented(wrapped("No container could be asked, so it may hold it.", width - 4), 4)
    return lines


def _container(container: Evidence) -> str:
    may = "may hold it" if container.get("may_hold") else "cannot hold it"
    parts = [f"container {_short(container.get('name'))} {may}: {_short(container.get('why'))}"]
    restarts = container.get("restarts")
    if isinstance(restarts, int) and restarts:
        parts.append(f"{restarts} restart{'' if restarts == 1 else 's'}")
    if container.get("reason"):
        parts.append(f"last reason {_short(container['reason'])}")
    if container.get("finished"):
        parts.append(f"last ended {_time_words(container['finished'], None)}")
    return "; ".join(parts + _rest(container, _KNOWN_OF_CONTAINER))


def _rest(mapping: Evidence, known: frozenset[str]) -> list[str]:
    """What this page has no words for yet, as it stands."""
    return [
        f"{printable(str(key)).replace('_', ' ')} {_short(value)}"
        for key, value in mapping.items()
        if key not in known and value is not None
    ]


def _blocked(report: LockReport) -> str:
    return blocked_words(report) or ""


def _death(report: LockReport) -> list[str]:
    return [sentence(report.cause or ""), sentence(report.advice or "")]


def _failed(report: LockReport, width: int) -> list[str]:
    """The first and the last of the runs that failed: how long backups were broken."""
    runs = report.failed_runs
    shown = [run_words(run) for run in runs]
    if len(shown) > 2 * _SHOWN_RUNS:
        between = f"{len(shown) - 2 * _SHOWN_RUNS:,} more"
        shown = [*shown[:_SHOWN_RUNS], between, *shown[-_SHOWN_RUNS:]]
    lines = [line for each in shown for line in indented(wrapped(each, width - 2, hanging=2))]
    if report.failed_runs_missing:
        missing = f"Not every run could be asked: {sentence(report.failed_runs_missing)}"
        lines += _prose([missing], width)
    return lines


def _others(evidence: Evidence) -> Evidence:
    return {key: value for key, value in evidence.items() if key not in _KNOWN}


# --- layout ----------------------------------------------------------------------------------


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *lines, ""] if lines else []


def _fields(fields: Iterable[tuple[str, str]], width: int) -> list[str]:
    lines = []
    for label, value in fields:
        if value:
            text = f"{label:{_LABEL}}{value}"
            lines += indented(wrapped(text, width - 2, hanging=_LABEL))
    return lines


def _prose(paragraphs: Iterable[str], width: int) -> list[str]:
    return indented(
        line for paragraph in paragraphs if paragraph for line in wrapped(paragraph, width - 2)
    )


def _tree(value: object, width: int, depth: int = 0) -> list[str]:
    """Any JSON value as indented lines: evidence that this page has no words for yet."""
    by = min(2 + 2 * depth, width // 2)
    if isinstance(value, Mapping):
        entries = [
            (f"{printable(str(key)).replace('_', ' ')}:", item) for key, item in value.items()
        ]
    elif isinstance(value, list):
        entries = [("-", item) for item in value]
    else:
        return indented(wrapped(_short(value), width - by), by=by)
    lines = []
    for label, item in entries:
        if isinstance(item, Mapping | list) and item:
            lines += indented(wrapped(label, width - by), by=by)
            lines += _tree(item, width, depth + 1)
        else:
            lines += indented(wrapped(f"{label} {_short(item)}", width - by, hanging=2), by=by)
    return lines


def _short(value: object) -> str:
    """One value on one line."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping | list) and not value:
        return "none"
    return printable(str(value), limit=2000)


def _moment(value: object) -> datetime | None:
    return parse_iso(value) if isinstance(value, str) else None


def _mapping(value: object) -> Evidence:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else []
