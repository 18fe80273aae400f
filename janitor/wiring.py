"""Puts a run together: real clock, threads, stores, cluster, state, printers and signals."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from janitor.arguments import Arguments
from janitor.discover.configuration import Configuration, load_configuration
from janitor.discover.configured import find_configured, select
from janitor.discover.endpoints import allowed
from janitor.discover.found import Found
from janitor.discover.metrics_settings import MetricsSettings, override_metrics
from janitor.discover.mistakes import ConfigurationError
from janitor.discover.settings import override
from janitor.discover.unite import unite
from janitor.keyring import Keyring, largest_key
from janitor.memory_limit import memory_limit
from janitor.model import Policy
from janitor.report.log import configure_logging
from janitor.report.printers import JsonPrinter, TablePrinter, table_printer, terminal_width
from janitor.report.progress import Progress, progress_on
from janitor.shard import Shard, ShardError, index_of, number_of, shard_of_pod
from janitor.store.connections import THREADS, Connections
from janitor.store.open import open_store
from janitor.store.port import Store
from janitor.surroundings import Surroundings, surround
from janitor.world import Item, World
from janitor.world import Result as Returned


class RunPrinter:
    """The report's printer, and the counter that a waiting person sees until it prints."""

    def __init__(self, report: JsonPrinter | TablePrinter, progress: Progress) -> None:
        self._progress = progress
        self.lock = report.lock
        self.repository = report.repository
        self.sweep = report.sweep
        self.progress = progress
        self._report = report

    def finish(self) -> None:
        """Wipes the counter and prints what is left to print."""
        self._progress.finish()
        self._report.finish()


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that a command needs."""

    found: tuple[Found, ...]
    world: World
    policy: Policy
    """Of the configuration, with the command line's options over it."""
    configuration: Configuration
    printer: RunPrinter
    json: bool
    width: int
    around: Surroundings
    metrics: MetricsSettings
    shard: Shard | None = None


class _Threads:
    """A thread pool as `World` wants it."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor

    def map(self, step: Callable[[Item], Returned], items: Iterable[Item]) -> Iterable[Returned]:
        return self._executor.map(step, items)


class _Signals:
    """Remembers the first SIGTERM or SIGINT; a second SIGINT ends the process at once."""

    def __init__(self) -> None:
        self.number = 0

    def install(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            with suppress(ValueError):  # not the main thread: a test that calls main
                signal.signal(number, self._note)

    def _note(self, number: int, _frame: object) -> None:
        self.number = self.number or number
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def prepare(arguments: Arguments, *, environment: Mapping[str, str]) -> Iterator[Run]:
    """Reads the configuration and connects everything; nothing is touched before all is right.

    Raises ConfigurationError, BadKubeconfig or BadClusterFile, each one sentence (exit code 2).
    """
    shard = _shard(arguments, environment)
    configuration = load_configuration(arguments.config, process=environment)
    policy = override(
        configuration.policy,
        min_age=arguments.min_age,
        max_removals=arguments.max_removals,
        dry_run=arguments.dry_run,
        fail_on_stale=arguments.fail_on_stale,
    )
    metrics = override_metrics(
        configuration.metrics, file=arguments.metrics_file, push_url=arguments.push_url
    )
    json = arguments.output == "json" or (arguments.output is None and not sys.stdout.isatty())
    progress = progress_on(sys.stderr, environment)
    # The record of each removal is logged before the deletion; the table shows it afterwards.
    level = "info" if json else "warning"
    configure_logging(progress, json=not sys.stderr.isatty(), level=level)
    signals = _Signals()
    signals.install()
    with ExitStack() as stack:
        connections = stack.enter_context(Connections())
        executor = ThreadPoolExecutor(THREADS, thread_name_prefix="repository")
        stack.callback(executor.shutdown, wait=False, cancel_futures=True)
        around = surround(
            arguments,
            environment,
            stack,
            clock=_clock,
            wanted_by=configuration.reads_the_cluster,
            part=shard.index if shard else None,
        )
        found = _find(arguments, configuration, policy, environment, around, executor)
        found = _part(found, arguments, shard)
        world = World(
            clock=_clock,
            pool=_Threads(executor),
            open_store=_opener(connections),
            cluster=around.cluster,
            shelf=around.shelf,
            keyring=Keyring(largest=largest_key(memory_limit())),
            stopping=lambda: signals.number,
        )
        report = JsonPrinter(sys.stdout) if json else table_printer(sys.stdout, environment)
        yield Run(
            found=found,
            world=world,
            policy=policy,
            configuration=configuration,
            printer=RunPrinter(report, progress),
            json=json,
            width=terminal_width(sys.stdout, environment),
            around=around,
            metrics=metrics,
            shard=shard,
        )


def _find(  # noqa: PLR0917 - private, called once
    arguments: Arguments,
    configuration: Configuration,
    policy: Policy,
    environment: Mapping[str, str],
    around: Surroundings,
    executor: ThreadPoolExecutor,
) -> tuple[Found, ...]:
    """The repositories that this run is about. Raises ConfigurationError."""
    names = (_literal(arguments.name),) if arguments.name else arguments.repository
    if not configuration.reads_the_cluster or around.client is None:
        return select(unite(find_configured(configuration, environment)), names)
    # Imported here: who names every repository needs none of it.
    from janitor.discover.cluster_reader import ClusterReader  # noqa: PLC0415
    from janitor.discover.discovered import find_discovered  # noqa: PLC0415
    from janitor.discover.sources import sources_of  # noqa: PLC0415

    reader, each = ClusterReader(around.client), _Threads(executor).map
    configured = find_configured(configuration, environment, reader=reader, each=each)
    sources = sources_of(configuration, environment)
    discovered = find_discovered(sources, reader=reader, each=each, policy=policy)
    return select(unite((*configured, *discovered)), names)


def _shard(arguments: Arguments, environment: Mapping[str, str]) -> Shard | None:
    """The part of the repositories that this run is about. Raises ConfigurationError."""
    if arguments.shard is not None:
        return arguments.shard
    try:
        if not arguments.name:
            return shard_of_pod(environment)
        # `explain` and `put-back` are about one repository, whichever pod they run in.
        number = number_of(environment)
    except ShardError as error:
        raise ConfigurationError(f"{error}.") from None
    return None if number is None else Shard(index_of(arguments.name, number), number)


def _part(found: tuple[Found, ...], arguments: Arguments, shard: Shard | None) -> tuple[Found, ...]:
    """Those of this part. Raises ConfigurationError."""
    if shard is None:
        return found
    if not arguments.name:
        return tuple(each for each in found if shard.has(each.repository.name))
    name = found[0].repository.name
    if not shard.has(name):
        raise ConfigurationError(
            f"Where repositories are shared by several pods, {arguments.name} has to be called by "
            f"the first of its names, {name}: its state is found by that."
        )
    return found


def _clock() -> datetime:
    return datetime.now(UTC)


def _literal(name: str) -> str:
    """A glob that fits this name alone."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)


def _opener(connections: Connections) -> Callable[[Found], Store]:
    def opener(found: Found) -> Store:
        assert found.location is not None  # noqa: S101 - else `found.state` is set
        endpoints = found.endpoints
        return open_store(
            found.location,
            found.environment,
            connections=connections,
            insecure_tls=found.insecure_tls,
            ssh=found.ssh,
            allowed=None if endpoints is None else lambda host: allowed(host, endpoints),
        )

    return opener
