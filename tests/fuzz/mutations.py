"""Inputs that are nearly right: something valid, bent in a few places.

`documents` bends the tree of a JSON document and then its bytes; `texts` and `damaged` bend a text
and bytes. What they draw are plain `bytes` and `str`, so that any example can be pasted into a
test as it is printed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st


class Literal(bytes):
    """Written into the document as it is: what `json.dumps` would not write, or not so."""


class Members(list[tuple[str | Literal, Any]]):
    """An object, as pairs: a name may come twice."""


Tree = Any
Path = tuple[int, ...]

TIMES = (
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00-23:59",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59.999999999-23:59",
    "9999-12-31T23:59:59+23:59",
    "2026-11-24T01:02:03",
    "2026-11-24 01:02:03Z",
    "2026-11-24T01:02:60Z",
    "2026-02-30T01:02:03Z",
    "2026-11-24T01:02:03.1234567890123Z",
    "2026-11-24T01:02:03+99:99",
    "1969-12-31T23:59:59Z",
    "2026-11-24T01:02:03Z",
)
_TEXTS = (
    "",
    " ",
    "\0",
    "a\nb",
    "\u202egnp.exe",
    "\ufeff",
    "\u0130",  # grows when it is made lower case
    "\ufb01",
    "\U0001f512",
    "e\u0301",
    "\x1b[2J",
    "..",
    "/",
    "%00",
    "'; --",
    "a" * 300,
    "x" * 5000,
)
_LITERALS = tuple(
    Literal(each)
    for each in (
        b"NaN",
        b"-Infinity",
        b"1e400",
        b"-0",
        b"1e-400",
        b"1.0",
        b"0x1",
        b"01",
        b"9" * 5000,
        b"9223372036854775808",
        b"-9223372036854775809",
        b"'a'",
        b"",
        b"// no\n1",
    )
)
_BROKEN = tuple(
    Literal(each)
    for each in (
        b'"\xff\xfe"',
        b'"\xed\xa0\x80"',
        b'"\xc0\xaf"',
        b'"\\ud800"',
        b'"\\udfff\\ud800"',
        b'"\\u0000"',
    )
)
"""Texts that are no UTF-8, or no Unicode."""
_NUMBERS = (0, -1, 1, 255, 2**31, 2**32, 2**53, 2**63 - 1, 2**64, 10**30, 0.5, -1e308)
_DEPTHS = (40, 5_000, 20_000)
"""Hypothesis lets a test recurse deeper than Python does by itself."""
_FEW = 3

SCALARS: st.SearchStrategy[Tree] = st.one_of(
    st.sampled_from([None, True, False]),
    st.sampled_from(_NUMBERS),
    st.sampled_from(TIMES),
    st.sampled_from(_TEXTS),
    st.sampled_from(_LITERALS),
    st.sampled_from(_BROKEN),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)
DEEP: st.SearchStrategy[Tree] = st.one_of(
    st.sampled_from(_DEPTHS).map(lambda depth: Literal(b"[" * depth + b"]" * depth)),
    st.sampled_from(_DEPTHS).map(lambda depth: Literal(b'{"a":' * depth + b"1" + b"}" * depth)),
)
ODD: st.SearchStrategy[Tree] = st.one_of(
    SCALARS, st.just([]), st.just(Members()), st.lists(SCALARS, max_size=3), DEEP
)


# --- documents -------------------------------------------------------------------------------


@st.composite
def documents(
    draw: st.DrawFn, seeds: Sequence[object], words: Sequence[str] = (), *, odd: Any = ODD
) -> bytes:
    """One of the seeds as JSON, with one to three places of its tree bent, and seldom its bytes.

    `words` are values that mean something where they end up: names, phases, other times.
    """
    tree = tree_of(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 2, _FEW]))):
        below = [each for each in paths(tree) if each]
        path = draw(st.sampled_from(below)) if below else ()
        alike = _alike(found(tree, path), words)
        tree = _bent(draw, tree, path, alike if draw(st.booleans()) else odd)
    raw = write(tree)
    return draw(damaged(raw)) if draw(st.integers(0, 9)) == 0 else raw


def _alike(value: Tree, words: Sequence[str]) -> st.SearchStrategy[Tree]:
    """Values of the same kind as this one: they get past the first check of it."""
    if isinstance(value, str) and words:
        return st.sampled_from([*words, *TIMES, *_TEXTS]) | st.text(max_size=20)
    if isinstance(value, str):
        return st.sampled_from([*TIMES, *_TEXTS, value[:-1], value + value]) | st.text(max_size=20)
    if isinstance(value, bool):
        return st.sampled_from([not value, 1, 0, "true", "1"])
    if isinstance(value, int | float):
        return st.sampled_from([*_NUMBERS, str(value), value + 1, -value]) | st.integers()
    return st.just(value)


def tree_of(value: object) -> Tree:
    """Plain JSON values, with objects as `Members`."""
    if isinstance(value, dict):
        return Members((name, tree_of(item)) for name, item in value.items())
    return [tree_of(item) for item in value] if isinstance(value, list) else value


def paths(tree: Tree, above: Path = ()) -> Iterator[Path]:
    """Where every value of the tree stands, by positions; the root's path is empty."""
    yield above
    if isinstance(tree, list):
        for index, each in enumerate(tree):
            yield from paths(each[1] if isinstance(tree, Members) else each, (*above, index))


def replaced(tree: Tree, path: Path, value: Tree) -> Tree:
    """The tree with another value there."""
    if not path:
        return value
    index, below = path[0], path[1:]
    other = Members(tree) if isinstance(tree, Members) else list(tree)
    if isinstance(other, Members):
        name, item = other[index]
        other[index] = (name, replaced(item, below, value))
    else:
        other[index] = replaced(other[index], below, value)
    return other


def found(tree: Tree, path: Path) -> Tree:
    """The value there."""
    for index in path:
        tree = tree[index][1] if isinstance(tree, Members) else tree[index]
    return tree


def _bent(draw: st.DrawFn, tree: Tree, path: Path, values: Any) -> Tree:
    """The tree with one change at this place, or to what holds it."""
    kind = draw(st.sampled_from([*["value"] * 3, "absent", "twice", "name", "more", "within"]))
    value = found(tree, path)
    if kind == "value" or not path:
        return replaced(tree, path, draw(values))
    if kind == "within":
        return replaced(
            tree, path, draw(st.sampled_from([[value], Members([("a", value)]), [[value]]]))
        )
    above, index = path[:-1], path[-1]
    holder = found(tree, above)
    changed = Members(holder) if isinstance(holder, Members) else list(holder)
    if kind == "absent":
        del changed[index]
    elif kind == "twice":
        again = (changed[index][0], draw(values)) if isinstance(changed, Members) else value
        changed[index:index] = [again] * draw(st.sampled_from([1, 1, 2, 30]))
    elif not isinstance(changed, Members):
        changed.insert(index, draw(values))
    elif kind == "name":
        changed[index] = (_another_name(draw, changed[index][0]), value)
    else:
        odd = draw(DEEP | st.sampled_from(_BROKEN) | values)
        changed.insert(index, (draw(st.text(max_size=8)), odd))
    return replaced(tree, above, changed)


def _another_name(draw: st.DrawFn, name: str | Literal) -> str | Literal:
    plain = name if isinstance(name, str) else "a"
    return draw(
        st.sampled_from([plain.upper(), plain.title(), f"{plain} ", f"{plain}\0", plain[:-1], ""])
        | st.sampled_from([Literal(b'"\\ud800"'), Literal(b'"\xff"'), Literal(b"1")])
    )


def write(tree: Tree) -> bytes:
    """The document, with everything in it that JSON does not allow."""
    if isinstance(tree, Literal):
        return bytes(tree)
    if isinstance(tree, Members):
        pairs = (write(name) + b":" + write(value) for name, value in tree)
        return b"{" + b",".join(pairs) + b"}"
    if isinstance(tree, list):
        return b"[" + b",".join(map(write, tree)) + b"]"
    text = json.dumps(tree, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


# --- texts and bytes -------------------------------------------------------------------------

_ODD_BYTES = (b"", b"\0", b"\xff", b"\xef\xbb\xbf", b"\r\n", b"\n", b" ", b"{", b"]", b'"', b"\x02")


@st.composite
def damaged(draw: st.DrawFn, raw: bytes) -> bytes:
    """These bytes with one to three changes: flipped, cut off, taken out, repeated, put in."""
    for _ in range(draw(st.integers(1, _FEW))):
        here = draw(st.integers(0, len(raw)))
        there = min(len(raw), here + draw(st.sampled_from([1, 1, 2, 4, 16, 64, 1000])))
        part = raw[here:there]
        kind = draw(st.sampled_from(["flip", "cut", "out", "again", "in", "number"]))
        if kind == "flip":
            part = bytes(each ^ draw(st.integers(1, 255)) for each in part[:1]) + part[1:]
        elif kind == "cut":
            part, there = b"", len(raw)
        elif kind == "out":
            part = b""
        elif kind == "again":
            part *= draw(st.sampled_from([2, 2, 3, 100]))
        elif kind == "in":
            part = draw(st.sampled_from(_ODD_BYTES) | st.binary(max_size=8)) + part
        else:
            part = draw(st.sampled_from([b"0", b"-1", b"1e9", b"4294967296", b"9" * 25])) + part
        raw = raw[:here] + part + raw[there:]
    return raw


@st.composite
def texts(draw: st.DrawFn, seeds: Sequence[str], tokens: Sequence[str]) -> str:
    """One of the seeds with up to four pieces taken out, repeated, or put in from `tokens`."""
    text = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 4))):
        here = draw(st.integers(0, len(text)))
        there = min(len(text), here + draw(st.integers(0, 4)))
        piece = draw(
            st.sampled_from(["", text[here:there] * 2, text])
            | st.sampled_from([*tokens, *_TEXTS])
            | st.text(max_size=4)
        )
        text = text[:here] + piece + text[there:]
    return text
