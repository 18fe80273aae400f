"""REST and S3 servers that answer anything at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from unittest.mock import patch

import urllib3
from hypothesis import strategies as st

from janitor.model import ListedLock, LockID, Secret
from janitor.store import http_client, s3
from janitor.store.connections import Connections
from janitor.store.errors import StoreError
from janitor.store.location import parse_location
from janitor.store.names import CONFIG_LIMIT, KEY_LIMIT, LOCK_LIMIT
from janitor.store.open import open_store
from janitor.store.port import Store
from tests.fuzz import seeds
from tests.fuzz.answers import answers, whole
from tests.fuzz.mutations import damaged, documents
from tests.fuzz.sentences import CANARY, check_sentence
from tests.fuzz.target import Target
from tests.fuzz.wire import wire

LOCK = LockID(seeds.IDS[0])
_AT_MOST = 2
_CONFIG = seeds.sealed(json.dumps(seeds.CONFIG).encode())
Triple = tuple[bytes, bytes, bytes]
"""The answers to a look, to a listing, and to everything else."""


def exercised(store: Store) -> None:
    """Asks a store for everything: values as documented, or StoreErrors in a line."""
    for call in (
        lambda: _listing(store.list_locks(at_most=_AT_MOST).locks),
        store.look,
        lambda: _ids(store.list_keys()),
        lambda: _at_most(store.read_config(), CONFIG_LIMIT),
        lambda: _at_most(store.read_key(LOCK), KEY_LIMIT),
        lambda: _at_most(store.read_lock(LOCK), LOCK_LIMIT),
        lambda: store.delete_lock(LOCK),
        lambda: store.put_lock(LOCK, b"x"),
    ):
        _asked(call)
    store.close()


def _asked(call: Callable[[], object]) -> None:
    try:
        call()
    except StoreError as error:
        check_sentence(error, at_most=600)
        hangs = re.search("still hangs|did not answer within", str(error))
        assert hangs is None, "only the deadline ended it"


def _ids(names: tuple[str, ...]) -> None:
    assert all(re.fullmatch("[0-9a-f]{64}", name) for name in names)
    assert len(set(names)) == len(names), "a name comes twice"


def _listing(locks: tuple[ListedLock, ...]) -> None:
    _ids(tuple(lock.id for lock in locks))
    assert len(locks) <= _AT_MOST
    for lock in locks:
        assert lock.size is None or isinstance(lock.size, int)
        assert lock.modified is None or lock.modified.tzinfo is not None


def _at_most(stored: bytes, limit: int) -> None:
    assert len(stored) <= limit


# --- REST ------------------------------------------------------------------------------------

_V2 = b"Content-Type: application/vnd.x.restic.rest.v2"
_ENTRIES = [{"name": each, "size": 180} for each in seeds.IDS]
_HOSTILE = (*seeds.IDS, f"{LOCK}-tmp-1", "../../config", f"{LOCK}/..", LOCK.upper(), f"{LOCK}\n")


def check_rest(value: Triple) -> None:
    """A REST server's answer is a listing or a file as documented, or an error in a line."""
    look, listing, other = value

    def answer(_method: str, path: str) -> bytes:
        if path.endswith("/config"):
            return look
        return listing if path.endswith("/") else other

    wire().answers = answer
    impatient = urllib3.Timeout(connect=5, read=10)
    location = parse_location(f"rest:http://user:{CANARY}@{wire().host}/repo")
    with (
        patch.object(http_client, "TIMEOUT", impatient),
        patch.object(http_client, "RETRIES", http_client.RETRIES.new(backoff_factor=0)),
        Connections() as connections,
    ):
        exercised(open_store(location, {}, connections=connections))


_LISTINGS = st.one_of(
    documents([_ENTRIES, list(seeds.IDS)], _HOSTILE),
    documents([_ENTRIES], _HOSTILE).flatmap(damaged),
)
REST = st.tuples(
    answers(st.just(_CONFIG), usual=[]) | st.just(whole(_CONFIG)),
    answers(_LISTINGS, usual=[_V2]),
    answers(st.sampled_from([b"", b"stored", b"x" * 70_000]), usual=[]),
)


# --- S3 --------------------------------------------------------------------------------------

_ENVIRONMENT = {"AWS_ACCESS_KEY_ID": Secret("AKID"), "AWS_SECRET_ACCESS_KEY": Secret(CANARY)}


def check_s3(value: Triple) -> None:
    """An S3 server's answer is a listing or a file as documented, or an error in a line."""
    look, listing, other = value

    def answer(_method: str, path: str) -> bytes:
        if "delimiter=" in path:
            return look
        return listing if "list-type=2" in path else other

    wire().answers = answer
    quick = {"init_backoff": timedelta(milliseconds=1), "max_backoff": timedelta(milliseconds=2)}
    retries = {**s3._RETRIES, "max_retries": 1, "backoff": {**s3._RETRIES["backoff"], **quick}}
    location = parse_location(f"s3:http://{wire().host}/bucket/repo")
    with ExitStack() as stack:
        stack.enter_context(patch.object(s3, "_RETRIES", retries))
        stack.enter_context(patch.object(s3, "_REQUEST", timedelta(seconds=10)))
        connections = stack.enter_context(Connections())
        exercised(open_store(location, _ENVIRONMENT, connections=connections))


_VALUES: dict[str, tuple[str, ...]] = {
    "Key": (
        *(f"repo/locks/{each}" for each in seeds.IDS),
        *(
            f"repo/lock/{LOCK}",
            f"repo/keys/{LOCK}",
            "repo/config",
            "repo/locks/",
            "",
            "/",
            "repo//",
        ),
        *(
            f"repo/locks/../{LOCK}",
            f"other/{LOCK}",
            "repo/locks/a%2Fb",
            "repo/locks/\x01",
            "é" * 900,
        ),
        f"repo/locks/{LOCK}/x",
    ),
    "LastModified": (
        *("2026-11-24T01:02:03Z", "2026-11-24T01:02:03.000Z", "0001-01-01T00:00:00Z", "yesterday"),
        *("9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00Z", "+262142-12-31T23:59:59Z", ""),
        *("-262143-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "1969-12-31T23:59:59.999999999Z"),
    ),
    "Size": ("180", "0", "-1", "18446744073709551615", "18446744073709551616", "1e3", "", "x"),
    "ETag": ('"x"', "", "&quot;x&quot;", "&unknown;", "\ud7ff", "<x/>"),
    "IsTruncated": ("false", "true", "1", "", "TRUE"),
    "NextContinuationToken": ("", "more", "&amp;", " "),
}
_FIELDS = {name: st.sampled_from([*([each[0]] * 4), *each]) for name, each in _VALUES.items()}


@st.composite
def _bucket_listings(draw: st.DrawFn, folders: tuple[str, ...], key: str) -> bytes:
    """What a bucket lists, in S3's XML."""
    lines = ['<?xml version="1.0"?><ListBucketResult>']
    if draw(st.booleans()):
        lines.append(f"<IsTruncated>{draw(_FIELDS['IsTruncated'])}</IsTruncated>")
    if draw(st.integers(0, 5)) == 0:
        token = draw(_FIELDS["NextContinuationToken"])
        lines.append(f"<NextContinuationToken>{token}</NextContinuationToken>")
    keys = [key, *draw(st.lists(_FIELDS["Key"], max_size=4))]
    for each in keys:
        parts = [f"<Key>{each}</Key>"]
        parts += [f"<{name}>{draw(_FIELDS[name])}</{name}>" for name in ("LastModified", "Size")]
        if draw(st.booleans()):
            parts.append(f"<ETag>{draw(_FIELDS['ETag'])}</ETag>")
        if draw(st.integers(0, 9)) == 0:
            parts.pop(draw(st.integers(0, len(parts) - 1)))
        lines.append(f"<Contents>{''.join(parts)}</Contents>")
    lines.extend(
        f"<CommonPrefixes><Prefix>repo/{each}/</Prefix></CommonPrefixes>"
        for each in draw(st.lists(st.sampled_from(folders), max_size=3))
    )
    return ("".join(lines) + "</ListBucketResult>").encode()


_ERRORS = st.builds(
    "<Error><Code>{}</Code><Message>{}</Message>{}</Error>".format,
    st.sampled_from(["NoSuchKey", "NoSuchBucket", "AccessDenied", "SlowDown", "", "\t", "é" * 90])
    | st.sampled_from(["AuthorizationHeaderMalformed", "PermanentRedirect", "x" * 5000]),
    st.sampled_from(
        ["words", "a\nb\x1b[2J", "&#0;", "x" * 100_000, CANARY, f"<![CDATA[{CANARY}]]>"]
    ),
    st.sampled_from(
        ["", "<Region>eu-west-3</Region>", "<Region></Region>", "<Region>../x</Region>"]
    ),
).map(str.encode)
_REFUSALS = (301, 400, 403, 404, 409, 412, 500, 503)
_XML = [b"Content-Type: application/xml"]


def _s3_answers(bodies: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    bent = bodies.flatmap(lambda body: st.just(body) | st.just(body) | damaged(body))
    return answers(bent | _ERRORS, usual=_XML) | st.builds(
        whole, _ERRORS, status=st.sampled_from([b"HTTP/1.1 %d x" % each for each in _REFUSALS])
    )


_ROOTS = _bucket_listings(("locks", "keys", "lock", "key", "data", ""), "repo/config")
_FOLDERS = _bucket_listings(("locks",), f"repo/locks/{LOCK}")
_FILE = [b"Last-Modified: Wed, 25 Nov 2026 12:00:00 GMT", b'ETag: "x"']
S3 = st.tuples(
    _s3_answers(_ROOTS),
    _s3_answers(_FOLDERS),
    answers(st.sampled_from([_CONFIG, b"", b"x" * 70_000]), usual=_FILE)
    | _s3_answers(st.just(b"")),
)

# --- Swift -----------------------------------------------------------------------------------


def check_swift(value: Triple) -> None:
    """A Swift server's answer is a listing or a file as documented, or an error in a line."""
    look, listing, other = value

    def answer(_method: str, path: str) -> bytes:
        if path.endswith("/config"):
            return look
        return listing if "format=json" in path else other

    wire().answers = answer
    impatient = urllib3.Timeout(connect=5, read=10)
    location = parse_location("swift:container:/repo")
    given = {"OS_STORAGE_URL": f"http://{wire().host}/v1/a", "OS_AUTH_TOKEN": CANARY}
    with (
        patch.object(http_client, "TIMEOUT", impatient),
        patch.object(http_client, "RETRIES", http_client.RETRIES.new(backoff_factor=0)),
        Connections() as connections,
    ):
        variables = {name: Secret(text) for name, text in given.items()}
        exercised(open_store(location, variables, connections=connections))


_OBJECTS = [
    {"name": f"repo/locks/{each}", "bytes": 180, "last_modified": "2026-11-25T12:00:00.000000"}
    for each in sorted(seeds.IDS)
]
_PAGES = st.one_of(
    documents([_OBJECTS, [{"subdir": "repo/locks/x/"}]], _HOSTILE),
    documents([_OBJECTS], _HOSTILE).flatmap(damaged),
)
SWIFT = st.tuples(
    answers(st.just(_CONFIG), usual=[]) | st.just(whole(_CONFIG)),
    answers(_PAGES, usual=[b"Content-Type: application/json"]),
    answers(st.sampled_from([b"", b"stored", b"x" * 70_000]), usual=[]),
)

TARGETS: tuple[Target, ...] = (
    Target("rest", REST, check_rest, examples=150),
    Target("swift", SWIFT, check_swift, examples=100),
    Target("s3", S3, check_s3, examples=100),
)
