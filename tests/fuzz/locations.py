"""Locations in restic's syntax, and the stores that are made of them."""

from __future__ import annotations

import posixpath
import re

from janitor.model import Secret
from janitor.store.connections import Connections
from janitor.store.errors import BadLocation, StoreError
from janitor.store.location import parse_location
from janitor.store.open import open_store
from tests.fuzz.mutations import texts
from tests.fuzz.sentences import CANARY, check_sentence
from tests.fuzz.target import Target

_PLACES = (
    "/srv/restic/shop",
    "local:/srv/restic/shop",
    "C:/repos/shop",
    "s3:https://s3.example.com:443/bucket/some/prefix",
    "s3:s3.amazonaws.com/bucket",
    "s3:http://[::1]:9000/bucket/a%20b",
    "gs:bucket:/prefix/x",
    "azure:container:/prefix",
    "b2:bucketname:prefix",
    "swift:container:/path",
    "sftp:user@host:/srv/restic",
    "sftp://user@host:22//srv/restic",
    "rclone:remote:path",
    "rest:https://host:8000/user/repo/",
    "rest:http+unix:///run/rest.sock:/repo",
    f"rest:https://user:{CANARY}@host:8000/repo",
    f"sftp:user:{CANARY}@host:/srv",
    f"rclone:remote,pass={CANARY}:path",
    f"s3:https://key:{CANARY}@s3.example.com/bucket/prefix",
)
_TOKENS = (
    *(":", "/", "//", "@", "#", "?", "%", "%2F", "%2f..%2f", "%zz", "[", "]", "\\", "~", "=", ","),
    *(
        "..",
        "../",
        ":443",
        ":80",
        ":99999999",
        "http",
        "https://",
        "rest:",
        "s3:",
        "local:",
        "sftp",
    ),
    *("\n", "\r", "\t", "\x7f", "\ud800", "é", "\u3000", "%C3%A9", "%ff", "[::1]", "[", "*", "-"),
)
_TYPED = re.compile(rf"(?:rest|s3):https?://[^/?#@:]*:[^/?#]*{CANARY}[^/?#]*@")
"""A password where a URL has one; anywhere else nothing tells it from a name."""
KEYS = {"AWS_ACCESS_KEY_ID": Secret("AKID"), "AWS_SECRET_ACCESS_KEY": Secret("secret")}


def check_location(text: str) -> None:
    """A location is read, and shown without its password, or refused in a line without it."""
    try:
        found = parse_location(text)
    except BadLocation as error:
        check_sentence(error, at_most=300)
        return
    assert found == parse_location(text)
    typed = bool(_TYPED.match(text)) and text.count(CANARY) == 1
    if typed:
        assert CANARY not in repr(found)
        assert found.shown.isprintable() or not text.isprintable()
    if found.scheme == "rest":
        assert found.url.endswith("/")
    if found.scheme == "local":
        assert posixpath.normpath(found.path) == found.path
    assert ".." not in found.prefix.split("/")
    with Connections() as connections:
        try:
            open_store(found, KEYS, connections=connections).close()
        except StoreError as error:
            check_sentence(error, at_most=20_000, on_one_line=text.isprintable(), hides=typed)


TARGETS = (Target("location", texts(_PLACES, _TOKENS), check_location, examples=600),)
