"""Repositories without old locks, as files and on S3: the janitor against what people could run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import obstore
import urllib3
from obstore.store import S3Store

from bench.commands import PYTHON, list_locks, lsf, make_model, sweep, unlock
from bench.delay import delayed
from bench.figures import Figure, Peer
from bench.measure import Cost, measure_together, once
from tests.servers import programs
from tests.servers.seaweedfs import ACCESS_KEY, SECRET_KEY, SeaweedFS

REPOSITORIES = 1_000
MEASURED = 50
"""On so many `restic` and `rclone` are measured; their cost is scaled to all repositories."""
FAR = (20, 50)
"""Milliseconds."""
LOCKED = range(REPOSITORIES - 5, REPOSITORIES)
"""These have a young lock, as a backup under way leaves it; none of them is measured above."""
_NAMES = ("restic unlock", "restic list locks", "rclone lsf")
_GOALS = (0.01, 0.01, None)
_SCALE = REPOSITORIES / MEASURED


def on_files(folder: Path, environment: Mapping[str, str]) -> tuple[list[Figure], list[Peer]]:
    model = folder / "r0"
    lock = make_model(model, environment)
    for number in range(1, REPOSITORIES):
        shutil.copytree(model, folder / f"r{number}")
    for number in LOCKED:
        shutil.copy(lock, folder / f"r{number}" / "locks")
    place = str(folder / "r{}")
    swept, one, bare, bare_one = measure_together(
        [
            sweep(folder / "all", place, count=REPOSITORIES),
            sweep(folder / "one", place, count=1),
            _loop(place, REPOSITORIES),
            _loop(place, 1),
        ],
        environment,
    )
    peers = [command(place, MEASURED) for command in (unlock, list_locks, lsf)]
    others = measure_together(peers, environment, runs=2)
    told = [*_peers("files", swept, others), _bare("files", bare)]
    walls = _walls("files", swept, one, bare, bare_one)
    return [*_against("files", swept, others), *walls], told


def on_s3(folder: Path, environment: Mapping[str, str]) -> tuple[list[Figure], list[Peer]]:
    program = programs.from_wheel("weed")
    if program is None:
        raise SystemExit("There is no SeaweedFS: `make test` fetches it.")
    keys = [f"{ACCESS_KEY}-{number}" for number in range(REPOSITORIES)]
    server = SeaweedFS(program, folder / "server", more_keys=keys)
    try:
        environment = {**environment, **server.environment, **_rclone_of(server)}
        _fill(server.bucket("bench"), folder / "model", environment)
        place = f"s3:{server.endpoint}/bench/r{{}}"
        commands = [
            sweep(folder / "all", place, count=REPOSITORIES),
            sweep(folder / "one", place, count=1),
            _loop(place, REPOSITORIES),
            _loop(place, 1),
        ]
        swept, one, bare, bare_one = measure_together(commands, environment)
        peers = [
            unlock(place, MEASURED),
            list_locks(place, MEASURED),
            lsf(":s3:bench/r{}", MEASURED),
        ]
        others = measure_together(peers, environment, runs=2)
        asked = [_requests(server, each, environment) for each in (commands[0], *peers)]
        asked_bare = _requests(server, commands[2], environment)
        (each_its_own,) = measure_together(
            [sweep(folder / "keys", place, count=REPOSITORIES, keys=keys)], environment, runs=2
        )
        far = [_far(folder, server, milliseconds, environment) for milliseconds in FAR]
    finally:
        server.stop()
    basis = f"{each_its_own.cpu:.2f} s CPU, {each_its_own.wall:.2f} s: a client for each key"
    memory = each_its_own.memory
    own = Figure(f"S3, {REPOSITORIES:,} repositories with a key each", memory, 150, "MB", basis)
    basis = f"{asked[0]:,} for {REPOSITORIES:,} repositories, of which {len(LOCKED)} have a lock"
    each = Figure("S3, requests for each", asked[0] / REPOSITORIES, 1.01, "requests", basis)
    told = [*_peers("S3", swept, others, asked), _bare("S3", bare, asked_bare)]
    walls = _walls("S3", swept, one, bare, bare_one)
    return [*_against("S3", swept, others), *walls, *far, each, own], told


def _far(
    folder: Path, server: SeaweedFS, milliseconds: int, environment: Mapping[str, str]
) -> Figure:
    """As near as it is, the server shares the machine's cores with those who ask it."""
    host, _, port = server.endpoint.rpartition(":")
    with delayed(int(port), milliseconds) as further:
        place = f"s3:{host}:{further}/bench/r{{}}"
        commands = [sweep(folder / "far", place, count=REPOSITORIES), _loop(place, REPOSITORIES)]
        swept, bare = measure_together(commands, environment, runs=3)
    what = f"S3 {milliseconds} ms away, wall against a bare listing loop"
    basis = f"{swept.wall:.3f} s against {bare.wall:.3f} s, both with start-up"
    return Figure(what, swept.wall / bare.wall, 1.5, "x", basis)


def _loop(place: str, count: int) -> list[str]:
    return [PYTHON, "-m", "bench.loop", place, str(count)]


def _bare(where: str, cost: Cost, requests: int | None = None) -> Peer:
    return Peer(where, "a bare listing loop", cost.cpu, cost.wall, cost.memory, requests)


def _walls(where: str, swept: Cost, one: Cost, bare: Cost, bare_one: Cost) -> list[Figure]:
    """A sweep's wall against the bare loop's, whole and without what one repository takes."""
    what = f"{where}, wall against a bare listing loop"
    basis = f"{swept.wall:.3f} s against {bare.wall:.3f} s, both with start-up"
    whole = Figure(what, swept.wall / bare.wall, 1.5, "x", basis)
    more, bare_more = swept.wall - one.wall, bare.wall - bare_one.wall
    basis = f"{more:.3f} s against {bare_more:.3f} s for {REPOSITORIES - 1} more repositories"
    return [whole, Figure(f"{where}, the same beyond start-up", more / bare_more, 1.5, "x", basis)]


def _against(where: str, swept: Cost, others: list[Cost]) -> list[Figure]:
    figures = []
    for name, goal, other in zip(_NAMES, _GOALS, others, strict=True):
        scaled = other.cpu * _SCALE
        basis = f"{swept.cpu:.2f} s against {scaled:.1f} s for {REPOSITORIES:,}"
        what = f"{where}, CPU against `{name}` for each"
        figures.append(Figure(what, swept.cpu / scaled, goal, "x", basis))
    return figures


def _peers(
    where: str, swept: Cost, others: list[Cost], asked: list[int] | None = None
) -> list[Peer]:
    requests = asked or [None] * (1 + len(others))
    told = [Peer(where, "restic-janitor sweep", swept.cpu, swept.wall, swept.memory, requests[0])]
    for name, cost, number in zip(_NAMES, others, requests[1:], strict=True):
        scaled = None if number is None else number * _SCALE
        told.append(Peer(where, name, cost.cpu * _SCALE, cost.wall * _SCALE, cost.memory, scaled))
    return told


def _requests(server: SeaweedFS, command: list[str | Path], environment: Mapping[str, str]) -> int:
    """How many requests of S3 it takes, by the server's own count."""
    before = _count(server)
    once(command, environment)
    return _count(server) - before


def _count(server: SeaweedFS) -> int:
    answer = urllib3.request("GET", f"http://127.0.0.1:{server.metrics_port}/metrics")
    lines = answer.data.decode().splitlines()
    return sum(
        int(float(line.rpartition(" ")[2]))
        for line in lines
        if line.startswith("SeaweedFS_s3_request_total")
    )


def _fill(bucket: S3Store, model: Path, environment: Mapping[str, str]) -> None:
    """Copies of one repository under r0, r1, ... in the bucket."""
    lock = make_model(model, environment)
    for file in (path for path in model.rglob("*") if path.is_file()):
        for number in range(REPOSITORIES):
            obstore.put(bucket, f"r{number}/{file.relative_to(model)}", file.read_bytes())
    for number in LOCKED:
        obstore.put(bucket, f"r{number}/locks/{lock.name}", lock.read_bytes())


def _rclone_of(server: SeaweedFS) -> dict[str, str]:
    return {
        "RCLONE_S3_PROVIDER": "Other",
        "RCLONE_S3_ENDPOINT": server.endpoint,
        "RCLONE_S3_ACCESS_KEY_ID": ACCESS_KEY,
        "RCLONE_S3_SECRET_ACCESS_KEY": SECRET_KEY,
    }
