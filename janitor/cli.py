"""From the command line to a run, and from its result to an exit code.

Every mistake of a user ends here as one sentence on standard error, never as a traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from janitor.arguments import Arguments, parse_arguments

if TYPE_CHECKING:
    from janitor.model import RepositoryReport
    from janitor.wiring import Run

FAILED = 1
MISUSED = 2
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    arguments = parse_arguments(sys.argv[1:] if argv is None else argv)
    try:
        return _run(arguments)
    except BrokenPipeError:
        # `restic-janitor list | head`: whoever read has enough. The rest of what is buffered
        # must not fail again while Python shuts down.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        # The second one: to leave in order would be to wait for the requests under way.
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(INTERRUPTED)


def _run(arguments: Arguments) -> int:
    # Imported here: `--help` needs none of it.
    from janitor.cluster.errors import BadClusterFile, BadKubeconfig  # noqa: PLC0415
    from janitor.discover.mistakes import ConfigurationError  # noqa: PLC0415
    from janitor.put_back import PutBackError  # noqa: PLC0415
    from janitor.report.escape import printable_lines  # noqa: PLC0415
    from janitor.tell import tell_mistake  # noqa: PLC0415
    from janitor.wiring import prepare  # noqa: PLC0415

    try:
        with prepare(arguments, environment=os.environ) as run:
            return _COMMANDS[arguments.command](arguments, run)
    except (ConfigurationError, BadClusterFile, BadKubeconfig) as mistake:
        code, said = MISUSED, str(mistake)
    except PutBackError as error:
        code, said = FAILED, str(error)
    _say(sys.stderr, printable_lines(f"restic-janitor: {said}"))
    tell_mistake(os.environ, said, code)
    return code


def _sweep(arguments: Arguments, run: Run) -> int:
    from janitor.sweep import Mode, sweep  # noqa: PLC0415
    from janitor.tell import tell_events, tell_metrics, tell_termination  # noqa: PLC0415

    mode = Mode.LIST if arguments.command == "list" else Mode.SWEEP
    notes: tuple[str, ...] = ()
    if mode is Mode.SWEEP and run.policy.dry_run:
        mode = Mode.DRY_RUN
    elif mode is Mode.SWEEP and run.around.reports_only:
        # Without a cluster no clock was compared with ours, so nothing is remembered either.
        mode = Mode.DRY_RUN if run.around.client is not None else Mode.LIST
        notes = (run.around.reports_only,)
    try:
        result = sweep(
            run.found,
            world=run.world,
            policy=run.policy,
            printer=run.printer,
            mode=mode,
            notes=notes,
        )
    finally:
        run.printer.finish()
    if arguments.command == "sweep":
        around, now = run.around, run.world.clock()
        tell_termination(os.environ, result)
        tell_metrics(result, run.metrics, os.environ, shard=run.shard, now=now)
        # last, since a slow API server is waited for with each
        if around.client is not None and around.own_pod is not None:
            tell_events(result, client=around.client, own_pod=around.own_pod, now=now)
    return result.report.exit_code


def _explain(arguments: Arguments, run: Run) -> int:
    from janitor.explain import explain  # noqa: PLC0415
    from janitor.report.escape import sentence  # noqa: PLC0415
    from janitor.report.explanation import explanation  # noqa: PLC0415

    (found,) = run.found
    explained = explain(found, world=run.world, policy=run.policy, lock=arguments.lock)
    if run.json:
        for lock in explained.locks:
            run.printer.lock(lock)
        run.printer.repository(explained.repository)
    else:
        for lock in explained.locks:
            _say(sys.stdout, explanation(lock, explained.repository, width=run.width))
    if explained.problem is not None:
        _say(sys.stderr, f"restic-janitor: {sentence(explained.problem)}")
    if not explained.locks:
        _say(sys.stderr, f"restic-janitor: {_nothing_to_explain(arguments, explained.repository)}")
        return int(explained.repository.failed or arguments.lock is not None)
    return int(explained.repository.failed or explained.problem is not None)


def _nothing_to_explain(arguments: Arguments, repository: RepositoryReport) -> str:
    from janitor.report.escape import printable, sentence  # noqa: PLC0415

    name = printable(repository.repository)
    if repository.detail is not None:
        return f"{name} is {repository.state}: {sentence(repository.detail)}"
    if arguments.lock is not None:
        return f"{name} has no lock whose ID begins with {printable(arguments.lock)!r}."
    return f"{name} has no locks."


def _put_back(arguments: Arguments, run: Run) -> int:
    from janitor.put_back import PutBackError, put_back, read_record  # noqa: PLC0415
    from janitor.report.escape import printable  # noqa: PLC0415
    from janitor.report.lines import one_line  # noqa: PLC0415

    if run.world.shelf is None and arguments.state != "none":
        raise PutBackError(
            "without a state the next sweep would remove the lock again: give the `--state` that "
            "the sweeps use, or type `--state none` to write it all the same"
        )
    (found,) = run.found
    text = sys.stdin.read() if arguments.record == "-" else arguments.record
    record = read_record(text)
    lock = put_back(found, record, world=run.world)
    if run.json:
        fields = {"event": "put-back", "repository": found.repository.name, "lock": record.lock}
        _say(sys.stdout, one_line(fields))
    else:
        _say(
            sys.stdout,
            f"The lock {record.lock[:8]} of {printable(lock.hostname)!r} is back in "
            f"{printable(found.repository.name)}"
            + (", and no sweep removes it." if run.world.shelf is not None else "."),
        )
    return 0


def _doctor(arguments: Arguments, run: Run) -> int:
    from janitor.checks.installation import Installation  # noqa: PLC0415
    from janitor.doctor import examine  # noqa: PLC0415
    from janitor.report import checks as told  # noqa: PLC0415

    around = run.around
    installation = Installation(
        run.found,
        run.world,
        run.policy,
        run.configuration,
        around.client,
        around.own_pod,
        around.reports_only,
        whole=not arguments.repository and run.shard is None,
    )
    checks: list[told.Check] = []
    for check in examine(installation):
        checks.append(check)
        _say(
            sys.stdout,
            told.check_line(check) if run.json else told.check_text(check, width=run.width),
        )
    code = FAILED if any(each.status is told.Status.PROBLEM for each in checks) else 0
    _say(
        sys.stdout,
        told.doctor_line(checks, code) if run.json else told.doctor_text(checks, width=run.width),
    )
    return code


_COMMANDS: dict[str, Callable[[Arguments, Run], int]] = {
    "sweep": _sweep,
    "list": _sweep,
    "explain": _explain,
    "doctor": _doctor,
    "put-back": _put_back,
}


def _say(stream: TextIO, text: str) -> None:
    from janitor.report.escape import encodable  # noqa: PLC0415

    stream.write(encodable(text, stream).rstrip("\n") + "\n")
    stream.flush()
