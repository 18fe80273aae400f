"""restic's location syntax: what each spelling means, and what is no location."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janitor.store.errors import BadLocation
from janitor.store.location import parse_location


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/srv/repo", "/srv/repo"),
        ("/srv//repo/", "/srv/repo"),
        ("//srv/repo", "/srv/repo"),
        ("local:/srv/repo", "/srv/repo"),
        ("local:repo", "repo"),
        ("../repo", "../repo"),
        ("repo", "repo"),
        ("/srv/with:colon", "/srv/with:colon"),
        ("local:s3:odd", "s3:odd"),
        ("/srv/a b\n", "/srv/a b\n"),
    ],
)
def test_a_folder_is_found_in_every_spelling(text: str, path: str) -> None:
    """Else a local repository that restic opens would not be found."""
    location = parse_location(text)
    assert (location.scheme, location.path) == ("local", path)


@pytest.mark.parametrize(
    ("text", "endpoint", "tls", "bucket", "prefix"),
    [
        ("s3:s3.amazonaws.com/bucket", "s3.amazonaws.com", True, "bucket", ""),
        ("s3:s3.amazonaws.com/bucket/a/b/", "s3.amazonaws.com", True, "bucket", "a/b"),
        ("s3://host/bucket/prefix", "host", True, "bucket", "prefix"),
        ("s3:https://Host.example.com:443/bucket", "host.example.com", True, "bucket", ""),
        ("s3:http://host:80/bucket", "host", False, "bucket", ""),
        ("s3:http://host.:9000/bucket/x", "host.:9000", False, "bucket", "x"),
        ("s3:https://host/bucket//app", "host", True, "bucket", "/app"),
        ("s3:host/bucket//app/", "host", True, "bucket", "/app"),
        ("s3:https://host/bucket/a//b/../c/./", "host", True, "bucket", "a/c"),
        ("s3:https://host/bucket/a%20b%2Fc", "host", True, "bucket", "a b/c"),
        ("s3:host/bucket/a%20b", "host", True, "bucket", "a%20b"),
        ("s3:https://[::1]:9000/bucket", "[::1]:9000", True, "bucket", ""),
        ("s3:https://host/bucket/prefix?x=y", "host", True, "bucket", "prefix"),
    ],
)
def test_s3_is_read_as_restic_does(
    text: str, endpoint: str, tls: bool, bucket: str, prefix: str
) -> None:
    """Else the janitor would look under another key than restic's."""
    found = parse_location(text)
    assert (found.scheme, found.endpoint, found.tls) == ("s3", endpoint, tls)
    assert (found.bucket, found.prefix) == (bucket, prefix)


@pytest.mark.parametrize(
    ("text", "bucket", "prefix"),
    [
        ("gs:bucket:/prefix/", "bucket", "prefix"),
        ("gs:bucket:", "bucket", ""),
        ("gs:bucket:/", "bucket", ""),
        ("azure:container:/a//b", "container", "a/b"),
        ("azure:container:a", "container", "a"),
        ("b2:bucket-name", "bucket-name", ""),
        ("b2:bucket-name:", "bucket-name", ""),
        ("b2:bucket-name:/x/../y", "bucket-name", "y"),
        ("swift:container:/", "container", ""),
        ("swift:container:/a/b", "container", "a/b"),
    ],
)
def test_buckets_and_paths_are_read_as_restic_does(text: str, bucket: str, prefix: str) -> None:
    """Else one repository under two spellings would be swept twice, as two."""
    found = parse_location(text)
    assert (found.bucket, found.prefix) == (bucket, prefix)


@pytest.mark.parametrize(
    ("text", "url", "username", "password", "shown"),
    [
        ("rest:http://h:8000", "http://h:8000/", None, None, "rest:http://h:8000/"),
        ("rest:https://H/a/", "https://h/a/", None, None, "rest:https://h/a/"),
        ("rest:http://u:p%40@h/a", "http://h/a/", "u", "p@", "rest:http://u:***@h/a/"),
        ("rest:http://u@h/a", "http://h/a/", "u", "", "rest:http://u@h/a/"),
        ("rest:http://a:b@c@h/", "http://h/", "a", "b@c", "rest:http://a:***@h/"),
        ("rest:http://a:b:c@h/", "http://h/", "a", "b:c", "rest:http://a:***@h/"),
    ],
)
def test_rest_is_read_without_showing_the_password(
    text: str, url: str, username: str | None, password: str | None, shown: str
) -> None:
    """Else credentials would be wrong, or be in the URL that errors quote."""
    found = parse_location(text)
    assert found.url == url
    assert found.shown == shown
    assert (found.username.reveal() if found.username else None) == username
    assert (found.password.reveal() if found.password is not None else None) == password


@pytest.mark.parametrize(
    ("text", "user", "host", "port", "path"),
    [
        ("sftp:user@host:/srv/repo", "user", "host", "", "/srv/repo"),
        ("sftp:host:repo/", "", "host", "", "repo"),
        ("sftp:a@b@host:/x", "a@b", "host", "", "/x"),
        ("sftp://user@host:2222//srv/repo", "user", "host", "2222", "/srv/repo"),
        ("sftp://host/repo", "", "host", "", "repo"),
        ("sftp://u@[::1]:22/repo", "u", "::1", "22", "repo"),
    ],
)
def test_sftp_is_read_in_both_spellings(
    text: str, user: str, host: str, port: str, path: str
) -> None:
    """Else relative and absolute folders would be mixed up."""
    found = parse_location(text)
    assert (found.user, found.host, found.port, found.path) == (user, host, port, path)


def test_blanks_in_an_rclone_path_belong_to_it() -> None:
    """Else `rclone:remote: a ` would be another repository than restic's."""
    assert parse_location("rclone:remote: a ").path == "remote: a "


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("s3:host/bucket/app", "s3:https://HOST:443/bucket/x/../app/"),
        ("rest:http://u:p@h/a", "rest:http://h/a/"),
        ("gs:b:a", "gs:b:/a/"),
        ("/srv/a/", "local:/srv/a"),
    ],
)
def test_two_spellings_of_one_place_are_equal(one: str, other: str) -> None:
    """Else a repository named twice would be swept twice and its holders not united."""
    assert parse_location(one) == parse_location(other)
    assert hash(parse_location(one)) == hash(parse_location(other))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "local:",
        "s3:",
        "s3:host",
        "s3:https://host",
        "s3:https://host/",
        "s3:https://host//app",
        "s3:http/bucket",
        "s3:https://host/bucket/%zz",
        "s3:https://host/bucket\n",
        "s3:a:b@host/bucket",
        "s3:https://host/bucket/../../x",
        "s3://https://host/bucket",
        "gs:bucket",
        "azure:container",
        "gs::/x",
        "b2:short",
        "b2:under_score:x",
        "swift:container",
        "swift:container:relative",
        "sftp:host",
        "sftp://host",
        "sftp::/x",
        "sftp:host:~/x",
        "rest:host:8000/",
        "rest:ftp://h/",
        "rest:http://",
        "rest:http://h/\n",
        "rest:http://u:p/q@h/",
        "rest:http://u:p%zz@h/",
        "rest:http://u:p#q@h/",
        "rest:http://u:p q@h/",
        "rest:http://h/?x",
        "rclone:",
        "ftp:host",
        " s3:host/bucket",
        "S3:host/bucket",
    ],
)
def test_what_restic_would_refuse_is_one_sentence(text: str) -> None:
    """Else a slip would end in a traceback, or in a place that nobody meant."""
    with pytest.raises(BadLocation) as raised:
        parse_location(text)
    sentence = str(raised.value)
    assert 10 < len(sentence) < 300
    assert "\n" not in sentence


@given(st.text(max_size=60), st.sampled_from(["", "s3:", "s3:https://", "rest:http://", "sftp://"]))
def test_no_text_breaks_the_parser(text: str, scheme: str) -> None:
    """Else some configuration would end in a traceback."""
    try:
        found = parse_location(scheme + text)
    except BadLocation:
        return
    assert found.scheme
    assert found == parse_location(scheme + text)


def test_a_password_typed_into_an_sftp_location_is_not_shown() -> None:
    """restic takes none there, but it would stand in every line of the report."""
    assert parse_location("sftp:user:secret@host:/x").shown == "sftp:user:***@host:/x"
    assert "secret" not in parse_location("sftp://user:secret@host:22//x").shown
