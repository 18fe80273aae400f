"""The command line: which commands and options there are. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from janitor import __version__
from janitor.shard import Shard, ShardError, parse_shard

_OVERVIEW = """\
Removes the locks that dead restic backups leave behind, and never a live one's.

A lock is removed only when it is older than min_age by every clock, its hostname is ours, and the
cluster shows that nothing which may hold it is alive. Every other lock is kept, with the reason."""

_EXIT_CODES = """\
exit codes: 0 done, whatever was removed or kept; 1 something could not be judged, read or removed;
2 usage or configuration; 130 or 143 ended by a signal, after the step in hand"""

_COMMANDS = {
    "sweep": "find, read, judge, remove, report: the job",
    "list": "show repositories and their locks as a table; remove nothing",
    "explain": "show every piece of evidence behind a verdict, and what would change it",
    "doctor": "check the installation as its pod sees it, with the mend of each fault",
    "put-back": "restore a removed lock from its log line",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What was typed, parsed. An option that a command lacks has its default."""

    command: str
    config: Path | None = None
    repository: tuple[str, ...] = ()
    context: str | None = None
    cluster: Path | None = None
    observed_at: datetime | None = None
    dry_run: bool = False
    min_age: timedelta | None = None
    max_removals: int | None = None
    output: str | None = None
    fail_on_stale: bool = False
    state: str | None = None
    metrics_file: Path | None = None
    push_url: str | None = None
    shard: Shard | None = None
    name: str = ""
    """REPO of explain and put-back."""
    lock: str | None = None
    record: str = ""


def parse_arguments(argv: Sequence[str]) -> Arguments:
    """Parses the command line. A usage mistake ends the process with exit code 2."""
    parser = _parser()
    typed = vars(parser.parse_args(argv))
    if typed.get("observed_at") is not None and typed.get("cluster") is None:
        parser.error("--observed-at says when the file of --cluster was made: give both")
    typed["repository"] = tuple(typed.get("repository", ()))
    return Arguments(**typed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="restic-janitor",
        description=_OVERVIEW,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"restic-janitor {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in _COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=_EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        _positionals(command, name)
        _common(command, name)
        if name not in ("put-back", "doctor"):
            _judging(command)
        if name == "sweep":
            command.add_argument("--dry-run", action="store_true", help="everything but the delete")
            _metrics(command)
        if name in ("sweep", "list"):
            command.add_argument(
                "--fail-on-stale",
                action="store_true",
                help="exit 1 when a lock is stale and still there",
            )
    return parser


def _positionals(command: argparse.ArgumentParser, name: str) -> None:
    if name in ("explain", "put-back"):
        command.add_argument("name", metavar="REPO", help="the repository's name")
    if name == "explain":
        command.add_argument(
            "lock", metavar="LOCK", nargs="?", help="the beginning of a lock's ID; default: all"
        )
    if name == "put-back":
        command.add_argument(
            "record",
            metavar="RECORD",
            help='the `lock` line that the removal printed, or its `record`; "-" reads it from '
            "standard input",
        )


def _common(command: argparse.ArgumentParser, name: str) -> None:
    command.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the configuration, YAML; without it: the one repository in restic's own environment "
        "variables, named `default`",
    )
    if name in ("sweep", "list", "doctor"):
        command.add_argument(
            "--repository",
            action="append",
            default=[],
            metavar="NAME",
            help="only these: a name or a glob of names; repeatable",
        )
        command.add_argument(
            "--shard",
            type=_shard,
            metavar="I/N",
            help="only this part of the repositories: 0/4 is the first of four; default: the part "
            "of this pod of an Indexed Job, by JANITOR_SHARDS",
        )
    command.add_argument(
        "--context",
        metavar="NAME",
        help="the kubeconfig context; outside a pod `sweep` removes nothing unless this or "
        "--cluster is given",
    )
    command.add_argument(
        "--state",
        metavar="WHERE",
        type=_state,
        help="what is remembered from run to run: a FILE, configmap:NAME or none; default: "
        "configmap:restic-janitor-state in a pod (of the shard I: ...-state-I), none elsewhere",
    )
    command.add_argument(
        "--output",
        choices=("table", "json"),
        help="default: table on a terminal, json elsewhere",
    )


def _judging(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--cluster",
        type=Path,
        metavar="FILE",
        help="judge by the output of `kubectl get pods,nodes -A -o json` instead of the API",
    )
    command.add_argument(
        "--observed-at",
        type=_time,
        metavar="TIME",
        help="when that file was made, as 2026-11-24T01:02:03Z; default: the newest time in it",
    )
    command.add_argument(
        "--min-age",
        type=_duration,
        metavar="D",
        help="keep every lock that is younger, such as 45m, 2h or 1d; default: 30m",
    )
    command.add_argument(
        "--max-removals",
        type=int,
        metavar="N",
        help="remove nothing when more holders than this are dead at once; default: 50",
    )


def _metrics(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--metrics-file",
        type=Path,
        metavar="FILE",
        help="write the run's numbers there, for node-exporter's textfile collector (*.prom)",
    )
    command.add_argument(
        "--push-url",
        metavar="URL",
        help="push the run's numbers to this Pushgateway; its user and password are "
        "JANITOR_PUSH_USER and JANITOR_PUSH_PASSWORD",
    )


# --- values ----------------------------------------------------------------------------------


def _duration(text: str) -> timedelta:
    from janitor.discover.durations import DurationError, parse_duration  # noqa: PLC0415 - help

    try:
        return parse_duration(text)
    except DurationError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            time = time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time; write it like 2026-11-24T01:02:03Z"
        ) from None
    if time.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no zone; append Z for UTC")
    return time


def _shard(text: str) -> Shard:
    try:
        return parse_shard(text)
    except ShardError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _state(text: str) -> str:
    if text in ("", "configmap:"):
        raise argparse.ArgumentTypeError("must be a FILE, configmap:NAME or none")
    return text
