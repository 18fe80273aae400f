"""The sources that the configuration switches on, each with what it may do.

A source's module is imported when it is switched on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from janitor.discover.configuration import Configuration
from janitor.discover.confine import Confines
from janitor.discover.discovered import Find, Source
from janitor.discover.draft import Draft
from janitor.discover.environment import read_environment
from janitor.discover.reader import Each, Reader
from janitor.discover.source_settings import SourceSettings


def sources_of(configuration: Configuration, process: Mapping[str, str]) -> tuple[Source, ...]:
    """What is switched on. `process` is for sources that may use the identity of this pod."""
    return tuple(
        Source(
            name=settings.name,
            find=_FINDERS[settings.name](settings),
            namespaces=settings.namespaces,
            confines=Confines(
                endpoints=settings.endpoints,
                pod_identity=settings.pod_identity,
                mounts=configuration.mounts,
                process=process,
            ),
        )
        for settings in configuration.sources
    )


def _stash(settings: SourceSettings) -> Find:
    from janitor.discover.stash import find_stash  # noqa: PLC0415

    return lambda reader, each: find_stash(reader, namespaces=settings.namespaces, each=each)


def _kubestash(settings: SourceSettings) -> Find:
    from janitor.discover.kubestash import find_kubestash  # noqa: PLC0415

    return lambda reader, each: find_kubestash(reader, namespaces=settings.namespaces, each=each)


def _volsync(settings: SourceSettings) -> Find:
    from janitor.discover.volsync import find_volsync  # noqa: PLC0415

    return lambda reader, each: find_volsync(reader, namespaces=settings.namespaces, each=each)


def _k8up(settings: SourceSettings) -> Find:
    from janitor.discover.k8up import Defaults, find_k8up  # noqa: PLC0415

    def find(reader: Reader, each: Each) -> tuple[Draft, ...]:
        defaults = Defaults(
            endpoint=settings.endpoint,
            bucket=settings.bucket,
            variables=read_environment(settings.environment, {}).values,
        )
        return find_k8up(reader, namespaces=settings.namespaces, each=each, defaults=defaults)

    return find


def _workloads(settings: SourceSettings) -> Find:
    from janitor.discover.workloads import find_workloads  # noqa: PLC0415

    return lambda reader, each: find_workloads(
        reader, namespaces=settings.namespaces, selector=settings.selector, each=each
    )


_FINDERS: Mapping[str, Callable[[SourceSettings], Find]] = {
    "stash": _stash,
    "kubestash": _kubestash,
    "volsync": _volsync,
    "k8up": _k8up,
    "workloads": _workloads,
}
