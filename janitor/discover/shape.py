"""From plain YAML to the Structs of schema.py, with every mistake of spelling or type told.

msgspec stops at the first mistake and its messages may quote values. So this walks down the
mappings and lists by itself and lets msgspec judge single values only.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin

import msgspec

from janitor.discover.mistakes import Mistakes, nearest, shown_name
from janitor.discover.variables import is_restic_variable


class _Wrong:
    """Stands for a value whose mistake has been noted."""


WRONG = _Wrong()

_WORDS = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    types.NoneType: "null",
    dict: "a mapping",
    tuple: "a list",
}


def convert(value: object, kind: Any, path: str, mistakes: Mistakes) -> Any:
    """The value as this type, or WRONG; what is wrong is added to the mistakes."""
    options = [kind] if get_origin(kind) not in (Union, types.UnionType) else list(get_args(kind))
    for option in options:
        if isinstance(value, dict) and _is_struct(option):
            return _struct(value, option, path, mistakes)
        if isinstance(value, list) and get_origin(option) is tuple:
            items = [
                convert(item, get_args(option)[0], f"{path}[{index}]", mistakes)
                for index, item in enumerate(value)
            ]
            return WRONG if any(item is WRONG for item in items) else tuple(items)
        if isinstance(value, dict) and get_origin(option) is dict:
            return _mapping(value, get_args(option)[1], path, mistakes)
    scalars = [option for option in options if option in (str, bool, int, types.NoneType)]
    try:
        return msgspec.convert(value, Union[tuple(scalars)], strict=True)  # noqa: UP007 - made at run time
    except (msgspec.ValidationError, TypeError):
        mistakes.add(path, _expected(value, options))
        return WRONG


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


@functools.cache
def _fields_of(kind: Any) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.name: field for field in msgspec.structs.fields(kind)}


def _struct(value: Mapping[Any, object], kind: Any, path: str, mistakes: Mistakes) -> Any:
    fields = _fields_of(kind)
    given: dict[str, object] = {}
    whole = True
    for key, item in value.items():
        if key not in fields:
            mistakes.add(path, _unknown_key(key, fields))
            whole = False
            continue
        given[key] = convert(item, fields[key].type, f"{path}.{key}".lstrip("."), mistakes)
    for name, field in fields.items():
        if field.required and name not in given:
            mistakes.add(path, f"needs the key `{name}`.")
            whole = False
    if any(item is WRONG for item in given.values()):
        whole = False
    # A top level with a mistake in one key is still checked in its other keys.
    usable = {name: item for name, item in given.items() if item is not WRONG}
    if not whole and any(field.required for field in fields.values()):
        return WRONG
    return kind(**usable)


def _unknown_key(key: object, fields: Mapping[str, object]) -> str:
    if isinstance(key, str) and is_restic_variable(key):
        return (
            f"`{key}` is a variable of restic, not a key: write it into a file that `environment` "
            "names, or under `variables` if it is not secret."
        )
    if key in ("option", "options") or str(key).startswith("sftp."):
        return (
            f"{shown_name(key)} is not a key here: restic's `-o` options are not used. In place of "
            "`sftp.args` and `sftp.command` write `ssh: FOLDER`, with the key and `known_hosts` in "
            "it, and the port in the location; in place of `s3.region` set AWS_DEFAULT_REGION."
        )
    return f"{shown_name(key)} is not a key here: {nearest(key, fields)}"


def _mapping(value: Mapping[Any, object], kind: Any, path: str, mistakes: Mistakes) -> Any:
    converted: dict[str, object] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            mistakes.add(path, "every key must be text: put it in quotes.")
            return WRONG
        converted[key] = convert(item, kind, f"{path}.{shown_name(key).strip('`')}", mistakes)
    return WRONG if any(item is WRONG for item in converted.values()) else converted


def _expected(value: object, options: list[Any]) -> str:
    allowed = list(dict.fromkeys(_word(option) for option in options if option is not None))
    allowed = [word for word in allowed if word]
    quotes = ""
    if "text" in allowed and isinstance(value, bool | int | float):
        quotes = ": put text in quotes"
    return f"must be {' or '.join(allowed)}, not {_what(value)}{quotes}."


def _word(option: Any) -> str:
    if _is_struct(option):
        return "a mapping"
    return _WORDS.get(get_origin(option) or option, "")


def _what(value: object) -> str:
    kinds: list[tuple[type | tuple[type, ...], str]] = [
        (bool, "true or false (in YAML `yes`, `no`, `on` and `off` are, too)"),
        ((int, float), "a number"),
        (str, "text"),
        (list, "a list"),
        (dict, "a mapping"),
    ]
    return next((word for kind, word in kinds if isinstance(value, kind)), "null")
