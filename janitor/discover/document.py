"""The configuration file as plain lists and mappings: YAML, read with suspicion.

PyYAML's safe loader reads it; refused on top are what it would let pass or choke on: a key that is
written twice, tags, a second document, deep nesting, and anchors that multiply (a "YAML bomb") or
contain themselves. Dates stay text. PyYAML's own messages may quote the file, so only those that
cannot are passed on.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import yaml

from janitor.discover.mistakes import ConfigurationError, shown_name

_LARGEST = 1 << 20
"""Bytes; a ConfigMap or Secret cannot hold more either."""
_DEEPEST = 30
_MOST_NODES = 500_000
"""Scalars, lists and mappings with every alias written out."""
_TEXT_TAG = "tag:yaml.org,2002:str"
_DATE_TAG = "tag:yaml.org,2002:timestamp"

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _RefusedError(Exception):
    """What is wrong, and in which line (from 1) where that is known."""

    def __init__(self, sentence: str, mark: Any = None) -> None:
        super().__init__(sentence)
        self.line: int | None = None if mark is None else mark.line + 1


class _Loader(_Base):  # type: ignore[misc]  # the C loader has no types
    """The safe loader, whose dates stay text (below)."""


def load_document(path: Path) -> object:
    """The document in this file: None, scalars, lists and mappings.

    Raises ConfigurationError with the file and, where it is known, the line.
    """
    text = _read(path)
    try:
        return _load(text)
    except _RefusedError as refused:
        line = "" if refused.line is None else f", line {refused.line}"
        raise ConfigurationError(f"{path}{line}: {refused}.") from None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}.") from None
    if len(raw) > _LARGEST:
        raise ConfigurationError(f"{path}: is larger than 1 MiB, which no configuration needs.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{path}, line {line}: is not UTF-8 text.") from None


def _load(text: str) -> object:
    loader = None
    try:
        _refuse_what_is_not_plain(text)
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _refuse_twice_and_multiplying(node)
        return cast("object", loader.construct_document(node))
    except yaml.MarkedYAMLError as error:
        raise _RefusedError(f"is not valid YAML{_reason(error)}", error.problem_mark) from None
    except yaml.YAMLError:
        raise _RefusedError(
            "is not valid YAML: it holds a character that YAML does not allow"
        ) from None
    except (ValueError, OverflowError, RecursionError, TypeError):
        raise _RefusedError("is not valid YAML: a number or a key cannot be read") from None
    finally:
        if loader is not None:
            loader.dispose()


def _reason(error: yaml.MarkedYAMLError) -> str:
    """The parser's own words, where they quote nothing of the file but punctuation."""
    problem = error.problem or ""
    quoted = re.findall(r"'([^']*)'|\"([^\"]*)\"", problem)
    if any(character.isalnum() for pair in quoted for text in pair for character in text):
        return ""
    if problem.count("'") % 2 or problem.count('"') % 2:
        return ""
    return f": {problem}" if problem else ""


def _refuse_what_is_not_plain(text: str) -> None:
    """Refuses tags, deep nesting and a second document before anything is built from them."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            raise _RefusedError("tags (`!...`) are not allowed here", event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if documents > 1:
            raise _RefusedError("a second document (`---`) begins here", event.start_mark)
        if depth > _DEEPEST:
            raise _RefusedError(f"is nested more than {_DEEPEST} deep", event.start_mark)


def _refuse_twice_and_multiplying(root: Any) -> None:
    """Looks at each node once (aliases share theirs), and counts what they would be written out."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: Any) -> int:
        if isinstance(node, yaml.ScalarNode):
            return 1
        if id(node) in open_nodes:
            raise _RefusedError("an anchor contains itself", node.start_mark)
        if id(node) not in sizes:
            open_nodes.add(id(node))
            children = node.value
            if isinstance(node, yaml.MappingNode):
                _refuse_twice(node)
                children = [part for pair in node.value for part in pair]
            sizes[id(node)] = 1 + sum(map(size, children))
            open_nodes.discard(id(node))
        if sizes[id(node)] > _MOST_NODES:
            raise _RefusedError("its anchors multiply to far too much", node.start_mark)
        return sizes[id(node)]

    size(root)


def _refuse_twice(mapping: Any) -> None:
    """YAML forbids a key twice; PyYAML would take the last."""
    seen: set[tuple[str, str]] = set()
    for key, _ in mapping.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _RefusedError("a key must be a plain word", key.start_mark)
        if (key.tag, key.value) in seen:
            raise _RefusedError(
                f"{shown_name(key.value)} is written twice in one mapping", key.start_mark
            )
        seen.add((key.tag, key.value))


_Loader.add_constructor(_DATE_TAG, lambda loader, node: loader.construct_scalar(node))
