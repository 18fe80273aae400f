"""HTTP answers that are nearly right, as every byte that a server would send."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from tests.fuzz.mutations import damaged

_STATUS = (
    *(b"HTTP/1.1 200 OK",) * 8,
    *(b"HTTP/1.1 404 Not Found",) * 2,
    *(b"HTTP/1.1 206 Partial", b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified"),
    *(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK", b"HTTP/1.1 101 Switching", b"HTTP/1.1 199"),
    *(b"HTTP/1.1 301 Moved", b"HTTP/1.1 307 Temporary", b"HTTP/1.1 400 Bad", b"HTTP/1.1 401 No"),
    *(b"HTTP/1.1 403 No", b"HTTP/1.1 409 Conflict", b"HTTP/1.1 410 Gone", b"HTTP/1.1 429 Slow"),
    *(b"HTTP/1.1 500 Oh", b"HTTP/1.1 503 Busy", b"HTTP/1.1 599", b"HTTP/1.1 999", b"HTTP/1.1 0"),
    *(
        b"HTTP/1.1 -1 x",
        b"HTTP/1.1 20",
        b"HTTP/1.1 2000",
        b"HTTP/1.0 200 OK",
        b"HTTP/2 200",
        b"ICY",
    ),
    *(
        b"HTTP/0.9 200 OK",
        b"HTTP/1.1",
        b"HTTP/1.1 200 \xff\x00",
        b"",
        b"SSH-2.0-x",
        b"HTTP/1.1 abc",
    ),
)
_HEADERS = (
    *(b"Server: rclone/v1.70", b"Server: \xff", b"Date: Wed, 25 Nov 2026 12:00:00 GMT"),
    *(b"Date: Wed, 25 Nov 2026 12:00:00 +99999999999999999999", b"Date: ", b"Date: 0"),
    *(b"Date: Mon, 01 Jan 0001 00:00:00 +2359", b"Date: Fri, 31 Dec 9999 23:59:59 -2359"),
    *(b"Date: Wed, 25 Nov 99999999999999999999 12:00:00 GMT", b"Date: 25 Nov 2026 99:99:99 -0000"),
    *(b"Location: http://[", b"Location: https://u:p@login.example.com/", b"Location: \x7f"),
    *(b"Location: //", b"Location: /again", b"Retry-After: 99999999999", b"Retry-After: soon"),
    *(
        b"Retry-After: -1",
        b"Retry-After: Wed, 25 Nov 2026 12:00:00 GMT",
        b"Content-Type: text/html",
    ),
    *(b"Content-Encoding: gzip", b"Content-Encoding: deflate, zstd", b"Content-Encoding: x"),
    *(b"Last-Modified: Wed, 25 Nov 2026 12:00:00 GMT", b"Last-Modified: never", b'ETag: "x"'),
    *(b"ETag: \xff", b"Connection: keep-alive", b"Connection: close", b"Set-Cookie: a", b" folded"),
    *(b"no colon", b": nameless", b"x" * 300 + b": y", b"X: " + b"y" * 70_000, b"X:\x00"),
    *(b"Content-Range: bytes 0-0/1", b"Content-Range: bytes 9-1/x", b"x-amz-bucket-region: eu-1"),
    *(b"Upgrade: h2c", b"Trailer: X", b"Alt-Svc: h3", b"Content-Length: 0", b"Content-Length: 10"),
)
_CHUNK = 1000


def whole(body: bytes, *headers: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """An answer as it should be."""
    lines = [status, *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*lines, b"", body])


@st.composite
def answers(draw: st.DrawFn, bodies: st.SearchStrategy[bytes], *, usual: Sequence[bytes]) -> bytes:
    """An answer with one of these bodies: mostly well-formed, in part not at all.

    `usual` are headers that a right answer has.
    """
    body = draw(bodies)
    kind = draw(st.integers(0, 5))
    if kind < 3:  # only the body is odd
        return whole(body, *usual)
    headers = [each for each in usual if draw(st.booleans())]
    headers += draw(st.lists(st.sampled_from(_HEADERS), max_size=3))
    headers += [b"X-%d: y" % index for index in range(draw(st.sampled_from([0, 0, 0, 120])))]
    length, framed = _framed(draw, body)
    head = b"\r\n".join([draw(st.sampled_from(_STATUS)), *headers, *length])
    if kind == 5:
        head = draw(damaged(head))
    return head + b"\r\n\r\n" + framed


def _framed(draw: st.DrawFn, body: bytes) -> tuple[list[bytes], bytes]:
    kind = draw(st.sampled_from(["right", "right", "none", "short", "long", "odd", "chunks"]))
    size = len(body)
    if kind == "none":
        return [], body
    if kind == "short":
        return [b"Content-Length: %d" % (size // 2)], body
    if kind == "long":
        return [b"Content-Length: %d" % (size + draw(st.sampled_from([1, 10**6, 2**64])))], body
    if kind == "odd":
        odd = [b"-1", b"x", b"", b"1, 1", b"9" * 5000, b"0x10", b"+5", b"%d.0" % size]
        return [b"Content-Length: " + draw(st.sampled_from(odd))], body
    if kind == "chunks":
        pieces = [body[index : index + _CHUNK] for index in range(0, size, _CHUNK)]
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in pieces) + b"0\r\n\r\n"
        if draw(st.booleans()):
            odd_chunks = [
                b"-1\r\n",
                b"zz\r\n",
                b"f" * 20 + b"\r\n",
                b"\r\n",
                b"1" * 70_000,
                b"1;x\r\n",
            ]
            chunks = draw(damaged(chunks) | st.sampled_from(odd_chunks))
        return [b"Transfer-Encoding: chunked"], chunks
    return [b"Content-Length: %d" % size], body
