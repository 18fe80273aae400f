"""Reports as a run makes them, for the tests of everything that shows them."""

from datetime import UTC, datetime, timedelta

from janitor.model import (
    Judgement,
    Lock,
    LockID,
    LockReport,
    RepositoryReport,
    RepositoryState,
    SweepReport,
    Verdict,
)

NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)


def lock_id(number: int) -> LockID:
    """A lock's name, the same one for the same number."""
    return LockID(f"{number * 0x9E3779B1 % 2**32:08x}" + "0" * 56)


def lock_report(
    number: int = 1,
    verdict: Verdict = Verdict.HOLDER_ABSENT,
    *,
    repository: str = "shop-db",
    hostname: str | None = "shop-db-backup-29401-x2x9k",
    username: str = "root",
    exclusive: bool = False,
    age: timedelta | None = timedelta(days=1),
    detail: str = "no pod has the name 'shop-db-backup-29401-x2x9k', and it is ours, by pattern",
    evidence: dict[str, object] | None = None,
    still_there: str | None = None,
    **more: object,
) -> LockReport:
    """One lock's report; `hostname=None` is a lock that was not opened or is unreadable."""
    content = None
    if hostname is not None:
        content = Lock(NOW - (age or timedelta(0)), exclusive, hostname, username, 1)
    return LockReport(
        repository=repository,
        lock=lock_id(number),
        judgement=Judgement(verdict, detail, evidence or {}),
        content=content,
        age=age,
        unchanged=None if age is None else age - timedelta(seconds=2),
        detail=still_there,
        **more,  # type: ignore[arg-type]
    )


def repository_report(
    name: str = "shop-db",
    state: RepositoryState = RepositoryState.READ,
    *,
    source: str = "configured",
    **more: object,
) -> RepositoryReport:
    """One repository's report."""
    return RepositoryReport(
        repository=name,
        source=source,
        location=f"s3:https://s3.example.com/backups/{name}",
        state=state,
        **more,  # type: ignore[arg-type]
    )


def a_night() -> tuple[list[LockReport], list[RepositoryReport], SweepReport]:
    """A sweep with everything in it: removed, kept, doubtful and failed, among many unlocked."""
    locks = [
        lock_report(1, removed=True, record=b"\x01\x02" * 90),
        lock_report(
            2,
            Verdict.TOO_YOUNG,
            hostname="shop-db-backup-29402-kk2x1",
            age=timedelta(minutes=4),
            detail="it is 4m old; min_age is 30m",
        ),
        lock_report(
            3,
            Verdict.HOLDER_TERMINATED,
            repository="media",
            hostname="volsync-src-media-7k2px",
            username="",
            exclusive=True,
            age=timedelta(hours=8, minutes=5),
            detail="pod media/volsync-src-media-7k2px ('Evicted') has ended: nothing in it holds a "
            "lock",
            removed=True,
            record=b"\x03\x04" * 90,
            cause="the kubelet evicted the pod: the emptyDir 'cache' passed its limit of 1Gi",
            advice="raise spec.restic.cacheCapacity",
        ),
        lock_report(
            4,
            Verdict.FOREIGN_HOST,
            repository="media",
            hostname="mba-home.local",
            username="anna",
            age=timedelta(days=70),
            detail="nothing shows that 'mba-home.local' is a host of this cluster; `holders` of "
            "the configuration would make it ours",
        ),
        lock_report(
            5,
            Verdict.NOT_OBSERVED,
            repository="wiki",
            hostname="wiki-backup-0",
            age=timedelta(hours=2),
            detail="namespace 'wiki' is out of sight: listing pods in namespace wiki was refused "
            "(403): grant get and list on pods there (component namespaced)",
        ),
    ]
    repositories = [
        *(repository_report(f"stash/shop-{n}", RepositoryState.UNLOCKED) for n in range(997)),
        repository_report("shop-db", locks=2, removed=1),
        repository_report("media", source="volsync", locks=2, removed=1),
        repository_report("wiki", locks=1),
        repository_report(
            "photos",
            RepositoryState.WRONG_PASSWORD,
            failed=True,
            detail="none of the 2 keys opens with RESTIC_PASSWORD: set the password that "
            "`restic key list` works with",
        ),
        repository_report("new", RepositoryState.NO_REPOSITORY, source="stash"),
    ]
    sweep = SweepReport(
        repositories=len(repositories),
        failed=1,
        locks=5,
        stale=2,
        removed=2,
        kept=3,
        dry_run=False,
        duration=timedelta(seconds=0.84),
        exit_code=1,
    )
    return locks, repositories, sweep
